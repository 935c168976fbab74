//! What this node publishes of itself.
//!
//! A write is in the node's own map at once. It is told at once, too, unless this node has written much lately: then what
//! it writes is put together for a while, so that one that writes all the time costs no more than one that writes once a
//! second.

use crate::{
    kernel::{budget::Bucket, context::Context},
    state::plane::State,
    tables::{
        state::{
            limits::{MAX_KEYS, MAX_TTL, Refusal},
            write::{Terms, Written},
        },
        table::ME,
    },
    vocabulary::{error::StateError, key::is_visible, time::Instant},
};
use core::time::Duration;

/// Times a second that a node tells of its own state, and how often at once. With 8 kB/s for state, 22 changes a second
/// reach 10,000 members: one node must not take them all.
const TELLS_PER_SECOND: u32 = 1;
const TELLS_AT_ONCE: u32 = 8;
/// The shortest time between two compactions: each sends all that the node has again.
const COMPACTION_GAP: Duration = Duration::from_secs(60);

/// When this node tells what it has written.
#[derive(Clone)]
pub(crate) struct Own {
    tells: Bucket,
    /// When what was written is told.
    tell_at: Instant,
    /// When the next compaction may be.
    compact_after: Instant,
    /// When the next compaction is.
    compact_at: Instant,
}

impl Own {
    pub(super) fn new(now: Instant) -> Self {
        Self {
            tells: Bucket::new(TELLS_PER_SECOND, TELLS_AT_ONCE, now),
            tell_at: Instant::NEVER,
            compact_after: now,
            compact_at: Instant::NEVER,
        }
    }

    /// When there is something to do.
    fn next(&self) -> Instant {
        self.tell_at.min(self.compact_at)
    }
}

/// In how many seconds of the clock a time to live is over at the earliest. Entries know whole seconds, of which the present
/// one has passed in part: one second from now may be none of theirs.
fn seconds_until_over(ttl: u32, now: Instant) -> u32 {
    let is_between = !now.as_micros().is_multiple_of(1_000_000);
    if is_between && (1..MAX_TTL).contains(&ttl) { ttl + 1 } else { ttl }
}

/// What a refused write says to the host.
fn error(refusal: Refusal, ttl: Option<u32>, cx: &Context<'_, '_>) -> StateError {
    let limits = cx.tables.state.desk.limits;
    match refusal {
        Refusal::Key => StateError::Key,
        Refusal::Ttl => StateError::Ttl,
        Refusal::Entry => StateError::TooLarge { most: limits.most_of_entry(ttl) },
        Refusal::Keys => StateError::TooMany { most: MAX_KEYS },
        Refusal::Bytes => StateError::Full { most: usize::from(limits.owner_bytes) },
        Refusal::Share => StateError::NoRoom,
        Refusal::Versions => StateError::Exhausted,
    }
}

impl State {
    /// When there is something to do of this node's own.
    pub(crate) fn next_own(&self) -> Instant {
        self.own.next()
    }

    /// Sets a key of this node.
    pub(crate) fn publish(
        &mut self,
        cx: &mut Context<'_, '_>,
        key: &str,
        value: &[u8],
        terms: Terms,
    ) -> Result<(), StateError> {
        if !is_visible(key.as_bytes()) {
            return Err(StateError::Key);
        }
        let terms = Terms { ttl: terms.ttl.map(|ttl| seconds_until_over(ttl, cx.now())), ..terms };
        self.write(cx, terms.ttl, |cx, counter| {
            let now = cx.now().into();
            cx.tables.state.set(ME, counter, (key.as_bytes(), value), terms, now)
        })
    }

    /// Deletes a key of this node.
    pub(crate) fn withdraw(&mut self, cx: &mut Context<'_, '_>, key: &str) -> Result<(), StateError> {
        if !is_visible(key.as_bytes()) {
            return Err(StateError::Key);
        }
        self.write(cx, None, |cx, counter| {
            let now = cx.now().into();
            cx.tables.state.delete(ME, counter, key.as_bytes(), now)
        })
    }

    fn write(
        &mut self,
        cx: &mut Context<'_, '_>,
        ttl: Option<u32>,
        write: impl Fn(&mut Context<'_, '_>, u32) -> Result<Written, Refusal>,
    ) -> Result<(), StateError> {
        if !cx.keeps_state() {
            return Err(StateError::NoMemory);
        }
        let counter = cx.tables.state.counter(ME);
        let written = match write(cx, counter) {
            Err(Refusal::Keys | Refusal::Bytes | Refusal::Share) if self.makes_room(cx) => {
                let counter = cx.tables.state.counter(ME);
                write(cx, counter)
            }
            other => other,
        };
        match written.map_err(|refusal| error(refusal, ttl, cx))? {
            Written::Unchanged => {}
            Written::Version(_) => {
                self.note_written(cx);
                self.schedule_compaction(cx);
            }
        }
        Ok(())
    }

    /// This node has written: others are told now, or soon.
    fn note_written(&mut self, cx: &mut Context<'_, '_>) {
        let now = cx.now();
        cx.kernel.metrics.state_written += 1;
        let own = &mut self.own;
        if own.tell_at == Instant::NEVER {
            own.tell_at = if own.tells.has(now, 1) { now } else { now + own.tells.wait(now, 1) };
        }
        if own.tell_at <= now {
            self.tell_own(cx);
        }
    }

    /// Does what is due.
    pub(crate) fn advance_own(&mut self, cx: &mut Context<'_, '_>) {
        let now = cx.now();
        if self.own.compact_at <= now {
            self.compact(cx);
        }
        if self.own.tell_at <= now {
            self.tell_own(cx);
        }
    }

    fn tell_own(&mut self, cx: &mut Context<'_, '_>) {
        let (me, now) = (*cx.me(), cx.now());
        self.own.tell_at = Instant::NEVER;
        let version = cx.tables.state.counter(ME);
        // Another change of this node's record may have told it.
        if version > me.state_version() {
            self.own.tells.spend(now, 1);
            let record = me.with_state(version, me.health(), me.pause_seconds());
            cx.tables.replace_mine(&record, &mut cx.kernel.rng, now);
            cx.enqueue_state(ME, me.state_version(), now.stamp());
            if cx.kernel.signer.signs() {
                cx.enqueue(ME, now.stamp());
            }
        }
    }

    fn schedule_compaction(&mut self, cx: &mut Context<'_, '_>) {
        let now = cx.now();
        if cx.tables.state.should_compact(ME, now.into()) {
            self.own.compact_at = self.own.compact_after.max(now);
        }
    }

    /// Where a write was refused, any tombstone is one too many: compacts at once, if that may be, and otherwise as soon as it
    /// may be. A value whose time is over becomes a tombstone without any write that would have scheduled that.
    fn makes_room(&mut self, cx: &mut Context<'_, '_>) -> bool {
        let now = cx.now();
        if cx.tables.state.tombstones(ME, now.into()) == (0, 0) {
            return false;
        }
        self.own.compact_at = self.own.compact_after.max(now);
        let is_due = self.own.compact_at <= now;
        if is_due {
            self.compact(cx);
        }
        is_due
    }

    fn compact(&mut self, cx: &mut Context<'_, '_>) {
        let (now, counter) = (cx.now(), cx.tables.state.counter(ME));
        (self.own.compact_at, self.own.compact_after) = (Instant::NEVER, now + COMPACTION_GAP);
        if cx.tables.state.tombstones(ME, now.into()) != (0, 0)
            && cx.tables.state.compact(ME, counter, now.into()).is_ok()
        {
            self.tell_own(cx);
        }
    }
}
