//! Quarantines: times in which silence is attributed to something other than deaths.
//!
//! A zone that falls silent as a whole may be dead, or the path to it may be broken; and where most members seem
//! lost, it may be this node that is. From here it all looks alike. A quarantine delays a death and never rules it
//! out: it has [`Config::quarantine`] to use, and regains it seven times as fast as it uses it. Once all is used up,
//! members are judged as without it, and it does not open again for as long, nor before the slowest node could check
//! a suspect twice.
//!
//! ```text
//!            Reason               Time: all is spent               Time: to judge
//! (unknown) ────────▶ Active ──────────────────────────▶ Exhausted ────────────────▶ (unknown)
//!                      ▲  │ ReasonGone
//!               Reason │  ▼
//!                      None ───Time: all is regained───▶ (unknown)
//! ```
//!
//! While the quarantine of a zone is active, its members count as unreachable, and none of them is accused.

use crate::{
    kernel::{context::Context, outbox::Event},
    membership::{checks::two_checks, judgement::Quarantine, plane::Membership},
    tables::table::SlotId,
    vocabulary::{
        bounds::sized,
        config::Config,
        diagnostics::debug,
        record::Zone,
        time::{Instant, Judged, Stamp, micros},
    },
};

/// Zones that are remembered as silent. Members of further silent zones are not accused either.
const MAX_QUARANTINES: usize = sized(32, 8);
/// Other live members that a zone needs to be quarantined. With fewer a broken path cannot be told from deaths, and
/// small clusters must notice deaths.
const MIN_CONTROLS: u32 = 3;
/// Time is regained this many times faster than it is used: the silence of a zone that answers for an eighth of the
/// time is never judged.
const REGAIN: u32 = 7;

/// What silence may be attributed to.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Cause {
    /// The path to a zone.
    Zone(Zone),
    /// This node's own trouble.
    Own,
}

/// What happens to a quarantine.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Turn {
    /// There is a reason for it.
    Reason,
    /// The reason is gone.
    ReasonGone,
    /// The time of its state is over.
    Time,
}

impl Quarantine {
    /// The table of transitions. A quarantine whose time leads to [`Quarantine::None`] is forgotten.
    fn after(self, turn: Turn) -> Self {
        match (self, turn) {
            (Self::None, Turn::Reason) => Self::Active,
            (Self::Active, Turn::ReasonGone) => Self::None,
            (Self::Active, Turn::Time) => Self::Exhausted,
            (Self::None | Self::Exhausted, Turn::Time) => Self::None,
            (state, Turn::Reason | Turn::ReasonGone) => state,
        }
    }
}

/// A quarantine that is remembered. One that is not has all its time left.
#[derive(Clone, Copy, Debug)]
struct Entry {
    cause: Cause,
    /// [`Quarantine::None`] while the time that was used is regained.
    state: Quarantine,
    /// Since when, by the judgement clock.
    since: Judged<Stamp>,
    /// How many ms it could be open from then on.
    left: u32,
}

/// The quarantines that are, or lately were, active: of zones, and of this node.
#[derive(Clone, Debug, Default)]
pub(crate) struct Quarantines(heapless::Vec<Entry, { MAX_QUARANTINES + 1 }>);

impl Quarantines {
    pub(crate) fn of(&self, cause: Cause) -> Quarantine {
        self.0.iter().find(|entry| entry.cause == cause).map_or(Quarantine::None, |entry| entry.state)
    }

    /// Whether a zone is quarantined.
    pub(crate) fn is_quarantined(&self, zone: Zone) -> bool {
        self.of(Cause::Zone(zone)) == Quarantine::Active
    }

