//! Telling: how kept state and events get into a datagram.

use crate::{
    kernel::context::{Context, Kernel},
    tables::{
        events::queue,
        memory::Tables,
        queue::Kind,
        state::{
            pending::Form,
            store::Store,
            tell::{Tell, Told},
        },
        table::{ME, SlotId, Table},
        values::store::Values,
    },
    vocabulary::{config::Mode, time::Stamp},
    wire::{
        frame::Draft,
        message::Message,
        state::{BESIDE_ENTRIES, HEAD_BYTES, Head},
    },
};

/// The most bytes of entries that are pushed of one owner in a datagram: a change, and not a map. A node that lacks more asks
/// for it.
const MAX_PUSHED: usize = 300;
/// Pending owners from which on there is more news than can be told soon. Then hearing of one again counts as a send of it: half
/// as many sends suffice, and a node that misses some asks for it.
pub(crate) const MANY: u32 = 128;
/// One in this many pings carries the sum of the values, once none has changed for `FRESH_PROBES` probe intervals; until then
/// all pings do. At 20 % loss one in a hundred changes misses some of 200 members, which find out this way within seconds.
const PINGS_PER_SUM: u32 = 4;
const FRESH_PROBES: u32 = 5;

/// Of the sends that suffice without loss this many tell entries, and the others heads. 3 to 6 were tried, in bitmaps of 1,000
/// and 10,000 nodes: more cost a fifth of the bytes of a change each, fewer lengthen the tail by the round trips of those
/// that ask. At 20 % loss such a round trip fails every other time, so sends that make up for loss tell entries, too: 1,000
/// nodes then know a change within 0.7 s instead of 4.2 s, in six runs.
const SENDS_OF_ENTRIES: u8 = 4;

/// An event is told this many times as often as a rumor: no later repair finds the nodes that its heads did not reach, and a head
/// is short.
const SENDS_OF_EVENTS: u8 = 2;

/// Writes what an owner has into a datagram, with at most `most` bytes of entries; returns whether it did.
pub(crate) fn put_item(
    draft: &mut Draft<'_>,
    kernel: &mut Kernel,
    (members, state): (&Table<'_>, &mut Store<'_>),
    slot: SlotId,
    tell: Tell,
    most: usize,
) -> bool {
    let (now, record) = (kernel.clock.now(), members.record(slot));
    let (before, age) = (draft.len(), now.stamp().since(state.owner(slot).born()));
    let put = draft.item(record, age, |room| {
        let most = most.min(room.len());
        state.tell(slot, tell, now.into(), room.get_mut(..most)?)
    });
    kernel.metrics.items_sent += u64::from(put);
    kernel.metrics.bytes_of_state += (draft.len() - before) as u64;
    put
}

/// Writes that this node, which keeps no state, has none at any version: others must not ask for what a change of its health
/// seems to leave out.
pub(super) fn put_nothing(draft: &mut Draft<'_>, kernel: &mut Kernel, members: &Table<'_>) -> bool {
    let me = members.record(ME);
    let put = me.state_version() > 0
        && draft.item(me, 0, |_| Some(Told { from: 0, to: me.state_version(), len: 0 }));
    kernel.metrics.items_sent += u64::from(put);
    put
}

/// Writes that there is news of an owner.
fn put_head(draft: &mut Draft<'_>, kernel: &mut Kernel, members: &Table<'_>, slot: SlotId) -> bool {
    let record = members.record(slot);
    let head = Head { tag: members.place(record.id()).tag, top: record.state_version() as u16 };
    let put = draft.head(&head);
    kernel.metrics.heads_sent += u64::from(put);
    kernel.metrics.bytes_of_state += if put { HEAD_BYTES as u64 } else { 0 };
    put
}

/// Writes cluster-wide values that are pending.
#[inline(never)]
fn put_values(draft: &mut Draft<'_>, kernel: &mut Kernel, values: &mut Values<'_>, sends: u8) {
    let before = draft.len();
    values.take(sends, kernel.clock.now().into(), |value| {
        let put = draft.value(value);
        kernel.metrics.values_sent += u64::from(put);
        put
    });
    kernel.metrics.bytes_of_state += (draft.len() - before) as u64;
}

