//! An authority's certificates: which key speaks for which id, and in which epochs.
//!
//! ```text
//! signed      label 16 · cluster 8 · id 8 · key 32 · last epoch 4
//! in a file   gossip-certificate-1-, then in hexadecimal: cluster 8 · id 8 · key 32 · last epoch 4 · signature 64
//! on the wire last epoch 4 · signature 64
//! ```
//!
//! Epochs are seconds since 1970 where hosts follow [`Identity::epoch`](crate::Identity::epoch), so the last one is a time. A
//! node that began before it runs on after it; it cannot begin again.

use super::{
    super::hex,
    error::IdentityError,
    key::{PublicKey, SigningKey},
    text::{CERTIFICATE, CERTIFICATE_PREFIX, KEY, SIGNATURE, WRITTEN, text},
};
use crate::vocabulary::{config::ClusterName, record::NodeId};
use core::fmt;

/// Bytes of a certificate beside the record and the key that it is of.
const ON_WIRE: usize = 4 + SIGNATURE;
/// Bytes of the text that is signed.
const BYTES: usize = 68;

/// Why a certificate does not vouch for a node.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
#[non_exhaustive]
pub enum CertificateError {
    /// It is of another cluster.
    ForeignCluster,
    /// It is of another node.
    OtherId(NodeId),
    /// It is of another key.
    OtherKey,
    /// The node's epoch is above the last one that it is good for.
    Expired {
        /// The last one.
        last_epoch: u32,
    },
    /// The authority has not signed it.
    Forged,
}

impl fmt::Display for CertificateError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::ForeignCluster => f.write_str("the certificate is of another cluster: have one issued for this"),
            Self::OtherId(id) => write!(f, "the certificate is of {id}: use this node's own"),
            Self::OtherKey => f.write_str("the certificate is of another key: have one issued for the present one"),
            Self::Expired { last_epoch } => write!(
                f,
                "the certificate is good up to epoch {last_epoch}, and the node's is later: have another issued"
            ),
            Self::Forged => f.write_str(
                "the authority has not signed the certificate: check the authority's key, and copy the certificate again",
            ),
        }
    }
}

impl core::error::Error for CertificateError {}

/// An authority's word that a key speaks for an id. Nothing is believed of it before [`Certificate::check`].
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct Certificate {
    /// [`ClusterName::key`].
    cluster: u64,
    id: NodeId,
    key: [u8; KEY],
    last_epoch: u32,
    signature: [u8; SIGNATURE],
}

impl Certificate {
    /// A certificate that `key` speaks for `id` in this cluster, up to and including `last_epoch`.
    pub fn issue(
        authority: &SigningKey,
        cluster: ClusterName,
        id: NodeId,
        key: &PublicKey,
        last_epoch: u32,
    ) -> Self {
        let (cluster, key) = (cluster.key(), key.to_bytes());
        let unsigned = Self { cluster, id, key, last_epoch, signature: [0; SIGNATURE] };
        Self { signature: authority.sign(&unsigned.text()), ..unsigned }
    }

    /// A certificate as it is written in a file; white space around it does not count.
    ///
    /// # Errors
    /// [`IdentityError::CertificateFormat`].
    pub fn parse(text: &str) -> Result<Self, IdentityError> {
        let wrong = IdentityError::CertificateFormat;
        let bytes = hex::parse::<WRITTEN>(CERTIFICATE_PREFIX, text).ok_or(wrong)?;
        let (cluster, rest) = bytes.split_first_chunk().ok_or(wrong)?;
        let (id, rest) = rest.split_first_chunk().ok_or(wrong)?;
        let (key, rest) = rest.split_first_chunk().ok_or(wrong)?;
        let (last_epoch, rest) = rest.split_first_chunk().ok_or(wrong)?;
        Ok(Self {
            cluster: u64::from_be_bytes(*cluster),
            id: NodeId::from_bytes(*id).ok_or(wrong)?,
            key: *key,
            last_epoch: u32::from_be_bytes(*last_epoch),
            signature: *rest.first_chunk().ok_or(wrong)?,
        })
    }

    /// What of it travels with the record and the key of its node.
    pub fn to_wire(&self) -> [u8; ON_WIRE] {
        let mut bytes = [0; ON_WIRE];
        if let Some((last_epoch, signature)) = bytes.split_first_chunk_mut() {
            *last_epoch = self.last_epoch.to_be_bytes();
            signature.copy_from_slice(&self.signature);
        }
        bytes
    }

    /// The certificate of which this travelled with the record and the key of a node in this cluster.
    pub fn from_wire(cluster: ClusterName, id: NodeId, key: &PublicKey, bytes: &[u8; ON_WIRE]) -> Self {
        let [a, b, c, d, signature @ ..] = *bytes;
        let last_epoch = u32::from_be_bytes([a, b, c, d]);
        Self { cluster: cluster.key(), id, key: key.to_bytes(), last_epoch, signature }
    }

    /// Whose it is.
    pub const fn id(&self) -> NodeId {
        self.id
    }

    /// The key that it is of.
    ///
    /// # Errors
    /// [`IdentityError::NoKey`] or [`IdentityError::WeakKey`]: no authority has issued it.
    pub fn key(&self) -> Result<PublicKey, IdentityError> {
        PublicKey::from_bytes(self.key)
    }

    /// The last epoch that it is good for.
    pub const fn last_epoch(&self) -> u32 {
        self.last_epoch
    }

