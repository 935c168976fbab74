//! What a host publishes and reads of kept state.

use crate::{
    kernel::outbox::{Outbox, Output},
    node::{api::Node, step::Step},
    tables::{
        memory::Memory,
        state::{
            entry::{AfterDeath, Seconds},
            limits::MAX_KEY_BYTES,
            read::{Held, Key, Standing, Values},
            write::Terms,
        },
        table::SlotId,
    },
    vocabulary::{
        error::{StateError, Verdict},
        record::NodeId,
        time::Instant,
    },
};

/// The key under which a node publishes its name.
const NAME: &str = "name";

impl<M: Memory> Node<M> {
    /// Sets a key of this node to a value, and tells all members: a port, a tag, a flag, a revision. It replaces the value that
    /// the key had before. A value that the key has already is not told again.
    ///
    /// The first eight changes are told at once, later ones once a second, together. What changes cost the cluster is bounded
    /// by [`Budgets::state`](crate::Budgets): keep load and counters out of here.
    ///
    /// # Errors
    /// The error names the limit that was met, and what to do. Nothing has changed.
    pub fn publish<'o>(
        &mut self,
        now: Instant,
        key: &str,
        value: &[u8],
        terms: Terms,
        out: &'o mut Outbox<'_>,
    ) -> Result<Output<'o>, StateError> {
        self.write(now, out, |step| step.state.publish(&mut step.cx, key, value, terms))
    }

    /// Deletes a key of this node. It need not exist.
    ///
    /// # Errors
    /// [`StateError::Key`], or this node has left. Nothing has changed.
    pub fn withdraw<'o>(
        &mut self,
        now: Instant,
        key: &str,
        out: &'o mut Outbox<'_>,
    ) -> Result<Output<'o>, StateError> {
        self.write(now, out, |step| step.state.withdraw(&mut step.cx, key))
    }

    /// Sends an event of up to 512 bytes to all members that are live now, once: a shard moved, a cache is to be dropped. It is
    /// meant for what is of interest only now; for what is to last, see [`publish`](Self::publish).
    ///
    /// Others get it as [`Event::UserEvent`](crate::Event::UserEvent), at most once each and in any order, for at most 30 s
    /// after this call. A member that cannot be reached for that long misses it, and so does one that starts later, or started
    /// less than four seconds before. This node itself gets no event. A node may send one event a second, and eight at once.
    ///
    /// # Errors
    /// [`StateError::EventTooLarge`], or [`StateError::Busy`] with the time to wait; this node has left, or its memory has no
    /// room for events; or somebody has used up the numbers of this epoch, and it is too soon for another. Nothing was sent.
    pub fn send_event<'o>(
        &mut self,
        now: Instant,
        payload: &[u8],
        out: &'o mut Outbox<'_>,
    ) -> Result<Output<'o>, StateError> {
        self.write(now, out, |step| step.state.send_event(&mut step.cx, payload))
    }

    pub(super) fn write<'o>(
        &mut self,
        now: Instant,
        out: &'o mut Outbox<'_>,
        write: impl FnMut(&mut Step<'_, '_>) -> Result<(), StateError>,
    ) -> Result<Output<'o>, StateError> {
        let mut result = Err(StateError::Inactive);
        let output = self.step(now, out, |step| step.if_active(|step| result = step.write(write)));
        // A step that was refused for want of an outbox says so itself.
        match result {
            Err(error) if output.verdict != Verdict::OutboxTooSmall => Err(error),
            _ => Ok(output),
        }
    }

    /// The value of a key of a member, or of this node itself, as of the last step, copied to the front of `into`. `None` if
    /// it has none, or one that is longer than `into`. Of a member that is dead or has left only values that
    /// [outlive](AfterDeath::Kept) it are shown.
    pub fn read<'b>(&self, id: NodeId, key: &str, into: &'b mut [u8]) -> Option<&'b [u8]> {
        self.entry(id, key)?.held.copy_to(into)
    }

    /// A key of a member, or of this node itself, as of the last step: like [`read`](Self::read), with the version of the value
    /// and the time that it has left.
    pub fn entry(&self, id: NodeId, key: &str) -> Option<Entry<'_>> {
        let ((slot, standing), now) = (self.owner(id)?, self.seconds());
        let held = self.memory.views().state.read(slot, key.as_bytes(), standing, now)?;
        Some(Entry { held, now })
    }

    /// The name that a member has published, if any, copied to the front of `into`.
    pub fn name<'b>(&self, id: NodeId, into: &'b mut [u8]) -> Option<&'b str> {
        self.read(id, NAME, into).and_then(|bytes| core::str::from_utf8(bytes).ok())
    }

    /// All keys and values of a member, or of this node itself, as of the last step, in the order in which they were written.
    pub fn state(&self, id: NodeId) -> State<'_> {
        let now = self.seconds();
        let values =
            self.owner(id).map(|(slot, standing)| self.memory.views().state.values(slot, standing, now));
        State { values, now }
    }

    fn owner(&self, id: NodeId) -> Option<(SlotId, Standing)> {
        let members = self.memory.views().members;
        let slot = members.find(id).filter(|&slot| !members.is_hidden(slot))?;
        let live = members.slots[slot as usize].record.status().is_live();
        Some((slot, if live { Standing::Live } else { Standing::Gone }))
    }

    fn seconds(&self) -> Seconds {
        self.kernel.clock.now().into()
    }
}

