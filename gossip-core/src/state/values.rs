//! Cluster-wide values: told and heard like the state of members, and repaired by their sum.
//!
//! ```text
//! a ping with another sum ──▶ our list ──▶ what we lack, and the keys that they lack ──▶ those
//! ```
//!
//! A list has no state but its datagram: it is answered from what is held at that time, and values draw no answer, so each
//! exchange ends.

use crate::{
    kernel::{context::Context, outbox::Event, peer::Peer},
    state::plane::State,
    tables::{
        state::entry::Seconds,
        values::{
            compare::Difference,
            limits::{MAX_PREFIXES, Refusal, TOMBSTONE_TTL},
            merge::Merged,
            value::{Content, Value},
        },
    },
    vocabulary::{error::ValueError, key::ValueKey, time::Instant, traffic::Traffic},
    wire::{frame::Contents, value::List},
};
use core::time::Duration;

/// How old a value is, in seconds, that is no news to others if this node has just joined: it hears what all know.
const OLD: u32 = 5;
/// The time between two lists: the answers have come and been passed on.
const LIST_GAP: Duration = Duration::from_secs(1);
/// The same while values are on their way, which explain a difference.
const LIST_GAP_IN_MOTION: Duration = Duration::from_secs(8);
/// Doublings of that time while lists bring nothing: nodes differ for good where one has no room, or leaves other prefixes
/// to authorities.
const MAX_DOUBLINGS: u32 = 6;
/// Datagrams that answer one.
const MAX_ANSWERS: usize = 8;

/// When something is to be done about values.
#[derive(Clone)]
pub(crate) struct Shared {
    /// When the next tombstone is to be forgotten.
    forget_at: Instant,
    /// When the last list was sent.
    listed: Option<Instant>,
    /// Lists in a row that brought nothing.
    vain: u32,
}

impl Shared {
    pub(super) fn new() -> Self {
        Self { forget_at: Instant::NEVER, listed: None, vain: 0 }
    }
}

/// What a refused write says to the host.
fn error(refusal: Refusal, cx: &Context<'_, '_>) -> ValueError {
    let values = &cx.tables.values;
    match refusal {
        Refusal::Value => ValueError::TooLarge { most: values.rules.value_bytes },
        Refusal::Prefix => ValueError::Reserved,
        Refusal::Outranked => ValueError::Outranked,
        Refusal::Outdated => ValueError::Outdated,
        Refusal::Keys => ValueError::TooMany { most: values.slots.len() },
        Refusal::Bytes => ValueError::Full { most: values.bytes.len() },
        Refusal::Revisions => ValueError::Exhausted,
    }
}

impl State {
    /// When a tombstone is to be forgotten.
    pub(crate) fn next_value(&self) -> Instant {
        self.shared.forget_at
    }

    /// Forgets the tombstones whose time is over.
    pub(crate) fn forget_values(&mut self, cx: &mut Context<'_, '_>) {
        let now = cx.now();
        if self.shared.forget_at > now {
            return;
        }
        cx.kernel.metrics.values_forgotten += u64::from(cx.tables.values.forget(now.into()));
        let left = cx.tables.values.until_forgetting(now.into());
        let next = left.map(|seconds| now + Duration::from_secs(seconds.into()));
        self.shared.forget_at = next.unwrap_or(Instant::NEVER);
    }

    /// Sets or deletes a key, as this node or for an authority at its source and revision.
    pub(crate) fn set_value(
        &mut self,
        cx: &mut Context<'_, '_>,
        key: &str,
        content: Content<'_>,
        authority: Option<(u32, u64)>,
    ) -> Result<(), ValueError> {
        let key = ValueKey::from_bytes(key.as_bytes()).ok_or(ValueError::Key)?;
        if !cx.tables.values.keeps() {
            return Err(ValueError::NoMemory);
        }
        let (me, now) = (cx.my_id(), cx.now().into());
        let written = match authority {
            None => cx.tables.values.set(me, key, content, now),
            Some((source, revision)) => {
                cx.tables.values.set_authority((source, revision, me), key, content, now)
            }
        };
        let merged = written.map_err(|refusal| error(refusal, cx))?;
        cx.kernel.metrics.values_written += u64::from(merged.won);
        self.note_merged(cx, &key, merged, (content, 0));
        Ok(())
    }

    /// Leaves the keys that begin with these to authorities.
    pub(crate) fn reserve_values(cx: &mut Context<'_, '_>, prefixes: &[&str]) -> Result<(), ValueError> {
        let mut reserved = heapless::Vec::<ValueKey, MAX_PREFIXES>::new();
        for prefix in prefixes {
            let prefix = ValueKey::from_bytes(prefix.as_bytes()).ok_or(ValueError::Key)?;
            reserved.push(prefix).map_err(|_| ValueError::Prefixes { most: MAX_PREFIXES })?;
        }
        cx.tables.values.reserve(reserved);
        Ok(())
    }

