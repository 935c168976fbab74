//! Holds: a zone that falls silent as a whole is held as unreachable, and nobody in it is accused for now.
//!
//! ```text
//!            controls fail              time used up                 time to judge
//! (unknown) ───────────────▶ Held ──────────────────────▶ Served ───────────────────▶ (unknown)
//!                            ▲  │ somebody of it answers
//!               controls fail│  ▼
//!                           Resting ──time regained──▶ (unknown)
//! ```
//!
//! A silent zone may be dead, or the road to it may be broken; from here both look alike. A hold delays, it never
//! forbids: each zone has `Config::hold` to spend on being held, and regains it as slowly as it spends it. Once all
//! of it is spent, its members are accused like anybody, and it is not held again for as long, nor before even the
//! slowest has checked a suspect twice.

use crate::{
    config::Config,
    diagnostics::debug,
    memory::sized,
    outbox::Event,
    record::Zone,
    step::Step,
    suspicion::two_checks,
    table::SlotId,
    time::{Instant, Stamp, micros},
};

/// Zones that are remembered as silent. While more are, their members are not accused either.
const MAX_HELD: usize = sized(32, 8);
/// Members of a zone, beside the one in question, without which there is no telling a broken road from deaths:
/// smaller zones are never held, so that clusters of two and three notice deaths.
pub(crate) const MIN_CONTROLS: u32 = 3;

/// Where a zone stands. A zone that is not remembered has all its time to spend.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Phase {
    /// Silent; nobody in it is accused.
    Held,
    /// It answered again, and regains the time that it was held.
    Resting,
    /// It was held for as long as may be; now its members are judged like anybody.
    Served,
}

#[derive(Clone, Copy, Debug)]
struct Hold {
    zone: Zone,
    phase: Phase,
    /// Since when, by the judgement clock.
    since: Stamp,
    /// ms that it could still be held, then.
    left: u32,
}

/// The zones that are, or lately were, silent.
#[derive(Clone, Debug, Default)]
pub(crate) struct Holds(heapless::Vec<Hold, MAX_HELD>);

impl Holds {
    /// Whether a zone is held.
    pub(crate) fn is_held(&self, zone: Zone) -> bool {
        self.phase(zone) == Some(Phase::Held)
    }

    /// The zones that are held.
    pub(crate) fn held(&self) -> impl Iterator<Item = Zone> + '_ {
        self.0.iter().filter(|hold| hold.phase == Phase::Held).map(|hold| hold.zone)
    }

    /// Whether nobody in a zone answers, for all we know: it is held, or was for as long as may be.
    pub(crate) fn is_silent(&self, zone: Zone) -> bool {
        matches!(self.phase(zone), Some(Phase::Held | Phase::Served))
    }

    /// Whether a zone was held for as long as may be: what is lost in it was given its time.
    pub(crate) fn is_served(&self, zone: Zone) -> bool {
        self.phase(zone) == Some(Phase::Served)
    }

    fn phase(&self, zone: Zone) -> Option<Phase> {
        self.0.iter().find(|hold| hold.zone == zone).map(|hold| hold.phase)
    }

    /// The controls of a zone failed: it is held, if it has time left. Whether it is held is
    /// [`Self::is_held`]; this returns whether it was not before, or `None` when no more zones can be
    /// remembered.
    fn silent(&mut self, zone: Zone, now: Stamp, whole: u32) -> Option<bool> {
        let Some(hold) = self.0.iter_mut().find(|hold| hold.zone == zone) else {
            let hold = Hold { zone, phase: Phase::Held, since: now, left: whole };
            return self.0.push(hold).is_ok().then_some(true);
        };
        if hold.phase != Phase::Resting {
            return Some(false);
        }
        let left = hold.left.saturating_add(now.since(hold.since)).min(whole);
        *hold = Hold { zone, phase: Phase::Held, since: now, left };
        Some(true)
    }

    /// Somebody in the zone answered; true when that ends a hold.
    fn answered(&mut self, zone: Zone, now: Stamp) -> bool {
        let held = |hold: &&mut Hold| hold.zone == zone && hold.phase == Phase::Held;
        let Some(hold) = self.0.iter_mut().find(held) else { return false };
        let left = hold.left.saturating_sub(now.since(hold.since));
        *hold = Hold { zone, phase: Phase::Resting, since: now, left };
        true
    }

    /// When the next zone changes its phase by time alone: its place, and the stamp.
    fn next(&self, Spans { whole, served }: Spans) -> Option<(usize, Stamp)> {
        let due = |hold: &Hold| match hold.phase {
            Phase::Held => hold.since.plus(hold.left.min(whole)),
            Phase::Resting => hold.since.plus(whole - hold.left.min(whole)),
            Phase::Served => hold.since.plus(served),
        };
        let dues = self.0.iter().map(due).enumerate();
        dues.reduce(|first, other| if other.1.is_before(first.1) { other } else { first })
    }

    /// Lets the next zone change its phase; returns it if that ends a hold.
    fn pass(&mut self, at: usize, now: Stamp) -> Option<Zone> {
        let hold = self.0.get_mut(at)?;
        if hold.phase == Phase::Held {
            (hold.phase, hold.since) = (Phase::Served, now);
            return Some(hold.zone);
        }
        self.0.swap_remove(at);
        None
    }
}

/// How long things last, in ms.
#[derive(Clone, Copy)]
struct Spans {
    /// The time that a zone may be held.
    whole: u32,
    /// The time in which it is not held again, and its members can be found dead.
    served: u32,
}

impl Spans {
    fn of(config: &Config) -> Self {
        let ms = |span| u32::try_from(micros(span) / 1_000).unwrap_or(u32::MAX / 4);
        let whole = ms(config.hold);
        Self { whole, served: whole.max(ms(two_checks(config))) }
    }
}

