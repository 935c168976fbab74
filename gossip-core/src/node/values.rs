//! What a host writes and reads of cluster-wide values.

use crate::{
    kernel::outbox::{Outbox, Output},
    node::{api::Node, step::Step},
    state::plane::State,
    tables::{
        memory::Memory,
        state::entry::Seconds,
        values::value::{Content, Rank, Value},
    },
    vocabulary::{
        error::{ValueError, Verdict},
        key::{ValueKey, ValueTag},
        record::NodeId,
        time::Instant,
    },
};

/// Where an authority stands: which of two things that it said is the later one.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct Authority {
    /// How often it was restored from an older state: its revisions before do not compare with those after.
    pub source: u32,
    /// Its own count of what it has said.
    pub revision: u64,
}

impl<M: Memory> Node<M> {
    /// Sets a cluster-wide key, which belongs to no member, to a value that all members get to know. Of values that are set at
    /// the same time on several members one wins, everywhere, and [`Event::ValueConflict`](crate::Event::ValueConflict) tells
    /// of it. What is the same as before is not told again.
    ///
    /// A cluster has up to 64 keys and 16 KiB: flags and settings. What a member says of itself it
    /// [publishes](Self::publish).
    ///
    /// # Errors
    /// What it says of the limit that was met; nothing has changed.
    pub fn set_value<'o>(
        &mut self,
        now: Instant,
        key: &str,
        value: &[u8],
        out: &'o mut Outbox<'_>,
    ) -> Result<Output<'o>, ValueError> {
        self.write_value(now, out, |step| {
            step.state.set_value(&mut step.cx, key, Content::Value(value), None)
        })
    }

    /// Deletes a cluster-wide key. It need not exist. The key takes its place for another day, so that the deletion reaches
    /// those that are cut off; who is cut off for longer may bring the value back.
    ///
    /// # Errors
    /// As for [`set_value`](Self::set_value); nothing has changed.
    pub fn delete_value<'o>(
        &mut self,
        now: Instant,
        key: &str,
        out: &'o mut Outbox<'_>,
    ) -> Result<Output<'o>, ValueError> {
        self.write_value(now, out, |step| step.state.set_value(&mut step.cx, key, Content::Deleted, None))
    }

    /// Passes on what an authority outside of the cluster says of a key, `None` if it was deleted there. It wins over what
    /// members set, and over what the authority said before. Members that pass on the same are one.
    ///
    /// Nothing proves that it is from the authority: members that act on it should ask there first.
    ///
    /// # Errors
    /// As for [`set_value`](Self::set_value); nothing has changed.
    pub fn set_authority_value<'o>(
        &mut self,
        now: Instant,
        key: &str,
        value: Option<&[u8]>,
        at: Authority,
        out: &'o mut Outbox<'_>,
    ) -> Result<Output<'o>, ValueError> {
        let content = value.map_or(Content::Deleted, Content::Value);
        let at = Some((at.source, at.revision));
        self.write_value(now, out, |step| step.state.set_value(&mut step.cx, key, content, at))
    }

    /// Leaves the keys that begin with these prefixes to an authority, and no others: up to four, or two without the feature
    /// `alloc`, of 1 to 31 visible ASCII characters. What members have set there is dropped, without events, and refused from
    /// then on. All members should say the same, before they join.
    ///
    /// # Errors
    /// What it says of the limit that was met; nothing has changed.
    pub fn reserve_values<'o>(
        &mut self,
        now: Instant,
        prefixes: &[&str],
        out: &'o mut Outbox<'_>,
    ) -> Result<Output<'o>, ValueError> {
        self.write_value(now, out, |step| State::reserve_values(&mut step.cx, prefixes))
    }

    fn write_value<'o>(
        &mut self,
        now: Instant,
        out: &'o mut Outbox<'_>,
        write: impl FnOnce(&mut Step<'_, '_>) -> Result<(), ValueError>,
    ) -> Result<Output<'o>, ValueError> {
        let mut result = Err(ValueError::Inactive);
        let output = self.step(now, out, |step| step.if_active(|step| result = write(step)));
        // A step that was refused for want of an outbox says so itself.
        match result {
            Err(error) if output.verdict != Verdict::OutboxTooSmall => Err(error),
            _ => Ok(output),
        }
    }

    /// The value of a cluster-wide key, if it has one.
    pub fn value(&self, key: &str) -> Option<ClusterValue<'_>> {
        let key = ValueKey::from_bytes(key.as_bytes())?;
        self.memory.views().values.get(&key, self.now_in_seconds()).map(ClusterValue)
    }

    /// The value that an event is about, if its key still has one.
    pub fn tagged_value(&self, tag: ValueTag) -> Option<ClusterValue<'_>> {
        self.memory.views().values.tagged(tag, self.now_in_seconds()).map(ClusterValue)
    }

    /// All cluster-wide values, in the order of their keys.
    pub fn values(&self) -> impl Iterator<Item = ClusterValue<'_>> {
        self.memory.views().values.values(self.now_in_seconds()).map(ClusterValue)
    }

    /// A sum over all cluster-wide values, deleted ones included: nodes that hold the same have the same, and zero for none.
    pub fn values_sum(&self) -> u32 {
        self.memory.views().values.sum()
    }

    fn now_in_seconds(&self) -> Seconds {
        self.kernel.clock.now().into()
    }
}

/// A cluster-wide value, as [`Node::value`] gives it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct ClusterValue<'a>(Value<'a>);

impl<'a> ClusterValue<'a> {
    /// Its key.
    pub fn key(&self) -> &str {
        self.0.key.as_str()
    }

    /// What events call it.
    pub fn tag(&self) -> ValueTag {
        self.0.key.tag()
    }

    /// The value.
    pub fn bytes(&self) -> &'a [u8] {
        self.0.content.value().unwrap_or_default()
    }

    /// Where the authority stood that said it; `None` if a member set it on its own.
    pub fn authority(&self) -> Option<Authority> {
        match self.0.version.rank {
            Rank::Anyone => None,
            Rank::Authority { source } => Some(Authority { source, revision: self.0.version.revision }),
        }
    }

    /// The number of the write, among those of one rank: a later one is higher, if its writer knew of this one.
    pub fn revision(&self) -> u64 {
        self.0.version.revision
    }

    /// The member that set it, or passed it on for an authority.
    pub fn writer(&self) -> NodeId {
        self.0.version.writer
    }

    /// How many seconds ago it was set, less the time that it was under way.
    pub fn age_seconds(&self) -> u32 {
        self.0.age
    }
}