    /// The zones that are quarantined.
    pub(crate) fn active(&self) -> impl Iterator<Item = Zone> + '_ {
        self.0.iter().filter(|entry| entry.state == Quarantine::Active).filter_map(|entry| {
            match entry.cause {
                Cause::Zone(zone) => Some(zone),
                Cause::Own => None,
            }
        })
    }

    /// Whether any quarantine is exhausted.
    pub(crate) fn any_exhausted(&self) -> bool {
        self.0.iter().any(|entry| entry.state == Quarantine::Exhausted)
    }

    /// There is a reason: the quarantine becomes active if it is not exhausted. Returns whether it was not active
    /// before, or `None` when no more can be remembered. There is always room for this node's own.
    fn open(&mut self, cause: Cause, now: Judged<Stamp>, whole: u32) -> Option<bool> {
        let Some(entry) = self.0.iter_mut().find(|entry| entry.cause == cause) else {
            let zones = self.0.iter().filter(|entry| entry.cause != Cause::Own).count();
            let state = Quarantine::None.after(Turn::Reason);
            let entry = Entry { cause, state, since: now, left: whole };
            let fits = (cause == Cause::Own || zones < MAX_QUARANTINES) && self.0.push(entry).is_ok();
            return fits.then_some(true);
        };
        let state = entry.state.after(Turn::Reason);
        if state == entry.state {
            return Some(false);
        }
        let regained = now.since(entry.since).saturating_mul(REGAIN);
        let left = entry.left.saturating_add(regained).min(whole);
        *entry = Entry { cause, state, since: now, left };
        Some(true)
    }

    /// The reason is gone; true when that closes an open quarantine.
    fn close(&mut self, cause: Cause, now: Judged<Stamp>) -> bool {
        let Some(entry) = self.0.iter_mut().find(|entry| entry.cause == cause) else { return false };
        let state = entry.state.after(Turn::ReasonGone);
        if state == entry.state {
            return false;
        }
        let left = entry.left.saturating_sub(now.since(entry.since));
        *entry = Entry { cause, state, since: now, left };
        true
    }

    /// Which quarantine changes its state next by time alone, and when.
    fn next(&self, Spans { whole, spent }: Spans) -> Option<(usize, Judged<Stamp>)> {
        let due = |entry: &Entry| match entry.state {
            Quarantine::Active => entry.since.plus(entry.left.min(whole)),
            Quarantine::None => entry.since.plus((whole - entry.left.min(whole)) / REGAIN),
            Quarantine::Exhausted => entry.since.plus(spent),
        };
        let dues = self.0.iter().map(due).enumerate();
        dues.reduce(|first, other| if other.1.is_before(first.1) { other } else { first })
    }

    /// Changes the state of a quarantine whose time has come; returns its cause if it is exhausted now.
    fn pass(&mut self, at: usize, now: Judged<Stamp>) -> Option<Cause> {
        let entry = self.0.get_mut(at)?;
        match entry.state.after(Turn::Time) {
            Quarantine::None => {
                self.0.swap_remove(at);
                None
            }
            state => {
                (entry.state, entry.since) = (state, now);
                Some(entry.cause)
            }
        }
    }
}

/// How long things last, in ms.
#[derive(Clone, Copy)]
struct Spans {
    /// The longest time that a quarantine is active.
    whole: u32,
    /// How long it stays exhausted, so that members can be declared dead.
    spent: u32,
}

impl Spans {
    fn new(config: &Config) -> Self {
        let ms = |span| u32::try_from(micros(span) / 1_000).unwrap_or(u32::MAX / 4);
        let whole = ms(config.quarantine);
        Self { whole, spent: whole.max(ms(two_checks(config))) }
    }
}

impl Membership {
    /// A probe of this member failed, and no control in its zone answered. Returns whether the zone is quarantined,
    /// so that the member must not be accused.
    pub(crate) fn quarantine_zone_of(&mut self, cx: &mut Context<'_, '_>, slot: SlotId) -> bool {
        let zone = cx.zone_of(slot);
        let others = cx.tables.members.live_in(zone).saturating_sub(1);
        if others < MIN_CONTROLS {
            return false;
        }
        let (now, whole) = (cx.kernel.clock.judged_stamp(), Spans::new(&cx.kernel.config).whole);
        match self.quarantines.open(Cause::Zone(zone), now, whole) {
            None => {
                cx.kernel.metrics.dropped_quarantines_full += 1;
                return true;
            }
            Some(true) => {
                cx.kernel.metrics.quarantines += 1;
                debug!("zone {}/{} is silent: held", zone.region, zone.zone);
                cx.raise(Event::ZoneQuarantined(zone));
            }
            Some(false) => {}
        }
        self.quarantines.is_quarantined(zone)
    }

    /// A member answered: its zone is not silent.
    pub(crate) fn release_zone_of(&mut self, cx: &mut Context<'_, '_>, slot: SlotId) {
        let (zone, now) = (cx.zone_of(slot), cx.kernel.clock.judged_stamp());
        if self.quarantines.close(Cause::Zone(zone), now) {
            debug!("zone {}/{} answers again", zone.region, zone.zone);
            cx.raise(Event::ZoneReleased { zone, answered: true });
        }
    }

    /// The latest probe shows whether this node may be in trouble.
    pub(crate) fn note_own_trouble(&mut self, cx: &mut Context<'_, '_>, trouble: bool) {
        let (now, whole) = (cx.kernel.clock.judged_stamp(), Spans::new(&cx.kernel.config).whole);
        if !trouble {
            let _ = self.quarantines.close(Cause::Own, now);
        } else if self.quarantines.open(Cause::Own, now, whole) == Some(true) {
            debug!("the trouble may be ours");
        }
    }

    /// Changes the state of the next quarantine whose time has come. One a tick: if there are more, the next tick is
    /// due at once.
    pub(crate) fn pass_quarantines(&mut self, cx: &mut Context<'_, '_>) {
        let now = cx.kernel.clock.judged_stamp();
        let Some((at, due)) = self.quarantines.next(Spans::new(&cx.kernel.config)) else { return };
        if now.is_before(due) {
            return;
        }
        if let Some(Cause::Zone(zone)) = self.quarantines.pass(at, now) {
            debug!("zone {}/{} was held for long enough", zone.region, zone.zone);
            cx.raise(Event::ZoneReleased { zone, answered: false });
        }
    }

