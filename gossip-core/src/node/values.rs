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

/// A point in an authority's history, which orders what it said: the later one is greater.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct Authority {
    /// How often the authority was restored from an older state: its revisions from before do not compare with those after.
    pub source: u32,
    /// The authority's own count of what it has said.
    pub revision: u64,
}

impl<M: Memory> Node<M> {
    /// Sets a cluster-wide key, which belongs to no member, to a value, and tells all members. If several members set it at the
    /// same time, one of the values wins, everywhere, and [`Event::ValueConflict`](crate::Event::ValueConflict) says so. A value
    /// that the key has already is not told again.
    ///
    /// A cluster has up to 64 keys and 16 KiB, for flags and settings. For what a member says of itself, see
    /// [`publish`](Self::publish).
    ///
    /// # Errors
    /// The error names the limit that was met, and what to do. Nothing has changed.
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

    /// Deletes a cluster-wide key. It need not exist. It keeps its place for a day, so that the deletion reaches members that
    /// are cut off; one that is cut off for longer may bring the value back.
    ///
    /// # Errors
    /// As for [`set_value`](Self::set_value). Nothing has changed.
    pub fn delete_value<'o>(
        &mut self,
        now: Instant,
        key: &str,
        out: &'o mut Outbox<'_>,
    ) -> Result<Output<'o>, ValueError> {
        self.write_value(now, out, |step| step.state.set_value(&mut step.cx, key, Content::Deleted, None))
    }

    /// Passes on what an authority outside of the cluster says of a key, `None` if it was deleted there. It wins over what
    /// members set, and over what the authority said before. Several members may pass on the same value; that is no conflict.
    ///
    /// Nothing proves that a value is from the authority: members that act on it should ask the authority first.
    ///
    /// # Errors
    /// As for [`set_value`](Self::set_value). Nothing has changed.
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

    /// Reserves the keys that begin with these prefixes, and no others, for an authority: up to four prefixes, or two without the
    /// feature `alloc`, of 1 to 31 visible ASCII characters. What members have set under them is dropped, without events, and
    /// refused from then on. All members should reserve the same prefixes, before they join.
    ///
    /// # Errors
    /// [`ValueError::Prefixes`] or [`ValueError::Key`]. Nothing has changed.
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

    /// The value that an [`Event::Value`](crate::Event::Value) is about, if its key still has one.
    pub fn tagged_value(&self, tag: ValueTag) -> Option<ClusterValue<'_>> {
        self.memory.views().values.tagged(tag, self.now_in_seconds()).map(ClusterValue)
    }

    /// All cluster-wide values, in the order of their keys.
    pub fn values(&self) -> impl Iterator<Item = ClusterValue<'_>> {
        self.memory.views().values.values(self.now_in_seconds()).map(ClusterValue)
    }

    /// A checksum of all cluster-wide values, deleted ones included: equal on nodes that hold the same, and zero for none.
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

    /// The tag by which events name its key.
    pub fn tag(&self) -> ValueTag {
        self.0.key.tag()
    }

    /// The value.
    pub fn bytes(&self) -> &'a [u8] {
        self.0.content.value().unwrap_or_default()
    }

    /// At which point of its authority's history it was said; `None` if a member set it on its own.
    pub fn authority(&self) -> Option<Authority> {
        match self.0.version.rank {
            Rank::Anyone => None,
            Rank::Authority { source } => Some(Authority { source, revision: self.0.version.revision }),
        }
    }

    /// The number of the write. That of a later write is higher if its writer knew of this one. Revisions of an authority and
    /// those of members do not compare.
    pub fn revision(&self) -> u64 {
        self.0.version.revision
    }

    /// The member that set it, or passed it on for an authority.
    pub fn writer(&self) -> NodeId {
        self.0.version.writer
    }

    /// How many seconds ago it was set, not counting the time that it spent on the network.
    pub fn age_seconds(&self) -> u32 {
        self.0.age
    }
}
