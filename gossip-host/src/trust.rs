//! Which keys may speak for the members of a cluster, as an operator says it.
//!
//! ```text
//! own                          an id follows from its key
//! gossip-node-1-77d2…01e4      the authority with this key issues certificates
//! /etc/gossip/members          this file lists ids and keys:
//!
//!     # Anything behind a # is a comment.
//!     3X9BYWYKQ8R2C gossip-node-1-e9d7…ad4c
//!     name:db-2     gossip-node-1-0a51…7c02
//! ```

use crate::{
    read_file::{Role, lines},
    trust_error::{ListLineError, ParseTrustError, TrustError},
};
use gossip_core::{Listed, NodeId, PublicKey, Trust};
use std::{
    path::{Path, PathBuf},
    str::FromStr,
};

/// Where a node learns which key may speak for which id. All nodes of a cluster have the same.
///
/// As text it is `own`, an authority's public key (`gossip-node-1-` and 64 hexadecimal digits), or the path of a list; the path of a
/// file of the name `own` is `./own`.
#[derive(Clone, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub enum TrustSource {
    /// The ids themselves: they follow from the keys.
    Own,
    /// An authority's certificates.
    Authority(PublicKey),
    /// A list: on each line an id, as [`NodeId`] is shown, or `name:` and a name, and after white space the public key of that node.
    /// What stands behind a `#` does not count. Only its owner may write it.
    List(PathBuf),
}

/// How a name begins where an id could stand.
const NAME: &str = "name:";

const LIST: Role = Role {
    name: "list of keys",
    max_bytes: TrustSource::MAX_LIST_BYTES,
    content: "ids and keys alone",
    is_secret: false,
    remedy: "check that its keys are those of your nodes",
};

impl TrustSource {
    /// The most bytes that a list may have: 128 for each node of the longest one.
    pub const MAX_LIST_BYTES: usize = 128 * Listed::MAX;

    /// The keys as they are now. May block.
    ///
    /// # Errors
    /// The list cannot be used.
    pub fn load(&self) -> Result<TrustedKeys, TrustError> {
        Ok(TrustedKeys(match self {
            Self::Own => Kind::Own,
            Self::Authority(key) => Kind::Authority(*key),
            Self::List(path) => Kind::Listed(list(path, &LIST.read(path)?, Listed::MAX)?),
        }))
    }
}

impl FromStr for TrustSource {
    type Err = ParseTrustError;

    fn from_str(text: &str) -> Result<Self, ParseTrustError> {
        if text == "own" {
            Ok(Self::Own)
        } else if text.trim_start().starts_with("gossip-node-") {
            PublicKey::parse(text).map(Self::Authority).map_err(ParseTrustError::Key)
        } else if LIST.check_path(Path::new(text)).is_err() {
            Err(ParseTrustError::Secret)
        } else {
            Ok(Self::List(text.into()))
        }
    }
}

/// Which keys may speak for the members, loaded.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct TrustedKeys(Kind);

#[derive(Clone, PartialEq, Eq, Debug)]
enum Kind {
    Own,
    Authority(PublicKey),
    /// In the order of the ids, each once.
    Listed(Vec<(NodeId, PublicKey)>),
}

impl TrustedKeys {
    /// The same for a node.
    pub fn trust(&self) -> Trust<'_> {
        match &self.0 {
            Kind::Own => Trust::Own,
            Kind::Authority(key) => Trust::Authority(*key),
            // Its order was checked; nobody would be trusted otherwise.
            Kind::Listed(nodes) => Trust::Listed(Listed::new(nodes).unwrap_or_default()),
        }
    }

    /// The same for as long as the program runs, as [`Credentials`](gossip_core::Credentials) need it. A list is leaked: it is to be
    /// loaded once, or seldom.
    pub fn leak(self) -> Trust<'static> {
        Box::leak(Box::new(self)).trust()
    }
}

/// The nodes of a list, sorted: at least one, at most `most`, no two of one id.
fn list(path: &Path, text: &[u8], most: usize) -> Result<Vec<(NodeId, PublicKey)>, TrustError> {
    let mut nodes = Vec::new();
    for (line, content) in lines(text) {
        let wrong = |error| TrustError::Line { path: path.to_owned(), line, error };
        if nodes.len() == most {
            return Err(TrustError::TooMany { path: path.to_owned(), most });
        }
        let (id, key) = node(str::from_utf8(content).unwrap_or_default()).map_err(wrong)?;
        nodes.push((id, line, key));
    }
    if nodes.is_empty() {
        return Err(TrustError::Empty { path: path.to_owned() });
    }
    nodes.sort_unstable();
    let twice = nodes.iter().zip(nodes.iter().skip(1)).find(|((one, ..), (other, ..))| one == other);
    if let Some(((id, first, _), (_, line, _))) = twice {
        return Err(TrustError::Twice { path: path.to_owned(), line: *line, first: *first, id: *id });
    }
    Ok(nodes.into_iter().map(|(id, _, key)| (id, key)).collect())
}

fn node(line: &str) -> Result<(NodeId, PublicKey), ListLineError> {
    // A name may contain white space, and a key does not.
    let (id, key) = line.rsplit_once(char::is_whitespace).ok_or(ListLineError::Format)?;
    let id = match id.trim_end().strip_prefix(NAME) {
        Some(name) => NodeId::from_name(name).map_err(ListLineError::Name)?,
        None => id.trim_end().parse().map_err(ListLineError::Id)?,
    };
    Ok((id, PublicKey::parse(key).map_err(ListLineError::Key)?))
}

#[cfg(test)]
mod tests;