    /// What was merged is told of, and to be told.
    fn note_merged(
        &mut self,
        cx: &mut Context<'_, '_>,
        key: &ValueKey,
        merged: Merged,
        (content, age): (Content<'_>, u32),
    ) {
        let now = cx.now();
        if let Some(lost) = merged.conflict {
            cx.kernel.metrics.value_conflicts += 1;
            cx.raise(Event::ValueConflict { value: key.tag(), loser: lost.writer });
        }
        if !merged.won {
            return;
        }
        self.shared.vain = 0;
        cx.kernel.pace.values_changed = now;
        if content == Content::Deleted {
            let left = Duration::from_secs(TOMBSTONE_TTL.saturating_sub(age).into());
            self.shared.forget_at = self.shared.forget_at.min(now + left);
        }
        if age >= OLD && cx.is_young() {
            cx.tables.values.retire(key);
        } else {
            cx.schedule_round();
        }
    }

    /// Takes in what a member says of values.
    #[inline(never)]
    pub(crate) fn hear_values<'v>(
        &mut self,
        cx: &mut Context<'_, '_>,
        values: impl Iterator<Item = Value<'v>>,
    ) {
        let now: Seconds = cx.now().into();
        for value in values {
            cx.kernel.metrics.values_received += 1;
            match cx.tables.values.merge(&value, now) {
                Ok(merged) => {
                    cx.kernel.metrics.values_changed += u64::from(merged.won);
                    self.note_merged(cx, &value.key, merged, (value.content, value.age));
                    if merged.change.is_some() {
                        cx.raise(Event::Value(value.key.tag()));
                    }
                }
                Err(Refusal::Prefix) => cx.kernel.metrics.forged_values += 1,
                Err(_) => cx.kernel.metrics.dropped_values += 1,
            }
        }
    }

    /// A member, at its advertised address, says what it holds: by a sum, by a list, or by what it asks for.
    #[inline(never)]
    pub(crate) fn compare_values(&mut self, cx: &mut Context<'_, '_>, from: Peer, contents: &Contents<'_>) {
        if !cx.tables.values.keeps() {
            return;
        }
        if contents.sum.is_some_and(|sum| sum != cx.tables.values.view().sum()) {
            self.send_list(cx, from);
        }
        if let Some(list) = contents.versions {
            Self::answer_list(cx, from, list);
        }
        Self::answer_keys(cx, from, contents.keys());
    }

    /// Another node holds other values: it is told which, unless another one was just now.
    #[inline(never)]
    fn send_list(&mut self, cx: &mut Context<'_, '_>, to: Peer) {
        let now = cx.now();
        let in_motion = cx.tables.values.view().pending() > 0;
        let gap = if in_motion { LIST_GAP_IN_MOTION } else { LIST_GAP } * 2u32.pow(self.shared.vain);
        if self.shared.listed.is_some_and(|listed| now < listed + gap) {
            return;
        }
        let sent = cx.write(to, Traffic::State, |draft, kernel, tables| {
            let (view, now) = (tables.values.view(), now.into());
            let is_whole = draft.lists_all(view.list(0, now));
            let first = if is_whole { 0 } else { kernel.rng.below(view.keys() as u32) as usize };
            let _ = draft.versions(first > 0, view.list(first, now));
        });
        if sent {
            cx.kernel.metrics.value_lists += 1;
            self.shared.listed = Some(now);
            self.shared.vain = (self.shared.vain + 1).min(MAX_DOUBLINGS);
        }
    }

    /// Tells what a list lacks, and asks for what it has in advance.
    #[inline(never)]
    fn answer_list(cx: &mut Context<'_, '_>, to: Peer, list: List<'_>) {
        let now: Seconds = cx.now().into();
        let (mut lacks, mut ahead) = (false, false);
        cx.tables.values.compare(list.span, list.versions(), now, |difference| match difference {
            Difference::Lacked(_) => lacks = true,
            Difference::Ahead(_) => ahead = true,
        });
        let mut told = None;
        for answer in 0..MAX_ANSWERS {
            if !(ahead || lacks && answer == 0) {
                break;
            }
            ahead = false;
            let sent = cx.write(to, Traffic::State, |draft, kernel, tables| {
                let empty = draft.len();
                tables.values.compare(list.span, list.versions(), now, |difference| match difference {
                    Difference::Lacked(key) if answer == 0 => _ = draft.key(&key),
                    _ => {}
                });
                tables.values.compare(list.span, list.versions(), now, |difference| {
                    let Difference::Ahead(value) = difference else { return };
                    if ahead || told.is_some_and(|told| value.key <= told) {
                        return;
                    }
                    let put = draft.value(&value);
                    kernel.metrics.values_sent += u64::from(put);
                    // One that does not even fit alone is passed over.
                    ahead = !put && draft.len() > empty;
                    if !ahead {
                        told = Some(value.key);
                    }
                });
            });
            if !sent {
                break;
            }
        }
    }

    /// Sends the values that a member asks for.
    #[inline(never)]
    fn answer_keys(cx: &mut Context<'_, '_>, to: Peer, keys: impl Iterator<Item = ValueKey>) {
        let now: Seconds = cx.now().into();
        let mut keys = keys.peekable();
        for _ in 0..MAX_ANSWERS {
            if keys.peek().is_none() {
                break;
            }
            let sent = cx.write(to, Traffic::State, |draft, kernel, tables| {
                let empty = draft.len();
                while let Some(key) = keys.peek() {
                    let held = tables.values.view().held(key, now).filter(|held| !held.is_over());
                    let put = held.is_some_and(|held| draft.value(&held));
                    kernel.metrics.values_sent += u64::from(put);
                    if held.is_some() && !put && draft.len() > empty {
                        break;
                    }
                    let _ = keys.next();
                }
            });
            if !sent {
                break;
            }
        }
    }
}
