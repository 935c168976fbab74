//! The step of signing: the key that a node signs with, and which keys it trusts.

use crate::{
    kernel::outbox::{Outbox, Output},
    node::api::Node,
    security::signer::{Credentials, CredentialsError},
    tables::{memory::Memory, proofs::Proven, records::KEYED_RUMORS, table::ME},
    vocabulary::{
        record::{NodeId, Record},
        signing::Signing,
        time::Instant,
    },
};

/// A member's record with its owner's signature, as [`Node::signed_record`] gives it: for a host that keeps what its node knows, and
/// gives it to the next one.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct SignedRecord {
    /// The record. Its status, unless it has left, is what others say of it.
    pub record: Record,
    /// The owner's signature of the record's [`Claim`](crate::Claim).
    pub signature: [u8; 64],
    /// The owner's key.
    pub key: [u8; 32],
    /// The last epoch and the authority's signature of the owner's certificate, if it has one.
    pub certificate: Option<[u8; 68]>,
}

impl<M: Memory> Node<M> {
    /// Signs what this node says of itself, and hears of others as far as `credentials` say, from now on. A node begins without,
    /// and signs nothing. Who knows the cluster's key can then speak for itself only: it cannot say where another member is, that
    /// it left or is dead; nor, alone, that it does not answer.
    ///
    /// It is begun in two steps, each on all nodes before the next: all sign, and [accept](Signing::Accept) what is not signed;
    /// then all [require](Signing::Require) it. Signing without sealing leaves those out who have no key to sign with, and hides
    /// nothing.
    ///
    /// # Errors
    /// [`CredentialsError`]; what would cut members off may be `force`d.
    pub fn set_identity<'o>(
        &mut self,
        now: Instant,
        credentials: Credentials,
        force: bool,
        out: &'o mut Outbox<'_>,
    ) -> Result<Output<'o>, CredentialsError> {
        credentials.check(self.kernel.config.cluster, &self.me())?;
        let members = self.members_not_signed();
        if credentials.signing == Signing::Require && members > 0 && !force {
            return Err(CredentialsError::NotSigned { members });
        }
        Ok(self.step(now, out, |step| {
            let cx = &mut step.cx;
            cx.kernel.signer.set(credentials);
            cx.kernel.signer.sign_mine(cx.kernel.config.cluster, &mut cx.tables);
            cx.tables.proofs.show_key(ME, KEYED_RUMORS);
            step.if_active(|step| {
                if step.cx.tables.members.size() > 1 {
                    let now = step.cx.now().stamp();
                    step.cx.enqueue(ME, now);
                }
            })
        }))
    }

    /// Whether this node signs, and what it hears of others.
    pub fn signing(&self) -> Option<Signing> {
        self.kernel.signer.signing()
    }

    /// What is known of a member, or of this node itself, with its owner's signature, if it has signed it.
    pub fn signed_record(&self, id: NodeId) -> Option<SignedRecord> {
        let views = self.memory.views();
        let slot = views.members.find(id)? as usize;
        let (member, proven) =
            (views.members.slots.get(slot)?, views.proofs.get(slot).filter(|proven| proven.is_there())?);
        let Proven { signature, key, .. } = *proven;
        Some(SignedRecord {
            record: member.record,
            signature,
            key,
            certificate: proven.certificate().copied(),
        })
    }

    /// As [`restore`](Self::restore), with what the members have signed. Nothing is verified: the host kept it, or has verified it. Where
    /// signatures are required, this alone restores a view.
    pub fn restore_signed<'o>(
        &mut self,
        now: Instant,
        records: &[SignedRecord],
        out: &'o mut Outbox<'_>,
    ) -> Output<'o> {
        let signed = records.iter().map(|signed| {
            let SignedRecord { record, signature, key, certificate } = signed;
            (record, Some(Proven::new(*signature, *key, *certificate)))
        });
        self.step(now, out, |step| step.if_active(|step| step.restore(signed)))
    }

    /// Whether what is known of a member was signed by its owner.
    pub fn has_signed(&self, id: NodeId) -> bool {
        let views = self.memory.views();
        let slot = views.members.find(id);
        slot.and_then(|slot| views.proofs.get(slot as usize)).is_some_and(|proven| proven.is_there())
    }

    /// How many live members have not signed what is known of them, as far as this node has heard.
    pub fn members_not_signed(&self) -> u32 {
        let views = self.memory.views();
        let live =
            |slot: usize| views.members.slots.get(slot).is_some_and(|slot| slot.record.status().is_live());
        let signed = |slot: usize| views.proofs.get(slot).is_some_and(|proven| proven.is_there());
        let others = views.members.others().iter().map(|&slot| slot as usize);
        others.filter(|&slot| live(slot) && !signed(slot)).count() as u32
    }
}
