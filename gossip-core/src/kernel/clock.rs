//! The judgement clock: what members are judged by. It stands still while this node itself was paused.
//!
//! A step that comes later than its deadline by more than a bound means that *we* slept. The judgement clock
//! skips the lateness, so every probe and suspicion gets it back, once; and it waits for a grace, so that
//! the input which queued up meanwhile is handled before any member is judged.

use crate::vocabulary::{
    config::Config,
    time::{Instant, Judged, Stamp, micros},
};
use core::time::Duration;

/// How long after a late step no member is judged: a driver drains its socket in far less.
const GRACE: Duration = Duration::from_millis(100);

/// See the module.
#[derive(Clone, Debug)]
pub(crate) struct Clock {
    now: Instant,
    /// When the host should have called at the latest; none before its first call.
    deadline: Option<Instant>,
    /// µs by which the judgement clock is behind.
    behind: u64,
    judged: Judged<Instant>,
    /// Judgement time until which further lateness is not excused, so that a driver which merely ticks
    /// slowly still detects crashes.
    excused_until: Judged<Instant>,
    /// How long what is handled may have waited for this node, and until when.
    waited: (Duration, Instant),
    /// Since when a tick is due, if one is.
    due: Option<Instant>,
}

impl Clock {
    pub(crate) fn new(now: Instant) -> Self {
        Self {
            now,
            deadline: None,
            behind: 0,
            judged: Judged(now),
            excused_until: Judged::ZERO,
            waited: (Duration::ZERO, now),
            due: None,
        }
    }

    /// The host's time, never going backwards.
    pub(crate) fn now(&self) -> Instant {
        self.now
    }

    /// The time by which members are judged.
    pub(crate) fn judged(&self) -> Judged<Instant> {
        self.judged
    }

    /// [`Self::judged`] as the suspicions' timers keep it.
    pub(crate) fn judged_stamp(&self) -> Judged<Stamp> {
        self.judged.stamp()
    }

    /// When, by the host's clock, the judgement clock will show `judged`.
    pub(crate) fn real(&self, Judged(judged): Judged<Instant>) -> Instant {
        judged + Duration::from_micros(self.behind)
    }

    /// When, by the host's clock, the judgement clock will have reached a stamp (now, if it has).
    pub(crate) fn real_stamp(&self, due: Judged<Stamp>) -> Instant {
        let millis = due.since(self.judged_stamp());
        if millis == 0 {
            return self.now;
        }
        // From the start of this millisecond of judgement time, so that the stamp is really reached.
        let start = Instant::from_millis(self.judged.0.as_micros() / 1_000);
        self.real(Judged(start) + Duration::from_millis(u64::from(millis)))
    }

    /// A step begins. Returns by how much it is late, if that means that this node was paused.
    pub(crate) fn observe(&mut self, now: Instant, config: &Config) -> Option<Duration> {
        let before = self.now;
        self.now = before.max(now);
        let late = self.deadline.map_or(Duration::ZERO, |deadline| self.now.since(deadline));
        self.due = self.due.or(self.deadline.filter(|&deadline| deadline <= self.now));
        if late > config.local_pause {
            self.waited = (self.now.since(before), self.now + GRACE);
        }
        let paused = config.mechanisms.local_pause && late > config.local_pause;
        if paused {
            if self.judged >= self.excused_until {
                self.behind = self.behind.saturating_add(micros(late));
                self.excused_until = self.judged + config.pause_tolerance * 2;
            }
            // Never all of the time that has passed: judgement must go on.
            self.behind = self.behind.saturating_add(micros(GRACE.min(late / 2)));
        }
        self.judged = self.judged.max(Judged(self.now - Duration::from_micros(self.behind)));
        paused.then_some(late)
    }

    /// How long a datagram that is handled now may have waited in this node's socket while it was paused.
    pub(crate) fn may_have_waited(&self) -> Duration {
        let (waited, until) = self.waited;
        if self.now < until { waited } else { Duration::ZERO }
    }

    /// When the host should call at the latest.
    pub(crate) fn deadline(&self) -> Instant {
        self.deadline.unwrap_or(self.now)
    }

    /// The step ends, and the host should call again at `deadline`.
    pub(crate) fn expect(&mut self, deadline: Instant) {
        self.deadline = Some(deadline);
        self.due = self.due.filter(|_| deadline <= self.now);
    }

