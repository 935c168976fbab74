//! Which key may speak for which id.

use super::{
    certificate::{Certificate, CertificateError},
    error::IdentityError,
    key::PublicKey,
};
use crate::{
    tables::memory::MAX_MEMBERS,
    vocabulary::{config::ClusterName, record::NodeId},
};
use core::fmt;

/// How a node knows which key speaks for an id. All nodes of a cluster know it in the same way.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Trust<'a> {
    /// By the id: it follows from the key ([`PublicKey::own_id`]). Anybody may join under the id of a key of its own.
    Own,
    /// By a list.
    Listed(Listed<'a>),
    /// By certificates that the owner of this key has signed.
    Authority(PublicKey),
}

/// Ids and their keys, in the order of the ids. By default there are none, and nobody is trusted.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Listed<'a>(&'a [(NodeId, PublicKey)]);

impl<'a> Listed<'a> {
    /// The most nodes of a list: as many as a node can know.
    pub const MAX: usize = MAX_MEMBERS;

    /// A list of these nodes.
    ///
    /// # Errors
    /// [`IdentityError::NotInOrder`] or [`IdentityError::TooMany`].
    pub fn new(nodes: &'a [(NodeId, PublicKey)]) -> Result<Self, IdentityError> {
        if nodes.len() > Self::MAX {
            return Err(IdentityError::TooMany { most: Self::MAX });
        }
        let behind = nodes.iter().zip(nodes.iter().skip(1)).find(|((a, _), (b, _))| a >= b);
        behind.map_or(Ok(Self(nodes)), |(_, (id, _))| Err(IdentityError::NotInOrder(*id)))
    }

    /// The key of a node.
    pub fn key(&self, id: NodeId) -> Option<&'a PublicKey> {
        let at = self.0.binary_search_by_key(&id, |(id, _)| *id).ok()?;
        self.0.get(at).map(|(_, key)| key)
    }
}

/// Why a key may not speak for an id.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
#[non_exhaustive]
pub enum Distrust {
    /// The id does not follow from the key.
    NotItsId {
        /// The id that does.
        own: NodeId,
    },
    /// The list does not have the id.
    NotListed,
    /// The list has another key for the id.
    OtherKey,
    /// There is no certificate.
    NoCertificate,
    /// The certificate does not vouch for it.
    Certificate(CertificateError),
}

impl fmt::Display for Distrust {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotItsId { own } => write!(f, "the node's key has the id {own}: use that"),
            Self::NotListed => f.write_str("the node is not in the list of keys: add it on all nodes"),
            Self::OtherKey => f.write_str(
                "the list has another key for the node: correct the list, or use the key that it has",
            ),
            Self::NoCertificate => f.write_str("the node has no certificate: have the authority issue one"),
            Self::Certificate(error) => error.fmt(f),
        }
    }
}

impl core::error::Error for Distrust {}