impl Step<'_, '_> {
    /// A probe of this member failed, and no control in its zone answered. True when the zone is held, so that the
    /// member must not be accused.
    pub(crate) fn hold_zone_of(&mut self, slot: SlotId) -> bool {
        let zone = self.zone_of(slot);
        let others = self.tables.members.live_in(zone).saturating_sub(1);
        if others < MIN_CONTROLS {
            return false;
        }
        let (now, whole) = (self.core.clock.judged_stamp(), Spans::of(&self.core.config).whole);
        match self.core.holds.silent(zone, now, whole) {
            None => {
                self.core.metrics.dropped_holds_full += 1;
                return true;
            }
            Some(true) => {
                self.core.metrics.holds += 1;
                debug!("zone {}/{} is silent: held", zone.region, zone.zone);
                self.raise(Event::ZoneHeld(zone));
            }
            Some(false) => {}
        }
        self.core.holds.is_held(zone)
    }

    /// A member answered: its zone is not silent.
    pub(crate) fn release_zone_of(&mut self, slot: SlotId) {
        let (zone, now) = (self.zone_of(slot), self.core.clock.judged_stamp());
        if self.core.holds.answered(zone, now) {
            debug!("zone {}/{} answers again", zone.region, zone.zone);
            self.raise(Event::ZoneReleased { zone, answered: true });
        }
    }

    /// Ends the holds whose time is up; one a tick, the next tick is asked for at once.
    pub(crate) fn end_holds(&mut self) {
        let now = self.core.clock.judged_stamp();
        let Some((at, due)) = self.core.holds.next(Spans::of(&self.core.config)) else { return };
        if now.is_before(due) {
            return;
        }
        if let Some(zone) = self.core.holds.pass(at, now) {
            debug!("zone {}/{} was held for long enough", zone.region, zone.zone);
            self.raise(Event::ZoneReleased { zone, answered: false });
        }
    }

    /// When [`Self::end_holds`] has something to do, by the host's clock.
    pub(crate) fn next_hold_end(&self) -> Instant {
        let next = self.core.holds.next(Spans::of(&self.core.config));
        next.map_or(Instant::NEVER, |(_, due)| self.core.clock.real_stamp(due))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ZONE: Zone = Zone { region: 1, zone: 2 };
    const WHOLE: u32 = 420_000;
    const SPANS: Spans = Spans { whole: WHOLE, served: WHOLE };

    fn at(seconds: u32) -> Stamp {
        Stamp(seconds * 1_000)
    }

    /// Does what is due by then; returns when holds ended by time, in seconds.
    fn pass_until(holds: &mut Holds, end: u32) -> Vec<u32> {
        let mut ended = Vec::new();
        while let Some((which, due)) = holds.next(SPANS).filter(|&(_, due)| !at(end).is_before(due)) {
            ended.extend(holds.pass(which, due).map(|_| due.0 / 1_000));
        }
        ended
    }

    #[test]
    fn a_silent_zone_is_held_for_its_time_and_then_not_again_for_as_long() {
        let mut holds = Holds::default();
        assert_eq!(holds.silent(ZONE, at(0), WHOLE), Some(true));
        assert!(pass_until(&mut holds, 419).is_empty() && holds.is_held(ZONE));
        assert_eq!(pass_until(&mut holds, 421), [420]);
        assert!(holds.is_served(ZONE));
        assert_eq!(holds.silent(ZONE, at(500), WHOLE), Some(false));
        assert!(!holds.is_held(ZONE));
        assert!(pass_until(&mut holds, 841).is_empty());
        assert_eq!(holds.silent(ZONE, at(842), WHOLE), Some(true));
    }

    #[test]
    fn a_zone_that_answers_now_and_then_is_not_held_for_ever() {
        let mut holds = Holds::default();
        // Silent for nine seconds out of ten, as a zone of dead members with a single survivor.
        let held = (0..2_000u32).filter(|&second| {
            let _ = pass_until(&mut holds, second);
            match second % 10 {
                9 => drop(holds.answered(ZONE, at(second))),
                _ => drop(holds.silent(ZONE, at(second), WHOLE)),
            }
            holds.is_held(ZONE)
        });
        let held = held.count();
        assert!((700..1_200).contains(&held), "held for {held} s of 2,000");
    }

    #[test]
    fn a_zone_that_was_held_by_mistake_keeps_its_time() {
        let mut holds = Holds::default();
        let _ = holds.silent(ZONE, at(0), WHOLE);
        assert!(holds.answered(ZONE, at(3)) && !holds.answered(ZONE, at(4)));
        let _ = holds.silent(ZONE, at(5), WHOLE);
        assert_eq!(pass_until(&mut holds, 1_000), [424]);
    }

    #[test]
    fn a_hold_that_is_under_way_ends_by_the_time_that_is_configured_now() {
        let mut holds = Holds::default();
        let _ = holds.silent(ZONE, at(0), 10 * WHOLE);
        assert_eq!(pass_until(&mut holds, 1_000), [420]);
    }

    #[test]
    fn what_is_over_is_forgotten_and_what_is_too_much_is_refused() {
        let mut holds = Holds::default();
        let zone = |n: usize| Zone { region: 0, zone: n as u8 };
        for n in 0..MAX_HELD {
            assert_eq!(holds.silent(zone(n), at(0), WHOLE), Some(true));
        }
        assert_eq!(holds.silent(zone(MAX_HELD), at(0), WHOLE), None);
        assert_eq!(pass_until(&mut holds, 2_000).len(), MAX_HELD);
        assert_eq!(holds.silent(zone(MAX_HELD), at(2_000), WHOLE), Some(true));
    }
}
