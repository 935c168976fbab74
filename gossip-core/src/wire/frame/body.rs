//! A sealed datagram, once it is open.

use super::{Frame, Header};
use crate::{
    vocabulary::{
        error::Verdict,
        record::{Fingerprint, NodeId},
    },
    wire::codec::Reader,
};

impl<'a> Frame<'a> {
    /// What a sealed datagram of this sender says: the fingerprint, and the sections behind it.
    ///
    /// # Errors
    /// It ends within the fingerprint.
    pub(crate) fn of_body(cluster: u32, sender: NodeId, body: &'a [u8]) -> Result<Self, Verdict> {
        let mut reader = Reader { rest: body };
        let fingerprint = Fingerprint(reader.u64().map_err(Verdict::Malformed)?);
        Ok(Self { header: Header { cluster, sender, fingerprint }, sections: reader.rest })
    }
}