    /// A tick does what is due: by how much it is late, however many datagrams were handled since it was due. `None` of one that
    /// came early.
    pub(crate) fn take_lateness(&mut self) -> Option<Duration> {
        self.due.take().map(|due| self.now.since(due))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::vocabulary::config::ClusterName;

    fn config() -> Config {
        Config::lan(ClusterName::named("test").unwrap())
    }

    fn at(millis: u64) -> Instant {
        Instant::from_millis(millis)
    }

    fn judged(millis: u64) -> Judged<Instant> {
        Judged(at(millis))
    }

    #[test]
    fn a_pause_of_our_own_does_not_count_against_anybody() {
        let mut clock = Clock::new(at(0));
        clock.expect(at(100));
        assert_eq!(clock.observe(at(90), &config()), None);
        assert_eq!(clock.observe(at(60_100), &config()), Some(Duration::from_secs(60)));
        assert!(clock.judged() <= judged(100), "{:?}", clock.judged());
        assert_eq!(clock.real(judged(200)), at(60_300));
    }

    #[test]
    fn a_driver_that_ticks_slowly_still_lets_time_pass() {
        let mut clock = Clock::new(at(0));
        for tick in 1..=30 {
            let _ = clock.observe(at(tick * 2_000), &config());
            clock.expect(at(tick * 2_000 + 50));
        }
        assert!(clock.judged() > judged(30_000), "{:?}", clock.judged());
    }

    #[test]
    fn a_driver_that_is_always_a_little_late_still_lets_time_pass() {
        let config = Config { local_pause: Duration::from_millis(10), ..config() };
        let mut clock = Clock::new(at(0));
        clock.expect(at(0));
        for tick in 1..=1_000 {
            let _ = clock.observe(at(tick * 80), &config);
            clock.expect(at(tick * 80));
        }
        assert!(clock.judged() > judged(20_000), "{:?}", clock.judged());
    }

    #[test]
    fn what_comes_right_after_a_pause_may_have_waited_since_the_step_before() {
        let mut clock = Clock::new(at(0));
        let _ = clock.observe(at(50), &config());
        clock.expect(at(100));
        let _ = clock.observe(at(110), &config());
        assert_eq!(clock.may_have_waited(), Duration::ZERO);
        clock.expect(at(120));
        let _ = clock.observe(at(60_110), &config());
        assert_eq!(clock.may_have_waited(), Duration::from_secs(60));
        clock.expect(at(60_110));
        let _ = clock.observe(at(60_209), &config());
        assert_eq!(clock.may_have_waited(), Duration::from_secs(60));
        clock.expect(at(60_300));
        let _ = clock.observe(at(60_210), &config());
        assert_eq!(clock.may_have_waited(), Duration::ZERO);
    }

    #[test]
    fn the_first_step_is_never_late() {
        let mut clock = Clock::new(at(0));
        assert_eq!(clock.deadline(), at(0));
        assert_eq!(clock.observe(at(5_000), &config()), None);
    }

    #[test]
    fn a_tick_is_as_late_as_it_is_whatever_is_handled_before_it() {
        let mut clock = Clock::new(at(0));
        assert_eq!(clock.take_lateness(), None, "nothing was due");
        clock.expect(at(100));
        let _ = clock.observe(at(50), &config());
        assert_eq!(clock.take_lateness(), None, "it is early");
        clock.expect(at(100));
        let _ = clock.observe(at(130), &config());
        // A datagram: what is due stays due.
        clock.expect(at(130));
        let _ = clock.observe(at(140), &config());
        assert_eq!(clock.take_lateness(), Some(Duration::from_millis(40)));
        clock.expect(at(200));
        let _ = clock.observe(at(210), &config());
        // A datagram, after which nothing is due any more.
        clock.expect(at(300));
        let _ = clock.observe(at(300), &config());
        assert_eq!(clock.take_lateness(), Some(Duration::ZERO));
    }

    #[test]
    fn time_never_goes_backwards() {
        let mut clock = Clock::new(at(1_000));
        clock.expect(Instant::NEVER);
        let _ = clock.observe(at(500), &config());
        assert_eq!((clock.now(), clock.judged()), (at(1_000), judged(1_000)));
        let _ = clock.observe(Instant::NEVER, &config());
        assert_eq!(clock.now(), Instant::NEVER);
    }

    #[test]
    fn a_stamp_is_reached_when_the_clock_says_so() {
        let mut clock = Clock::new(Instant::from_micros(1_700));
        clock.expect(Instant::NEVER);
        let due = clock.judged_stamp().plus(3);
        let real = clock.real_stamp(due);
        let _ = clock.observe(real, &config());
        assert!(!clock.judged_stamp().is_before(due));
        assert_eq!(clock.real_stamp(due), clock.now());
    }
}