impl Trust<'_> {
    /// Whether this key may speak for this id in this epoch. It depends on nothing else. A signature is verified only of a
    /// certificate that says so.
    ///
    /// # Errors
    /// Why it may not.
    pub fn vouch(
        &self,
        cluster: ClusterName,
        id: NodeId,
        key: &PublicKey,
        epoch: u32,
        certificate: Option<&Certificate>,
    ) -> Result<(), Distrust> {
        match self {
            Self::Own => {
                let own = key.own_id();
                if own == id { Ok(()) } else { Err(Distrust::NotItsId { own }) }
            }
            Self::Listed(list) => {
                let listed = list.key(id).ok_or(Distrust::NotListed)?;
                if listed == key { Ok(()) } else { Err(Distrust::OtherKey) }
            }
            Self::Authority(authority) => {
                let certificate = certificate.ok_or(Distrust::NoCertificate)?;
                certificate.check(authority, cluster, id, key, epoch).map_err(Distrust::Certificate)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{super::key::tests::key, *};
    use quickcheck::QuickCheck;
    use std::{collections::BTreeMap, vec::Vec};

    fn cluster() -> ClusterName {
        ClusterName { tag: 0, key: 9 }
    }

    fn id(n: u64) -> NodeId {
        NodeId::from_u64(n).unwrap()
    }

    #[test]
    fn an_own_id_is_spoken_for_by_its_key_alone() {
        fn property(a: u64, b: u64, epoch: u32) -> bool {
            let [one, other] = [a, b].map(|n| key(n).public());
            let vouched = Trust::Own.vouch(cluster(), one.own_id(), &other, epoch, None);
            vouched == if a == b { Ok(()) } else { Err(Distrust::NotItsId { own: other.own_id() }) }
        }
        QuickCheck::new().quickcheck(property as fn(u64, u64, u32) -> bool);
    }

    #[test]
    fn a_listed_id_is_spoken_for_by_the_key_that_the_list_has() {
        fn property(listed: BTreeMap<u8, u8>, asked: u8, by: u8) -> bool {
            let nodes: Vec<_> =
                listed.iter().map(|(n, k)| (id(u64::from(*n) + 1), key(u64::from(*k)).public())).collect();
            let trust = Trust::Listed(Listed::new(&nodes).unwrap());
            let key = key(u64::from(by)).public();
            let expected = match listed.get(&asked) {
                None => Err(Distrust::NotListed),
                Some(listed) if *listed == by => Ok(()),
                Some(_) => Err(Distrust::OtherKey),
            };
            trust.vouch(cluster(), id(u64::from(asked) + 1), &key, 1, None) == expected
        }
        QuickCheck::new().quickcheck(property as fn(BTreeMap<u8, u8>, u8, u8) -> bool);
    }

    #[test]
    fn a_list_out_of_order_twice_of_an_id_or_too_long_is_refused() {
        let key = key(1).public();
        let listed = |ids: &[u64]| {
            let nodes: Vec<_> = ids.iter().map(|n| (id(*n), key)).collect();
            Listed::new(&nodes).map(|_| ())
        };
        assert_eq!((listed(&[]), Listed::new(&[])), (Ok(()), Ok(Listed::default())));
        assert_eq!(listed(&[1, 2, 9]), Ok(()));
        assert_eq!(listed(&[1, 9, 2]), Err(IdentityError::NotInOrder(id(2))));
        assert_eq!(listed(&[1, 2, 2]), Err(IdentityError::NotInOrder(id(2))));
        let many: Vec<_> = (1..=Listed::MAX as u64 + 1).collect();
        assert_eq!(listed(&many), Err(IdentityError::TooMany { most: Listed::MAX }));
        assert_eq!(listed(&many[1..]), Ok(()));
    }

    #[test]
    fn a_certified_id_is_spoken_for_by_the_key_of_its_certificate() {
        let (authority, node) = (key(1), key(2).public());
        let certificate = Certificate::issue(&authority, cluster(), id(5), &node, 100);
        let trust = Trust::Authority(authority.public());
        let vouch = |id, key, epoch| trust.vouch(cluster(), id, key, epoch, Some(&certificate));
        assert_eq!(vouch(id(5), &node, 100), Ok(()));
        assert_eq!(trust.vouch(cluster(), id(5), &node, 100, None), Err(Distrust::NoCertificate));
        let expired = CertificateError::Expired { last_epoch: 100 };
        assert_eq!(vouch(id(5), &node, 101), Err(Distrust::Certificate(expired)));
        assert_eq!(vouch(id(6), &node, 1), Err(Distrust::Certificate(CertificateError::OtherId(id(5)))));
        let other = key(3).public();
        assert_eq!(vouch(id(5), &other, 1), Err(Distrust::Certificate(CertificateError::OtherKey)));
        // A node is no authority over itself.
        let own = Certificate::issue(&key(2), cluster(), id(5), &node, 100);
        let vouched = trust.vouch(cluster(), id(5), &node, 1, Some(&own));
        assert_eq!(vouched, Err(Distrust::Certificate(CertificateError::Forged)));
    }
}
