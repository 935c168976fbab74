//! The signer: what a node says is signed, and what others say of their members is heard as far as its owner has signed it.
//!
//! | a record whose claim is | and it is | then |
//! |---|---|---|
//! | the one that is kept of a proven member | | a verdict of others may be new |
//! | earlier | of a proven member | its teller is corrected |
//! | later, or the first | signed by a key that may speak for the id | it replaces what is known, as a whole |
//! | later, or the first | signed by another key, or changed | refused |
//! | later | of a proven member, and not signed | refused |
//! | of a member that is not proven | not signed | refused where signatures are required, else heard as it stands |

use super::{
    certificate::Certificate,
    claim::Claim,
    key::{PublicKey, SigningKey},
    trust::{Distrust, Trust},
};
use crate::{
    tables::{
        memory::Tables,
        pace::Pace,
        proofs::{Proofs, Proven},
        table::{ME, SlotId},
    },
    vocabulary::{
        config::ClusterName,
        metrics::Metrics,
        record::{Accusation, NodeId, Record},
        signing::Signing,
        time::Instant,
    },
    wire::proof::{MAX_PROOF, Proof},
};
use core::{fmt, time::Duration};

/// Time that a signature takes of those that a node verifies: 2,000 a second, 9 % of a core at 45 µs each. A view of 10,000 takes 5 s.
const VERIFY: Duration = Duration::from_micros(500);
/// What may come at once: a second of them.
const BURST: Duration = Duration::from_secs(1);

/// What becomes of a record.
pub(crate) enum Attested {
    /// Nobody has to have signed it: it is heard as it stands.
    Unsigned,
    /// Its owner has signed what it says of itself, and that replaces what is known.
    Signed(Proven),
    /// It says of its owner what is known: only a verdict of others may be new.
    Known,
    /// It says of its owner what was true before.
    Earlier,
    /// It is not to be heard.
    Refused,
}

/// The key that a node signs with, and which keys it trusts.
#[derive(Clone, Debug)]
pub struct Credentials {
    /// The node's own key.
    pub key: SigningKey,
    /// What an authority says of that key; of no use without [`Trust::Authority`].
    pub certificate: Option<Certificate>,
    /// How it is known which key speaks for an id, on all nodes alike. A list is read for as long as the node is there: it is a
    /// static, or leaked.
    pub trust: Trust<'static>,
    /// Whether what is not signed is heard.
    pub signing: Signing,
}

/// Why a node does not sign with these [`Credentials`]. Nothing has changed.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
#[non_exhaustive]
pub enum CredentialsError {
    /// The others would not believe this node: its key may not speak for its id.
    Distrusted(Distrust),
    /// So many live members have not signed what is known of them, and would be heard no more.
    NotSigned {
        /// How many.
        members: u32,
    },
}

impl fmt::Display for CredentialsError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Distrusted(distrust) => write!(f, "others would not believe this node: {distrust}"),
            Self::NotSigned { members } => write!(
                f,
                "{members} live members do not sign yet, and would be heard no more: give them credentials, or force it"
            ),
        }
    }
}

impl core::error::Error for CredentialsError {}

/// What a node needs to sign and to verify.
#[derive(Clone, Debug)]
pub(crate) struct Signer {
    own: Option<Credentials>,
    /// What this node has signed last.
    said: Option<Claim>,
    verifies: Pace,
}

impl Signer {
    pub(crate) const NONE: Self = Self { own: None, said: None, verifies: Pace::RESTED };

    pub(crate) fn set(&mut self, credentials: Credentials) {
        (self.own, self.said) = (Some(credentials), None);
    }

    pub(crate) const fn signing(&self) -> Option<Signing> {
        match &self.own {
            Some(own) => Some(own.signing),
            None => None,
        }
    }

    pub(crate) const fn signs(&self) -> bool {
        self.own.is_some()
    }

    pub(crate) fn requires(&self) -> bool {
        self.signing() == Some(Signing::Require)
    }

    /// The most that a proof adds to a packet.
    pub(crate) const fn most_bytes(&self) -> usize {
        if self.signs() { 3 + MAX_PROOF } else { 0 }
    }

    /// Signs what this node says of itself, unless it has.
    pub(crate) fn sign_mine(&mut self, cluster: ClusterName, tables: &mut Tables<'_>) {
        let Some(own) = &self.own else { return };
        let claim = Claim::of(tables.members.record(ME));
        if self.said == Some(claim) {
            return;
        }
        self.said = Some(claim);
        let certificate = own.certificate.as_ref().map(Certificate::to_wire);
        let proven = Proven::new(claim.sign(cluster, &own.key), own.key.public().to_bytes(), certificate);
        tables.proofs.keep(ME, &proven, 0);
    }

    /// This node's signature of an accusation that it makes.
    pub(crate) fn sign_accusation(&self, cluster: ClusterName, accusation: &Accusation) -> Option<[u8; 64]> {
        self.own.as_ref().map(|own| accusation.sign(cluster, &own.key))
    }

