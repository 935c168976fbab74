//! Signed accusations: who accuses whom cannot be made up.
//!
//! ```text
//! label 16 · cluster 8 · target 8 · epoch 4 · refutation 4 · accuser 8
//! ```

use super::{
    key::{PublicKey, SigningKey},
    text::{ACCUSATION, SIGNATURE, text},
};
use crate::vocabulary::{
    config::ClusterName,
    record::{Accusation, Incarnation},
};

/// Bytes of the text that is signed.
const BYTES: usize = 48;

impl Accusation {
    /// The accuser's signature of it, for this cluster. With the feature `identity`.
    pub fn sign(&self, cluster: ClusterName, accuser: &SigningKey) -> [u8; SIGNATURE] {
        accuser.sign(&signed(self, cluster))
    }

    /// Whether the owner of this key, which is the accuser's, has signed it, for this cluster. With the feature `identity`.
    pub fn verify(&self, cluster: ClusterName, accuser: &PublicKey, signature: &[u8; SIGNATURE]) -> bool {
        accuser.verify(&signed(self, cluster), signature)
    }
}

fn signed(accusation: &Accusation, cluster: ClusterName) -> [u8; BYTES] {
    let Accusation { target, incarnation, accuser } = accusation;
    let Incarnation { epoch, refutation } = incarnation;
    text(
        ACCUSATION,
        &[
            &cluster.key().to_be_bytes(),
            &target.to_bytes(),
            &epoch.to_be_bytes(),
            &refutation.to_be_bytes(),
            &accuser.to_bytes(),
        ],
    )
}

#[cfg(test)]
mod tests {
    use super::{super::key::tests::key, *};
    use crate::vocabulary::record::NodeId;
    use quickcheck::QuickCheck;

    type Parts = (u64, u32, u32, u64, u64);

    fn made((target, epoch, refutation, accuser, cluster): Parts) -> (Accusation, ClusterName) {
        let id = |n: u64| NodeId::from_u64(n.max(1)).unwrap();
        let incarnation = Incarnation { epoch, refutation };
        let accusation = Accusation { target: id(target), incarnation, accuser: id(accuser) };
        (accusation, ClusterName { tag: 0, key: cluster })
    }

    #[test]
    fn an_accusation_is_its_accusers_alone() {
        fn property(parts: Parts, other: Parts) -> bool {
            let ((one, here), (other, there)) = (made(parts), made(other));
            let signature = one.sign(here, &key(1));
            let verifies =
                |accusation: Accusation, cluster| accusation.verify(cluster, &key(1).public(), &signature);
            verifies(one, here)
                && !one.verify(here, &key(2).public(), &signature)
                && verifies(other, here) == (one == other)
                && verifies(one, there) == (here == there)
        }
        QuickCheck::new().quickcheck(property as fn(Parts, Parts) -> bool);
    }

    #[test]
    fn a_changed_bit_of_an_accusation_is_refused() {
        let (accusation, cluster) = made((5, 100, 2, 6, 9));
        let (signature, said) = (accusation.sign(cluster, &key(1)), signed(&accusation, cluster));
        assert!(key(1).public().verify(&said, &signature));
        for bit in 0..8 * said.len() {
            let mut changed = said;
            changed[bit / 8] ^= 1 << (bit % 8);
            assert!(!key(1).public().verify(&changed, &signature), "bit {bit}");
        }
    }
}