/// Fills a datagram with pending state, and returns how many bytes of it that took. Values come first; where there are items
/// as well, half of the room is theirs. If it `counts`, this was a send of the items.
pub(super) fn put_state(
    draft: &mut Draft<'_>,
    kernel: &mut Kernel,
    tables: &mut Tables<'_>,
    counts: bool,
) -> u32 {
    let sends = kernel.repeats.sends_of(Kind::Living, &kernel.config, &tables.members);
    let before = draft.len();
    if tables.values.view().pending() > 0 {
        let part = if tables.state.pending() > 0 { draft.room() / 2 } else { 0 };
        let _ = draft.reserve_bytes(part);
        put_values(draft, kernel, &mut tables.values, sends);
        draft.release_bytes(part);
        // One that needs more than half must not wait for a pause between items.
        if draft.len() == before && part > 0 {
            put_values(draft, kernel, &mut tables.values, sends);
        }
    }
    let members = &tables.members;
    let heads = kernel.config.sends(members.size()).saturating_sub(SENDS_OF_ENTRIES);
    let retired = tables.state.take((sends, heads), counts, |state, slot, form| {
        let owner = state.owner(slot);
        let (tell, most) = (Tell::News { since: owner.since() }, owner.bytes().min(MAX_PUSHED));
        if form == Form::Payload && draft.room() < BESIDE_ENTRIES + most && draft.len() > before {
            return false; // what comes next in the order goes out first, in the next datagram
        }
        // What does not fit a push at all is announced; so is what is known to be there and not known itself.
        form == Form::Payload && put_item(draft, kernel, (members, state), slot, tell, MAX_PUSHED)
            || put_head(draft, kernel, members, slot)
    });
    kernel.metrics.rumors_retired += u64::from(retired);
    (draft.len() - before) as u32
}

/// Fills a datagram with pending events, and returns how many bytes of it that took.
pub(super) fn put_events(draft: &mut Draft<'_>, kernel: &mut Kernel, tables: &mut Tables<'_>) -> u32 {
    let sends = kernel.repeats.sends_of(Kind::Living, &kernel.config, &tables.members);
    let sends = sends.saturating_mul(SENDS_OF_EVENTS);
    let (now, before, metrics) = (kernel.clock.now(), draft.len(), &mut kernel.metrics);
    let retired = tables.events.take(now, sends, |told| match told {
        queue::Tell::Whole(event) => count(draft.user_event(&event), &mut metrics.events_told),
        queue::Tell::Head(head) => count(draft.event_head(&head), &mut metrics.event_heads_sent),
    });
    metrics.rumors_retired += u64::from(retired);
    let bytes = draft.len() - before;
    metrics.bytes_of_events += bytes as u64;
    bytes as u32
}

fn count(put: bool, counter: &mut u64) -> bool {
    *counter += u64::from(put);
    put
}

impl Context<'_, '_> {
    /// Whether there is state, an event or a cluster-wide value to tell, beside rumors.
    pub(crate) fn has_state_to_tell(&self) -> bool {
        let Tables { state, events, values, .. } = &self.tables;
        state.pending() > 0 || events.pending() > 0 || values.view().pending() > 0
    }

    /// Makes the state of an owner above the version `since` news that came into being at `born`, and sees that a round
    /// comes soon.
    pub(crate) fn enqueue_state(&mut self, slot: SlotId, since: u32, born: Stamp) {
        self.tables.state.enqueue(slot, since, born);
        if self.kernel.config.mode == Mode::Pull {
            self.kernel.changes.note(slot, self.kernel.clock.now().stamp());
        }
        self.schedule_round();
    }

    /// What this node wrote after it decided to tell of its state goes along, as long as nobody was told. A key that is
    /// written all the time would else be told without a value: it has a higher version by then.
    pub(super) fn show_own(&mut self) {
        if !self.tables.state.is_untold(ME) {
            return;
        }
        let (me, now) = (*self.me(), self.now());
        let version = self.tables.state.counter(ME);
        if version > me.state_version() {
            let record = me.with_state(version, me.health(), me.pause_seconds());
            self.tables.replace_mine(&record, &mut self.kernel.rng, now);
            if self.kernel.signer.signs() {
                self.enqueue(ME, now.stamp());
            }
        }
    }

    /// What a message says of the values that this node holds: their sum goes with one ping of four, with all of them while values
    /// change, and with every pull
    /// where nothing is pushed; and with nothing while there are none.
    pub(super) fn sum_to_say(&mut self, message: Option<&Message>) -> Option<u32> {
        let view = self.tables.values.view();
        if view.keys() == 0 {
            return None;
        }
        let sum = view.sum();
        let says = match message? {
            Message::Ping { .. } => {
                let settled =
                    self.kernel.pace.values_changed + self.kernel.config.probe_interval * FRESH_PROBES;
                self.now() < settled || self.kernel.rng.below(PINGS_PER_SUM) == 0
            }
            Message::Pull => self.kernel.config.mode == Mode::Pull,
            _ => false,
        };
        says.then_some(sum)
    }

    /// Up to which version nothing of an owner's map is missing here.
    pub(crate) fn known(&self, slot: SlotId) -> u32 {
        self.tables.state.owner(slot).known()
    }

    /// Whether this node's memory keeps state.
    pub(crate) fn keeps_state(&self) -> bool {
        self.tables.state.keeps()
    }
}
