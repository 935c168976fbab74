//! Pulses: said by this node at its interval, heard, and told on.
//!
//! ```text
//! host ──pulse──▶ waits for the interval ──▶ pending ─┐
//! a member's, if news ──▶ host may read it, pending ──┴─▶ rounds of their own, to two members of the scope
//! ```
//!
//! A round comes at once for a pulse of this node; others wait a little for company, which shares the bytes of a header.

use crate::{
    kernel::{
        choose::{self, Chosen},
        context::Context,
        peer::Peer,
    },
    state::plane::State,
    tables::{
        pulses::{
            limits::{BATCH, MAX_BLOB, SENDS, SENDS_OF_OWN, cost, patience},
            place::is_over,
            pulse::Pulse,
            store::Heard,
        },
        table::{ME, View},
    },
    vocabulary::{
        config::Config,
        error::StateError,
        record::{Reachability, Zone},
        time::{Instant, micros},
        traffic::Traffic,
    },
    wire::{frame::BESIDE_SECTIONS, pulse::BESIDE_BLOB},
};
use core::time::Duration;

/// When pulses are sent.
#[derive(Clone)]
pub(super) struct Beat {
    /// Whether this node has a pulse that waits for its interval, ...
    waits: bool,
    /// ... which is over then.
    next: Instant,
    /// When what is pending is told.
    round: Instant,
}

impl Beat {
    pub(super) const RESTED: Self = Self { waits: false, next: Instant::ZERO, round: Instant::NEVER };
}

/// How long each member waits between two pulses of this length, so that those of all in the scope together cost each what the
/// budget says; nothing where they are off.
pub(crate) fn interval(config: &Config, members: View<'_>, blob: usize) -> Option<Duration> {
    let bytes = (u64::from(members.company(config.pulse_scope)) + 1) * u64::from(cost(blob));
    let exact = (bytes * 1_000_000).checked_div(config.budgets.pulses.into())?;
    Some(Duration::from_micros(exact).max(config.gossip_interval))
}

impl State {
    /// When the pulse of this node is due, or a round of pulses.
    pub(crate) fn next_pulse(&self, cx: &Context<'_, '_>) -> Instant {
        let own = if self.beat.waits { self.beat.next } else { Instant::NEVER };
        if cx.tables.pulses.pending() > 0 { own.min(self.beat.round) } else { own }
    }

    /// Writes this node's pulse, to be sent when its interval is over.
    pub(crate) fn pulse(&mut self, cx: &mut Context<'_, '_>, blob: &[u8]) -> Result<(), StateError> {
        if blob.len() > MAX_BLOB {
            return Err(StateError::PulseTooLarge { most: MAX_BLOB });
        }
        if cx.kernel.config.budgets.pulses == 0 {
            return Err(StateError::PulsesOff);
        }
        if !cx.tables.pulses.keeps() {
            return Err(StateError::NoMemory);
        }
        let (now, epoch) = (cx.now(), cx.me().incarnation().epoch);
        let is_pending = cx.tables.pulses.write(ME, now, epoch, blob);
        self.beat.waits |= !is_pending;
        cx.kernel.metrics.pulses_written += 1;
        Ok(())
    }

