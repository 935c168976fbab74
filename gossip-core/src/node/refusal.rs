//! What is refused: counted, and told to the host now and then where it may be a mistake of its own.

use crate::{
    kernel::outbox::Event,
    node::{step::Step, warnings::Warnings},
    vocabulary::error::Verdict,
};
use core::net::SocketAddr;

impl Step<'_, '_> {
    /// A datagram that changes nothing came.
    #[cold]
    #[inline(never)]
    pub(super) fn refuse(&mut self, from: SocketAddr, verdict: Verdict) -> Verdict {
        let (cx, Warnings { foreign, keys, clear }) = (&mut self.cx, &mut *self.warnings);
        let metrics = &mut cx.kernel.metrics;
        *match verdict {
            Verdict::Malformed(_) => &mut metrics.malformed,
            Verdict::UnknownKey(_) => &mut metrics.unknown_keys,
            Verdict::Forged => &mut metrics.forged,
            Verdict::Replayed => &mut metrics.replayed,
            Verdict::NotSealed => &mut metrics.not_sealed,
            Verdict::Denied => &mut metrics.denied,
            Verdict::Limited => &mut metrics.limited,
            _ => &mut metrics.foreign,
        } += 1;
        let (now, sender) = (cx.now(), from.into());
        let event = match verdict {
            Verdict::ForeignCluster => {
                foreign.admits(now, sender, 0).then_some(Event::ForeignCluster { from })
            }
            Verdict::UnknownKey(key) => {
                let key = key & 0x7F;
                keys.admits(now, sender, key).then_some(Event::UnknownKey { key, from: sender })
            }
            Verdict::NotSealed => clear.admits(now, sender, 0).then_some(Event::NotSealed { from: sender }),
            _ => None,
        };
        event.into_iter().for_each(|event| cx.raise(event));
        verdict
    }
}
