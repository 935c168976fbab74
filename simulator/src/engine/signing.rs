//! What hosts sign with: keys that follow from the seed of a run, and how others know which key speaks for a host.

use super::HostId;
use gossip_core::{
    Certificate, ClusterName, ConfigError, Credentials, Incarnation, Listed, NodeId, PublicKey, Signing,
    SigningKey, Trust,
};
use siphasher::sip::SipHasher13;

/// How all hosts know which key speaks for an id.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum Trusted {
    /// Each host has a certificate of an authority.
    #[default]
    Authority,
    /// Each host has a list of the keys of all that there ever are.
    Listed,
    /// Ids follow from keys, and not from names.
    Own,
}

/// What hosts sign, and whose keys are believed.
#[derive(Clone, Debug, Default)]
pub struct Signers {
    /// How it is known which key speaks for an id.
    pub trust: Trusted,
    /// What each of the first hosts asks of others, if it signs; see [`World::newcomers_signing`](super::World) for those that come
    /// later.
    pub first: Vec<Option<Signing>>,
    /// Hosts that there ever are: those that a list has.
    pub hosts: u32,
}

/// An attacker's host: it has the cluster's keys, and nobody vouches for its own.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Sybil {
    /// It signs nothing.
    Unsigned,
    /// It signs, certified by an authority of its own making.
    SelfCertified,
}

/// The numbers of the authority's key, and of that which is none.
const AUTHORITY: u64 = u64::MAX;
const NO_AUTHORITY: u64 = u64::MAX - 1;

/// Who gives hosts what they sign with.
pub(super) struct Notary {
    seed: u64,
    cluster: ClusterName,
    authority: SigningKey,
    trusted: Trusted,
    trust: Trust<'static>,
}

impl Notary {
    /// A list is leaked: nodes read it as long as they are there.
    pub(super) fn new(seed: u64, cluster: ClusterName, signers: &Signers) -> Self {
        let authority = key(seed, AUTHORITY);
        let trust = match signers.trust {
            Trusted::Authority => Trust::Authority(authority.public()),
            Trusted::Own => Trust::Own,
            Trusted::Listed => {
                let of = |host: HostId| Some((named(host).ok()?, key(seed, host.into()).public()));
                let mut list: Vec<(NodeId, PublicKey)> = (0..signers.hosts).filter_map(of).collect();
                list.sort_unstable_by_key(|(id, _)| *id);
                // Names have ids of their own, or two hosts could not be told apart anyway.
                list.dedup_by_key(|(id, _)| *id);
                match Listed::new(Box::leak(list.into_boxed_slice())) {
                    Ok(list) => Trust::Listed(list),
                    Err(_) => Trust::Authority(authority.public()),
                }
            }
        };
        Self { seed, cluster, authority, trusted: signers.trust, trust }
    }

    /// The key of a host.
    pub(super) fn key(&self, host: HostId) -> SigningKey {
        key(self.seed, host.into())
    }

    /// The id of a new host.
    pub(super) fn id(&self, host: HostId) -> Result<NodeId, ConfigError> {
        match self.trusted {
            Trusted::Own => Ok(self.key(host).public().own_id()),
            Trusted::Authority | Trusted::Listed => named(host),
        }
    }

    /// What a node with this id, and the key of this host, signs with.
    pub(super) fn credentials(
        &self,
        (id, host): (NodeId, HostId),
        signing: Signing,
        sybil: Option<Sybil>,
    ) -> Option<Credentials> {
        let key = self.key(host);
        let certified = |authority: &SigningKey| {
            let public = key.public();
            Some(Certificate::issue(authority, self.cluster, id, &public, Incarnation::MAX_EPOCH))
        };
        let (certificate, trust) = match (sybil, self.trusted) {
            (Some(Sybil::Unsigned), _) => return None,
            (Some(Sybil::SelfCertified), _) => {
                let authority = self::key(self.seed, NO_AUTHORITY);
                (certified(&authority), Trust::Authority(authority.public()))
            }
            (None, Trusted::Authority) => (certified(&self.authority), self.trust),
            (None, Trusted::Listed | Trusted::Own) => (None, self.trust),
        };
        Some(Credentials { key, certificate, trust, signing })
    }
}

fn named(host: HostId) -> Result<NodeId, ConfigError> {
    Ok(NodeId::from_name(&format!("node-{host}"))?)
}

/// The key of this number, in a run of this seed.
fn key(seed: u64, number: u64) -> SigningKey {
    let with = |attempt: u64| {
        let mut bytes = [0; 32];
        for (part, word) in (0u64..).zip(bytes.as_chunks_mut::<8>().0) {
            *word = SipHasher13::new_with_keys(seed, number)
                .hash(&[attempt, part].map(u64::to_le_bytes).concat())
                .to_le_bytes();
        }
        SigningKey::from_bytes(&bytes).ok()
    };
    // All zero alone is no key: the first attempt has one.
    match (0..).find_map(with) {
        Some(key) => key,
        None => unreachable!("one of 2^64 is a key"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_follow_from_the_seed_and_the_number() {
        let public = |seed, number| key(seed, number).public().to_bytes();
        assert_eq!(public(1, 2), public(1, 2));
        let others =
            [public(1, 2), public(1, 3), public(2, 2), public(1, AUTHORITY), public(1, NO_AUTHORITY)];
        for (at, one) in others.iter().enumerate() {
            assert!(others.iter().skip(at + 1).all(|other| other != one));
        }
    }

    #[test]
    fn every_kind_of_trust_vouches_for_hosts_and_for_no_sybil() {
        let cluster = ClusterName::named("test").unwrap();
        for trust in [Trusted::Authority, Trusted::Listed, Trusted::Own] {
            let notary = Notary::new(1, cluster, &Signers { trust, first: Vec::new(), hosts: 3 });
            let id = notary.id(2).unwrap();
            let vouched = |credentials: &Credentials, by: Trust<'_>| {
                by.vouch(cluster, id, &credentials.key.public(), 1, credentials.certificate.as_ref()).is_ok()
            };
            let of = |host, sybil| notary.credentials((id, host), Signing::Require, sybil);
            assert!(vouched(&of(2, None).unwrap(), notary.trust), "{trust:?}");
            let sybil = of(1, Some(Sybil::SelfCertified)).unwrap();
            assert!(vouched(&sybil, sybil.trust) && !vouched(&sybil, notary.trust), "{trust:?}");
            assert!(of(2, Some(Sybil::Unsigned)).is_none());
        }
    }
}