    /// Whether it is the authority's word that this key speaks for this id in this cluster and epoch. The signature is verified
    /// last, and only if nothing else is wrong.
    ///
    /// # Errors
    /// The first reason why not.
    pub fn check(
        &self,
        authority: &PublicKey,
        cluster: ClusterName,
        id: NodeId,
        key: &PublicKey,
        epoch: u32,
    ) -> Result<(), CertificateError> {
        if self.cluster != cluster.key() {
            Err(CertificateError::ForeignCluster)
        } else if self.id != id {
            Err(CertificateError::OtherId(self.id))
        } else if self.key != key.to_bytes() {
            Err(CertificateError::OtherKey)
        } else if epoch > self.last_epoch {
            Err(CertificateError::Expired { last_epoch: self.last_epoch })
        } else if !authority.verify(&self.text(), &self.signature) {
            Err(CertificateError::Forged)
        } else {
            Ok(())
        }
    }

    fn text(&self) -> [u8; BYTES] {
        let Self { cluster, id, key, last_epoch, .. } = self;
        text(CERTIFICATE, &[&cluster.to_be_bytes(), &id.to_bytes(), key, &last_epoch.to_be_bytes()])
    }
}

impl fmt::Display for Certificate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        hex::write(f, CERTIFICATE_PREFIX, &self.cluster.to_be_bytes())?;
        for part in [&self.id.to_bytes()[..], &self.key, &self.to_wire()] {
            hex::write(f, "", part)?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::{
        super::key::tests::{VERIFIED, key},
        *,
    };
    use quickcheck::QuickCheck;
    use std::{format, string::ToString as _};

    const LAST: u32 = 1_800_000_000;

    fn cluster() -> ClusterName {
        ClusterName { tag: 0, key: 9 }
    }

    fn id() -> NodeId {
        NodeId::from_u64(5).unwrap()
    }

    fn issued() -> Certificate {
        Certificate::issue(&key(1), cluster(), id(), &key(2).public(), LAST)
    }

    fn checked(certificate: &Certificate, epoch: u32) -> Result<(), CertificateError> {
        certificate.check(&key(1).public(), cluster(), id(), &key(2).public(), epoch)
    }

    #[test]
    fn a_certificate_is_good_for_its_node_up_to_its_last_epoch() {
        let (authority, node) = (key(1).public(), key(2).public());
        assert_eq!([0, LAST].map(|epoch| checked(&issued(), epoch)), [Ok(()); 2]);
        assert_eq!(checked(&issued(), LAST + 1), Err(CertificateError::Expired { last_epoch: LAST }));
        let elsewhere = ClusterName { tag: 0, key: 8 };
        let other = NodeId::from_u64(6).unwrap();
        let checks = [
            (issued().check(&authority, elsewhere, id(), &node, LAST), CertificateError::ForeignCluster),
            (issued().check(&authority, cluster(), other, &node, LAST), CertificateError::OtherId(id())),
            (issued().check(&authority, cluster(), id(), &authority, LAST), CertificateError::OtherKey),
            (issued().check(&node, cluster(), id(), &node, LAST), CertificateError::Forged),
        ];
        for (checked, reason) in checks {
            assert_eq!(checked, Err(reason));
        }
    }

    #[test]
    fn nothing_is_verified_where_something_else_is_wrong() {
        VERIFIED.set(0);
        assert!(checked(&issued(), LAST + 1).is_err());
        assert_eq!(VERIFIED.get(), 0);
        assert!(checked(&issued(), LAST).is_ok());
        assert_eq!(VERIFIED.get(), 1);
    }

    #[test]
    fn a_changed_bit_of_a_certificate_is_refused() {
        let text = issued().to_string();
        let bytes = hex::parse::<WRITTEN>(CERTIFICATE_PREFIX, &text).unwrap();
        for bit in 0..8 * WRITTEN {
            let mut changed = *bytes;
            changed[bit / 8] ^= 1 << (bit % 8);
            let digits: std::string::String = changed.iter().map(|byte| format!("{byte:02x}")).collect();
            let certificate = Certificate::parse(&format!("{CERTIFICATE_PREFIX}{digits}")).unwrap();
            assert!(checked(&certificate, 0).is_err(), "bit {bit}");
        }
    }

    #[test]
    fn a_certificate_is_read_as_it_is_written_and_as_it_travels() {
        fn property(cluster: u64, id: u64, n: u64, last_epoch: u32) -> bool {
            let (cluster, id) = (ClusterName { tag: 0, key: cluster }, NodeId::from_u64(id.max(1)).unwrap());
            let key = key(n).public();
            let certificate =
                Certificate::issue(&super::super::key::tests::key(1), cluster, id, &key, last_epoch);
            let text = certificate.to_string();
            Certificate::parse(&text) == Ok(certificate)
                && certificate.key() == Ok(key)
                && Certificate::from_wire(cluster, id, &key, &certificate.to_wire()) == certificate
                && Certificate::parse(&text[..text.len() - 2]) == Err(IdentityError::CertificateFormat)
        }
        QuickCheck::new().quickcheck(property as fn(u64, u64, u64, u32) -> bool);
        let text = issued().to_string();
        let nobody = format!(
            "{}{}{}",
            &text[..CERTIFICATE_PREFIX.len() + 16],
            "0".repeat(16),
            &text[CERTIFICATE_PREFIX.len() + 32..]
        );
        for wrong in [nobody, text.replace("-1-", "-2-"), text.replace(CERTIFICATE_PREFIX, "")] {
            assert_eq!(Certificate::parse(&wrong), Err(IdentityError::CertificateFormat), "{wrong}");
        }
    }
}