/// The keys and values of a member, as [`Node::state`] gives them.
#[derive(Clone)]
pub struct State<'a> {
    values: Option<Values<'a>>,
    now: Seconds,
}

impl<'a> Iterator for State<'a> {
    type Item = Entry<'a>;

    fn next(&mut self) -> Option<Entry<'a>> {
        let held = self.values.as_mut()?.next()?;
        Some(Entry { held, now: self.now })
    }
}

impl core::fmt::Debug for State<'_> {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_list().entries(self.clone()).finish()
    }
}

/// A key of a member, and its value.
#[derive(Clone, Copy)]
pub struct Entry<'a> {
    held: Held<'a>,
    now: Seconds,
}

impl Entry<'_> {
    /// The key.
    pub fn key(&self) -> StateKey {
        StateKey(self.held.key())
    }

    /// Bytes of the value.
    pub fn value_len(&self) -> usize {
        self.held.len()
    }

    /// The value, copied to the front of `into`; `None` if it is longer.
    pub fn value<'b>(&self, into: &'b mut [u8]) -> Option<&'b [u8]> {
        self.held.copy_to(into)
    }

    /// The number of the owner's write that made it: that of a later write is higher, within an epoch.
    pub fn version(&self) -> u32 {
        self.held.version()
    }

    /// For how many seconds it is still shown, if it has a time to live.
    pub fn seconds_left(&self) -> Option<u32> {
        self.held.lasting().expires.map(|end| end.0.saturating_sub(self.now.0))
    }

    /// What becomes of it when its owner dies.
    pub fn after_death(&self) -> AfterDeath {
        self.held.lasting().after_death
    }
}

impl core::fmt::Debug for Entry<'_> {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        write!(f, "{} ({} bytes, version {})", self.key(), self.value_len(), self.version())
    }
}

/// A key: 1 to 31 visible ASCII characters.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct StateKey(Key);

impl StateKey {
    /// The most characters of a key.
    pub const MAX_LEN: usize = MAX_KEY_BYTES;

    /// The key as text.
    pub fn as_str(&self) -> &str {
        core::str::from_utf8(self.0.as_bytes()).unwrap_or_default()
    }
}

impl core::fmt::Display for StateKey {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.pad(self.as_str())
    }
}

impl core::fmt::Debug for StateKey {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        write!(f, "{:?}", self.as_str())
    }
}
