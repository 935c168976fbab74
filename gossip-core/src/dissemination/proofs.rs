//! Proofs that are missing: a node that begins to sign knows members that have signed before, and does not know it.

use crate::{
    kernel::{choose, context::Context},
    tables::table::SlotId,
    vocabulary::{record::NodeId, traffic::Traffic},
};

/// Members whose proofs are asked for at a time: of 10,000 those that are missing are found in about 20 minutes of probes.
const MAX_ASKED: usize = 8;

/// Asks for the proofs of some members that have not signed anything as far as is known: one of them itself, or another member,
/// in turn by chance. Comes with each routine probe, and costs nothing once all have signed.
pub(crate) fn ask_for_proofs(cx: &mut Context<'_, '_>) {
    if !cx.kernel.signer.signs() {
        return;
    }
    let (members, proofs, rng) = (&cx.tables.members, &cx.tables.proofs, &mut cx.kernel.rng);
    let has_signed = |slot: SlotId| proofs.get(slot).is_some();
    let lacking = choose::peers(members, rng, MAX_ASKED, |slot| !has_signed(slot));
    let Some(&one) = lacking.first() else { return };
    let peer = choose::peers(members, rng, 1, |slot| has_signed(slot) && choose::is_well(members, slot));
    let (to, asked) = match peer.first() {
        Some(&peer) if rng.below(2) == 0 => (peer, &lacking[..]),
        _ => (one, &lacking[..1]),
    };
    let of: heapless::Vec<NodeId, MAX_ASKED> = asked.iter().map(|&slot| cx.record(slot).id()).collect();
    let _ = cx.write(cx.peer(to), Traffic::Sync, |draft, _, _| {
        of.iter().take_while(|&&id| draft.request(id)).for_each(drop);
    });
}