    /// When [`Self::pass_quarantines`] has something to do, by the host's clock.
    pub(crate) fn next_quarantine(&self, cx: &Context<'_, '_>) -> Instant {
        let next = self.quarantines.next(Spans::new(&cx.kernel.config));
        next.map_or(Instant::NEVER, |(_, due)| cx.kernel.clock.real_stamp(due))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::vec::Vec;

    const ZONE: Cause = Cause::Zone(Zone { region: 1, zone: 2 });
    const WHOLE: u32 = 420_000;
    const SPANS: Spans = Spans { whole: WHOLE, spent: WHOLE };

    fn at(seconds: u32) -> Judged<Stamp> {
        Judged(Stamp(seconds * 1_000))
    }

    /// Does what is due by then; returns when quarantines ended by time, in seconds.
    fn pass_until(quarantines: &mut Quarantines, end: u32) -> Vec<u32> {
        let mut ended = Vec::new();
        while let Some((which, due)) = quarantines.next(SPANS).filter(|&(_, due)| !at(end).is_before(due)) {
            ended.extend(quarantines.pass(which, due).map(|_| due.0.0 / 1_000));
        }
        ended
    }

    #[test]
    fn a_quarantine_advances_as_its_table_says() {
        use Quarantine::{Active, Exhausted, None};
        let turns = [Turn::Reason, Turn::ReasonGone, Turn::Time];
        for (state, next) in [
            (None, [Active, None, None]),
            (Active, [Active, None, Exhausted]),
            (Exhausted, [Exhausted, Exhausted, None]),
        ] {
            assert_eq!(turns.map(|turn| state.after(turn)), next, "{state:?}");
        }
    }

    #[test]
    fn a_silent_zone_is_quarantined_once_and_then_not_again_for_as_long() {
        let mut quarantines = Quarantines::default();
        assert_eq!(quarantines.open(ZONE, at(0), WHOLE), Some(true));
        assert!(pass_until(&mut quarantines, 419).is_empty() && quarantines.of(ZONE) == Quarantine::Active);
        assert_eq!(pass_until(&mut quarantines, 421), [420]);
        assert!(quarantines.of(ZONE) == Quarantine::Exhausted);
        assert_eq!(quarantines.open(ZONE, at(500), WHOLE), Some(false));
        assert!(quarantines.of(ZONE) != Quarantine::Active);
        assert!(pass_until(&mut quarantines, 841).is_empty());
        assert_eq!(quarantines.open(ZONE, at(842), WHOLE), Some(true));
    }

    /// For how many seconds of 4,000 a zone is quarantined that answers for one in `every`.
    fn quarantined_of_4_000(every: u32) -> usize {
        let mut quarantines = Quarantines::default();
        let quarantined = (0..4_000u32).filter(|&second| {
            let _ = pass_until(&mut quarantines, second);
            match second % every {
                0 => drop(quarantines.close(ZONE, at(second))),
                _ => drop(quarantines.open(ZONE, at(second), WHOLE)),
            }
            quarantines.of(ZONE) == Quarantine::Active
        });
        quarantined.count()
    }

    #[test]
    fn a_zone_that_answers_now_and_then_is_not_quarantined_for_ever() {
        // A zone of dead members with a single survivor.
        let quarantined = quarantined_of_4_000(20);
        assert!((1_000..3_000).contains(&quarantined), "quarantined for {quarantined} s");
    }

    #[test]
    fn a_zone_that_answers_for_an_eighth_of_the_time_is_never_judged() {
        assert_eq!(quarantined_of_4_000(8), 3_500);
    }

    #[test]
    fn a_zone_that_was_quarantined_by_mistake_keeps_its_time() {
        let mut quarantines = Quarantines::default();
        let _ = quarantines.open(ZONE, at(0), WHOLE);
        assert!(quarantines.close(ZONE, at(30)) && !quarantines.close(ZONE, at(31)));
        let _ = quarantines.open(ZONE, at(32), WHOLE);
        assert_eq!(pass_until(&mut quarantines, 1_000), [32 + 420 - 30 + 2 * 7]);
    }

    #[test]
    fn an_active_quarantine_ends_by_the_time_configured_now() {
        let mut quarantines = Quarantines::default();
        let _ = quarantines.open(ZONE, at(0), 10 * WHOLE);
        assert_eq!(pass_until(&mut quarantines, 1_000), [420]);
    }

    #[test]
    fn what_is_over_is_forgotten_and_what_is_too_much_is_refused() {
        let mut quarantines = Quarantines::default();
        let zone = |n: usize| Cause::Zone(Zone { region: 0, zone: n as u8 });
        for n in 0..MAX_QUARANTINES {
            assert_eq!(quarantines.open(zone(n), at(0), WHOLE), Some(true));
        }
        assert_eq!(quarantines.open(zone(MAX_QUARANTINES), at(0), WHOLE), None);
        assert_eq!(pass_until(&mut quarantines, 2_000).len(), MAX_QUARANTINES);
        assert_eq!(quarantines.open(zone(MAX_QUARANTINES), at(2_000), WHOLE), Some(true));
    }
}