    /// What becomes of a record: the table above.
    pub(crate) fn attest(
        &mut self,
        (cluster, now): (ClusterName, Instant),
        tables: &Tables<'_>,
        known: Option<SlotId>,
        (record, proof): (&Record, Option<&Proof<'_>>),
        metrics: &mut Metrics,
    ) -> Attested {
        let Some(own) = &self.own else { return Attested::Unsigned };
        let kept = known.and_then(|slot| Some((tables.members.record(slot), tables.proofs.get(slot)?)));
        let claim = Claim::of(record);
        if let Some(ours) = kept.map(|(ours, _)| Claim::of(ours)) {
            if claim == ours {
                return Attested::Known;
            } else if !claim.is_later_than(&ours) {
                return Attested::Earlier;
            }
        }
        let kept = kept.map(|(_, proven)| proven);
        let key = proof.and_then(|proof| key_of(own, record.id(), kept, proof));
        let Some((proof, key)) = proof.zip(key) else {
            if kept.is_none() && own.signing == Signing::Accept {
                return Attested::Unsigned;
            }
            metrics.claims_not_signed += 1;
            return Attested::Refused;
        };
        let certificate = proof.certificate.copied().or(kept.and_then(|kept| kept.certificate().copied()));
        let proven = Proven::new(*proof.signature, key, certificate);
        let vouched = kept.is_some_and(|kept| is_vouched(kept, &proven, record));
        let certified = matches!(own.trust, Trust::Authority(_)) && !vouched;
        if self.verifies.take(now, VERIFY * (1 + u32::from(certified)), BURST).is_err() {
            metrics.dropped_unverified += 1;
            return Attested::Refused;
        }
        let is_good = PublicKey::from_bytes(key).is_ok_and(|public| {
            (vouched || own.vouches(cluster, record, &public, certificate.as_ref()))
                && claim.verify(cluster, &public, proof.signature)
        });
        if is_good {
            metrics.signatures_verified += 1;
            Attested::Signed(proven)
        } else {
            metrics.signatures_refused += 1;
            Attested::Refused
        }
    }

    /// Whether an accusation by the member in a slot counts: it has signed it, or need not.
    pub(crate) fn hears_accusation(
        &mut self,
        (cluster, now): (ClusterName, Instant),
        proofs: &Proofs<'_>,
        accuser: SlotId,
        (accusation, signature): (&Accusation, Option<&[u8; 64]>),
        metrics: &mut Metrics,
    ) -> bool {
        let Some(signing) = self.signing() else { return true };
        let (Some(kept), signature) = (proofs.get(accuser), signature) else {
            return signing == Signing::Accept;
        };
        let Some(signature) = signature else { return false };
        if self.verifies.take(now, VERIFY, BURST).is_err() {
            metrics.dropped_unverified += 1;
            return false;
        }
        let public = PublicKey::from_bytes(kept.key);
        let is_good = public.is_ok_and(|public| accusation.verify(cluster, &public, signature));
        *if is_good { &mut metrics.signatures_verified } else { &mut metrics.signatures_refused } += 1;
        is_good
    }
}

impl Credentials {
    /// Whether others believe the node with this record.
    ///
    /// # Errors
    /// [`CredentialsError::Distrusted`].
    pub(crate) fn check(&self, cluster: ClusterName, me: &Record) -> Result<(), CredentialsError> {
        let (public, epoch) = (self.key.public(), me.incarnation().epoch);
        let vouched = self.trust.vouch(cluster, me.id(), &public, epoch, self.certificate.as_ref());
        vouched.map_err(CredentialsError::Distrusted)
    }

    /// Whether this key may speak for the owner of a record.
    fn vouches(
        &self,
        cluster: ClusterName,
        record: &Record,
        key: &PublicKey,
        certificate: Option<&[u8; 68]>,
    ) -> bool {
        let certificate =
            certificate.map(|certificate| Certificate::from_wire(cluster, record.id(), key, certificate));
        let epoch = record.incarnation().epoch;
        self.trust.vouch(cluster, record.id(), key, epoch, certificate.as_ref()).is_ok()
    }
}

/// The key that a proof is to be verified with: the one that it names, the one that is kept, or the one that is listed.
fn key_of(own: &Credentials, id: NodeId, kept: Option<&Proven>, proof: &Proof<'_>) -> Option<[u8; 32]> {
    let listed = || match own.trust {
        Trust::Listed(list) => list.key(id).map(|key| key.to_bytes()),
        Trust::Own | Trust::Authority(_) => None,
    };
    proof.key.copied().or(kept.map(|kept| kept.key)).or_else(listed)
}

/// Whether what vouched for a member's key before vouches for it still: the same certificate, if there is one, and no later epoch
/// than it is good for.
fn is_vouched(kept: &Proven, news: &Proven, record: &Record) -> bool {
    let [a, b, c, d, ..] = news.certificate;
    let in_time =
        news.certificate().is_none() || record.incarnation().epoch <= u32::from_be_bytes([a, b, c, d]);
    kept.key == news.key && kept.certificate == news.certificate && in_time
}

/// What goes with a record whose owner has signed it.
pub(crate) fn proof_of<'p>(proofs: &'p Proofs<'_>, slot: SlotId, keyed: bool) -> Option<Proof<'p>> {
    proofs.get(slot).map(|kept| Proof {
        signature: &kept.signature,
        key: keyed.then_some(&kept.key),
        certificate: kept.certificate().filter(|_| keyed),
    })
}
