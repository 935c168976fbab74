//! What members say of their state, taken in.

use crate::{
    kernel::{context::Context, outbox::Event, telling::MANY},
    security::guard::is_published_keys,
    state::plane::State,
    tables::{
        queue::Kind,
        state::{
            desk::Wait,
            outcome::{Gap, Outcome},
        },
        table::SlotId,
    },
    wire::state::Notice,
};
use core::time::Duration;

/// From which age on, in ms, an item is no news to others: the members that it reached at once have passed it on, and the rest
/// find it by repair.
const OLD: u32 = 5_000;
/// How long a node that has just begun takes to catch up with what others have. A gap is asked for after 8 gossip intervals, and
/// then twice more after 2 each: 3.5 s, where those are longest.
const NEW: Duration = Duration::from_secs(5);

impl State {
    /// Takes in an item of a live member in its present epoch, after what it says of its owner's record. Returns above which
    /// version its sender is to be asked for more at once: where this node asked for its owner and has no room for a part of
    /// what came, something shorter may come after it.
    pub(crate) fn hear_item(
        &mut self,
        cx: &mut Context<'_, '_>,
        slot: SlotId,
        notice: &Notice<'_>,
        age: u32,
    ) -> Option<u32> {
        let (now, top) = (cx.now(), cx.record(slot).state_version());
        let before = cx.tables.state.owner(slot).known();
        let (mut is_visible, mut says_keys) = (false, false);
        let mut observe = |key: &[u8], _| {
            is_visible = true;
            says_keys |= is_published_keys(key);
        };
        let outcome = cx.tables.state.apply(slot, &notice.item, top, now.into(), &mut observe);
        let Outcome::Applied(applied) = outcome else {
            cx.kernel.metrics.dropped_items += 1;
            return None;
        };
        let refused = applied.refused.map_or(0, |refused| refused.entries);
        cx.kernel.metrics.dropped_entries += u64::from(refused);
        let known = cx.tables.state.owner(slot).known();
        if applied.stored > 0 || known > before {
            cx.kernel.metrics.items_changed += 1;
            if age < OLD || !self.is_catching_up(cx) {
                cx.enqueue_state(slot, before, now.stamp().minus(age));
            }
        } else {
            self.hear_again(cx, slot);
        }
        cx.tables.note_gap(slot, now.stamp());
        if says_keys {
            cx.note_published_keys(slot);
        }
        if is_visible {
            cx.raise(Event::State(cx.record(slot).id()));
        }
        match (applied.gap, cx.tables.state.owner(slot).wait()) {
            (Gap::After { version }, Some(Wait::Asked(_) | Wait::Announced(_))) if version > known => {
                Some(version)
            }
            _ => None,
        }
    }

    /// Whether this node lacks what all others have, since it has just begun, or asks for whole ranges: then it hears nothing old
    /// that others do not know.
    fn is_catching_up(&self, cx: &Context<'_, '_>) -> bool {
        let since = cx.kernel.view.since.unwrap_or(self.began);
        self.sweeps.is_sweeping() || cx.now().since(since) < NEW
    }

    /// Where there is much news, hearing of a pending owner from another node counts as telling of it.
    pub(super) fn hear_again(&mut self, cx: &mut Context<'_, '_>, slot: SlotId) {
        if cx.tables.state.pending() > MANY && cx.tables.state.owner(slot).is_pending() {
            let sends = cx.kernel.repeats.sends_of(Kind::Living, &cx.kernel.config, &cx.tables.members);
            cx.tables.state.count_send(slot, sends);
        }
    }
}
