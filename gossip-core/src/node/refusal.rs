//! What is refused: counted, and told to the host now and then where it may be a mistake of its own.

use crate::{
    kernel::{context::Context, outbox::Event},
    node::{step::Step, warnings::Warnings},
    vocabulary::{error::Verdict, time::Instant},
};
use core::{net::SocketAddr, time::Duration};

/// Time between two events of one kind about what comes from outside.
const EVENT_GAP: Duration = Duration::from_secs(60);

impl Step<'_, '_> {
    /// A datagram that changes nothing came.
    #[cold]
    #[inline(never)]
    pub(super) fn refuse(&mut self, from: SocketAddr, verdict: Verdict) -> Verdict {
        let (cx, Warnings { foreign, key: of_key }) = (&mut self.cx, &mut *self.warnings);
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
        match verdict {
            Verdict::ForeignCluster => warn(cx, foreign, Event::ForeignCluster { from }),
            Verdict::UnknownKey(key) => {
                warn(cx, of_key, Event::UnknownKey { key: key & 0x7F, from: from.into() });
            }
            _ => {}
        }
        verdict
    }
}

fn warn(cx: &mut Context<'_, '_>, due: &mut Instant, event: Event) {
    let now = cx.now();
    if now >= *due {
        *due = now + EVENT_GAP;
        cx.raise(event);
    }
}
