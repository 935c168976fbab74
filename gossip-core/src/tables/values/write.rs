//! What a host writes.

use super::{
    limits::Refusal,
    merge::Merged,
    store::Values,
    value::{Content, Rank, Value},
};
use crate::{
    tables::state::entry::Seconds,
    vocabulary::{key::ValueKey, record::NodeId},
};

impl Values<'_> {
    /// Sets or deletes a key as `me`, above everything that was seen. What the key says already is not written again.
    ///
    /// # Errors
    /// Why it was not written. Nothing has changed.
    pub(crate) fn set(
        &mut self,
        me: NodeId,
        key: ValueKey,
        content: Content<'_>,
        now: Seconds,
    ) -> Result<Merged, Refusal> {
        if !self.rules.allow(&key, Rank::Anyone) {
            return Err(Refusal::Prefix);
        }
        self.forget(now);
        let held = self.view().held(&key, now);
        if held.map_or(Content::Deleted, |held| held.content) == content {
            return Ok(Merged::default());
        }
        let above = match held.map(|held| held.version) {
            Some(version) if version.rank != Rank::Anyone => return Err(Refusal::Outranked),
            Some(version) => version.revision.max(self.books.seen),
            None => self.books.seen,
        };
        let revision = above.checked_add(1).ok_or(Refusal::Revisions)?;
        let seen = self.books.seen;
        let merged = self.merge(&Value::new(key, (Rank::Anyone, revision, me), content, 0), now);
        if merged.is_err() {
            self.books.seen = seen;
        }
        merged
    }

    /// Passes on what an authority says of a key, at its own revision. What is held at that revision already, with the same bytes,
    /// is not written again.
    ///
    /// # Errors
    /// Why it was not written. Nothing has changed.
    pub(crate) fn set_authority(
        &mut self,
        (source, revision, me): (u32, u64, NodeId),
        key: ValueKey,
        content: Content<'_>,
        now: Seconds,
    ) -> Result<Merged, Refusal> {
        let value = Value::new(key, (Rank::Authority { source }, revision, me), content, 0);
        if let Some(held) = self.view().held(&key, now) {
            let (ours, theirs) = (&value.version, &held.version);
            let conflicts = value.conflicts_with(&held);
            match (ours.rank, ours.revision).cmp(&(theirs.rank, theirs.revision)) {
                core::cmp::Ordering::Less => return Err(Refusal::Outdated),
                core::cmp::Ordering::Equal if !conflicts => return Ok(Merged::default()),
                core::cmp::Ordering::Equal | core::cmp::Ordering::Greater => {}
            }
        }
        self.merge(&value, now)
    }
}
