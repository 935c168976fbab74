//! Why keys, certificates and lists are refused.

use super::text::{CERTIFICATE_PREFIX, KEY, PUBLIC_PREFIX, SIGNING_PREFIX, WRITTEN};
use crate::vocabulary::record::NodeId;
use core::fmt;

/// Why a key, a certificate or a list of keys is refused. Nothing has changed.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
#[non_exhaustive]
pub enum IdentityError {
    /// A signing key is not `gossip-identity-1-` and 64 hexadecimal digits.
    SigningKeyFormat,
    /// A public key is not `gossip-node-1-` and 64 hexadecimal digits.
    PublicKeyFormat,
    /// A certificate is not `gossip-certificate-1-` and 232 hexadecimal digits.
    CertificateFormat,
    /// All bytes of a signing key are equal: it is a placeholder, and no secret.
    Placeholder,
    /// Bytes that are no public key: no signature belongs to them.
    NoKey,
    /// A public key of small order: anybody can make signatures that belong to it.
    WeakKey,
    /// A list has this id behind one that is not smaller.
    NotInOrder(NodeId),
    /// A list has more nodes than a cluster.
    TooMany {
        /// The most nodes.
        most: usize,
    },
}

impl fmt::Display for IdentityError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::SigningKeyFormat => write!(
                f,
                "a signing key is {} and {} hexadecimal digits: generate one",
                SIGNING_PREFIX,
                2 * KEY
            ),
            Self::PublicKeyFormat => write!(
                f,
                "a public key is {} and {} hexadecimal digits: copy it again from its node",
                PUBLIC_PREFIX,
                2 * KEY
            ),
            Self::CertificateFormat => write!(
                f,
                "a certificate is {} and {} hexadecimal digits: copy it again, or have another issued",
                CERTIFICATE_PREFIX,
                2 * WRITTEN
            ),
            Self::Placeholder => f.write_str("all bytes of the signing key are equal: generate one"),
            Self::NoKey => f.write_str("these bytes are no public key: copy it again from its node"),
            Self::WeakKey => {
                f.write_str("anybody can sign for this public key: generate another on its node")
            }
            Self::NotInOrder(id) => {
                write!(f, "the list has {id} twice or out of order: sort it by id, each id once")
            }
            Self::TooMany { most } => {
                write!(f, "a list has {most} nodes at the most: use an authority's certificates instead")
            }
        }
    }
}

impl core::error::Error for IdentityError {}