    /// Takes in the pulses of a datagram from a member, which was on its way for `road` ms.
    #[inline(never)]
    pub(crate) fn hear_pulses<'p>(
        &mut self,
        cx: &mut Context<'_, '_>,
        road: u32,
        pulses: impl Iterator<Item = Pulse<'p>>,
    ) {
        for mut pulse in pulses {
            cx.kernel.metrics.pulses_received += 1;
            pulse.said.age = Self::age_here(cx, pulse.said.age, road);
            self.hear_pulse(cx, &pulse);
        }
    }

    fn hear_pulse(&mut self, cx: &mut Context<'_, '_>, Pulse { origin, said }: &Pulse<'_>) {
        let (now, config) = (cx.now(), &cx.kernel.config);
        let interval = interval(config, cx.tables.members.as_view(), said.blob.len());
        let Some(interval) = interval.filter(|_| cx.tables.pulses.keeps()) else {
            cx.kernel.metrics.dropped_pulses_off += 1;
            return;
        };
        let member = cx.tables.members.find(*origin).filter(|&slot| {
            let record = cx.record(slot);
            record.status().is_live() && record.incarnation().epoch == said.epoch
        });
        let Some(slot) = member else {
            cx.kernel.metrics.dropped_pulses_unknown += 1;
            return;
        };
        if !config.pulse_scope.spans(cx.me().locality(), cx.record(slot).locality()) {
            cx.kernel.metrics.dropped_pulses_outside += 1;
            return;
        }
        if slot == ME {
            return;
        }
        // Those of a member that keeps to its interval may come closer to each other than they were sent.
        let heard = cx.tables.pulses.hear(slot, now, said, interval / 2);
        let metrics = &mut cx.kernel.metrics;
        metrics.pulses_changed += u64::from(matches!(heard, Heard::New { .. } | Heard::TooSoon));
        match heard {
            Heard::New { displaced } => {
                metrics.pulses_displaced += u64::from(displaced);
                let is_enough = cx.tables.pulses.pending() >= BATCH;
                let wait = if is_enough { Duration::ZERO } else { patience(cx.kernel.config.budgets.pulses) };
                self.beat.round = self.beat.round.min(now + wait);
            }
            Heard::TooSoon => metrics.pulses_withheld += 1,
            Heard::Expired => metrics.dropped_pulses_expired += 1,
            Heard::Known => {}
        }
    }

    /// Sends what is due: this node's pulse, and what is pending.
    pub(crate) fn send_pulses(&mut self, cx: &mut Context<'_, '_>, is_passed_over: impl Fn(Zone) -> bool) {
        let now = cx.now();
        if self.beat.waits && self.beat.next <= now {
            self.begin_pulse(cx);
        }
        if cx.tables.pulses.pending() == 0 {
            self.beat.round = Instant::NEVER;
        } else if self.beat.round <= now {
            self.tell_pulses(cx, is_passed_over);
        }
    }

    /// Makes this node's pulse pending. The next comes an interval later, with a tenth of jitter either way; after a rest with half
    /// of one either way, since nodes that began together must not pulse together.
    fn begin_pulse(&mut self, cx: &mut Context<'_, '_>) {
        self.beat.waits = false;
        let (now, config) = (cx.now(), &cx.kernel.config);
        let blob = cx.tables.pulses.view().get(ME, now).map_or(0, |said| said.blob.len());
        if let Some(interval) = interval(config, cx.tables.members.as_view(), blob)
            && cx.tables.pulses.tell_own(ME, now)
        {
            let has_rested = self.beat.next == Instant::ZERO || self.beat.next + interval <= now;
            let either_way = if has_rested { interval / 2 } else { interval / 10 };
            let jitter = Duration::from_micros(cx.kernel.rng.below_u64(micros(either_way * 2) + 1));
            (self.beat.next, self.beat.round) = (now + interval - either_way + jitter, now);
            cx.kernel.metrics.pulses_sent += 1;
        }
    }

    /// Tells what is pending, the newest first, as far as a datagram takes it.
    #[inline(never)]
    fn tell_pulses(&mut self, cx: &mut Context<'_, '_>, is_passed_over: impl Fn(Zone) -> bool) {
        let (now, mut told) = (cx.now(), cx.tables.pulses.pending() as usize);
        // However much is to be told, what only this node knows goes first.
        let sends = if cx.tables.pulses.put_first(ME) { SENDS_OF_OWN } else { SENDS };
        let peers = Self::peers_of_pulses(cx, sends, is_passed_over);
        if peers.is_empty() {
            cx.tables.pulses.retire_newest(told);
            self.beat.round = Instant::NEVER;
            return;
        }
        let (mut len, most) = (BESIDE_SECTIONS, usize::from(cx.limit_of_path()));
        for (_, said) in cx.tables.pulses.newest(now) {
            let with = len + BESIDE_BLOB + said.blob.len();
            if with > most {
                break;
            }
            len = with;
        }
        let bytes = (peers.len() * len) as u32;
        if !cx.kernel.budgets.admit(Traffic::Pulse, now, bytes) {
            self.beat.round = now + cx.kernel.budgets.wait(Traffic::Pulse, now, bytes);
            return;
        }
        if !cx.has_room_for(peers.len()) {
            return; // still due: the next tick is asked for at once
        }
        for peer in peers {
            let to = cx.peer(peer);
            told = Self::tell_newest(cx, to, len as u16, told);
        }
        cx.tables.pulses.retire_newest(told);
        self.beat.round = if cx.tables.pulses.pending() > 0 { now } else { Instant::NEVER };
    }

    /// Sends up to `most` of the newest, as far as they fit; returns how many it sent.
    fn tell_newest(cx: &mut Context<'_, '_>, to: Peer, len: u16, most: usize) -> usize {
        let (now, mut told) = (cx.now(), 0);
        cx.as_long_as(len.into(), |cx| {
            let _ = cx.write(to, Traffic::Pulse, |draft, kernel, tables| {
                for (slot, said) in tables.pulses.newest(now).take(most) {
                    let origin = tables.members.record(slot).id();
                    let put = !is_over(&said) && draft.pulse(&Pulse { origin, said });
                    kernel.metrics.pulses_told += u64::from(put);
                    if !put && !is_over(&said) {
                        break;
                    }
                    told += 1;
                }
            });
        });
        told
    }

    /// Whom to tell: members of the scope that seem reachable.
    fn peers_of_pulses(
        cx: &mut Context<'_, '_>,
        sends: usize,
        is_passed_over: impl Fn(Zone) -> bool,
    ) -> Chosen {
        let (members, scope) = (&cx.tables.members, cx.kernel.config.pulse_scope);
        let answers = |slot| {
            let member = members.slot(slot);
            member.reachability() != Reachability::Unreachable
                && !is_passed_over(member.record.locality().domain())
        };
        choose::in_scope(members, &mut cx.kernel.rng, scope, sends, answers)
    }

    /// The configuration is about to change: what was heard in another scope goes, and all where pulses are turned off.
    pub(crate) fn reconfigure_pulses(&mut self, cx: &mut Context<'_, '_>, next: &Config) {
        if next.budgets.pulses == 0 || next.pulse_scope != cx.kernel.config.pulse_scope {
            cx.tables.pulses.clear();
            self.beat = Beat { next: self.beat.next, ..Beat::RESTED };
        }
    }
}
