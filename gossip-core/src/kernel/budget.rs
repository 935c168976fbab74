//! Token buckets, which bound every rate, and the budgets of [`Config`] that are made of them.

use crate::{
    tables::queue::Kind,
    vocabulary::{
        config::{Config, MIN_DATAGRAM},
        metrics::BudgetsUsed,
        time::Instant,
        traffic::Traffic,
    },
    wire::frame::HEADER,
};
use core::time::Duration;

/// Refills at a rate, up to a capacity. Tokens are bytes or requests; fractions are kept in millionths.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Bucket {
    millionths: u64,
    rate: u32,
    capacity: u32,
    filled: Instant,
    /// All that was ever taken.
    spent: u64,
}

impl Bucket {
    /// A full bucket that refills `rate` tokens a second and holds `capacity`.
    pub(crate) fn new(rate: u32, capacity: u32, now: Instant) -> Self {
        Self { millionths: u64::from(capacity) * 1_000_000, rate, capacity, filled: now, spent: 0 }
    }

    /// Another rate and capacity from now on.
    pub(crate) fn resize(&mut self, rate: u32, capacity: u32) {
        (self.rate, self.capacity) = (rate, capacity);
        self.millionths = self.millionths.min(u64::from(capacity) * 1_000_000);
    }

    fn refill(&mut self, now: Instant) {
        let elapsed = now.as_micros().saturating_sub(self.filled.as_micros());
        let gained = elapsed.saturating_mul(u64::from(self.rate));
        self.millionths = self.millionths.saturating_add(gained).min(u64::from(self.capacity) * 1_000_000);
        self.filled = self.filled.max(now);
    }

    /// Takes `tokens`, if there are as many.
    pub(crate) fn take(&mut self, now: Instant, tokens: u32) -> bool {
        self.take_of(now, tokens, tokens)
    }

    /// Takes `tokens`, if there are as many, and no fewer than `least`: the rest is for others.
    pub(crate) fn take_of(&mut self, now: Instant, tokens: u32, least: u32) -> bool {
        let has = self.has(now, tokens.max(least));
        if has {
            self.spend(now, tokens);
        }
        has
    }

    /// Whether there are `tokens`.
    pub(crate) fn has(&mut self, now: Instant, tokens: u32) -> bool {
        self.refill(now);
        self.millionths >= u64::from(tokens) * 1_000_000
    }

    /// How many tokens there are.
    pub(crate) fn holds(&mut self, now: Instant) -> u32 {
        self.refill(now);
        u32::try_from(self.millionths / 1_000_000).unwrap_or(u32::MAX)
    }

    /// Takes `tokens`, or all there are.
    pub(crate) fn spend(&mut self, now: Instant, tokens: u32) {
        self.refill(now);
        self.millionths = self.millionths.saturating_sub(u64::from(tokens) * 1_000_000);
        self.spent = self.spent.saturating_add(u64::from(tokens));
    }

    /// How many tokens were ever taken, or owed where there were too few.
    fn spent(&self) -> u64 {
        self.spent
    }

    /// How long until there are `tokens`.
    pub(crate) fn wait(&mut self, now: Instant, tokens: u32) -> Duration {
        self.refill(now);
        let missing = (u64::from(tokens) * 1_000_000).saturating_sub(self.millionths);
        Duration::from_micros(missing.div_ceil(u64::from(self.rate.max(1))))
    }
}

/// What of the total budget rumors leave to joins, and those to corrections, in datagrams: gossip rounds lose
/// nothing by waiting.
const RESERVED: u32 = 1;
/// What a budget lets out at once, in datagrams: three, so that a sender that waits for one beside the reserve gets
/// it some time; for rumors with what those of the living have beside that. For all together and for sync it is an
/// answer of repair, and the lists that follow it.
const BURST: u32 = 3;
const BURST_OF_REPAIR: u32 = 14;

/// State is sent to a round's peers at once, and what they ask for follows.
const BURST_OF_STATE: u32 = 8;
/// The part of the budget for state that answers get, and how many full ones at once: a flood of questions must leave
/// state the rest.
const ANSWERS_PART: u32 = 2;
const BURST_OF_ANSWERS: u32 = BURST_OF_STATE / ANSWERS_PART;

/// What of the budget for rumors, in datagrams, those of the silent leave to those of the living: many small ones.
const RESERVED_FOR_LIVING: u32 = 1;
/// The most bytes of a packet that takes from what is so reserved; and the part of the budget for rumors that such
/// packets get: a flood of news of the living must not keep the silent from being told of for ever.
pub(super) const LIGHT: u16 = MIN_DATAGRAM;
const LIGHT_PART: u32 = 4;

/// Which rumors a packet takes along.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Load {
    Nothing,
    /// Those of the living, as far as [`LIGHT`] bytes take them.
    Living,
    /// Of each kind in turn.
    All,
}

impl Load {
    pub(super) fn kinds(self) -> &'static [Kind] {
        match self {
            Self::Nothing => &[],
            Self::Living => &[Kind::Living],
            Self::All => &Kind::ALL,
        }
    }
}

/// The budgets of `Config`, as buckets. Probes have none of their own, but count in the total.
#[derive(Clone)]
pub(crate) struct Buckets {
    pub(super) total: Bucket,
    pub(super) rumor: Bucket,
    sync: Bucket,
    suspicion: Bucket,
    pub(super) state: Bucket,
    pulses: Bucket,
    /// For answers to questions, within that for state.
    pub(super) answers: Bucket,
    /// For rumors of the living alone, within that for rumors.
    pub(super) light: Bucket,
    /// In bytes.
    reserve: u32,
}

impl Buckets {
    pub(crate) fn new(config: &Config, now: Instant) -> Self {
        let bucket = |(rate, burst): (u32, u32)| Bucket::new(rate, burst, now);
        let [total, rumor, sync, suspicion, light, state, answers, pulses] = Self::sizes(config).map(bucket);
        let reserve = Self::reserve(config);
        Self { total, rumor, sync, suspicion, state, pulses, answers, light, reserve }
    }

    /// Rate and burst of all together, rumors, sync, suspicion, rumors of the living alone, state, answers, and pulses.
    fn sizes(config: &Config) -> [(u32, u32); 8] {
        let (budgets, datagram) = (config.budgets, u32::from(config.max_datagram));
        let small = |rate: u32| (rate, datagram * BURST);
        let large = |rate: u32| (rate, datagram * BURST_OF_REPAIR);
        let rumor = (budgets.rumor, datagram * (BURST + RESERVED_FOR_LIVING));
        let light = (budgets.rumor / LIGHT_PART, datagram);
        let state = (budgets.state, datagram * BURST_OF_STATE);
        let answers = (budgets.state / ANSWERS_PART, datagram * BURST_OF_ANSWERS);
        let (total, sync) = (large(budgets.total), large(budgets.sync));
        let (suspicion, pulses) = (small(budgets.suspicion), small(budgets.pulses));
        [total, rumor, sync, suspicion, light, state, answers, pulses]
    }

    fn reserve(config: &Config) -> u32 {
        u32::from(config.max_datagram) * RESERVED
    }

    pub(crate) fn resize(&mut self, config: &Config) {
        let Self { total, rumor, sync, suspicion, light, state, answers, pulses, .. } = self;
        let buckets = [total, rumor, sync, suspicion, light, state, answers, pulses];
        for (bucket, (rate, burst)) in buckets.into_iter().zip(Self::sizes(config)) {
            bucket.resize(rate, burst);
        }
    }

    fn of(&mut self, class: Traffic) -> Option<&mut Bucket> {
        match class {
            Traffic::Probe => None,
            Traffic::Suspicion => Some(&mut self.suspicion),
            Traffic::Rumor => Some(&mut self.rumor),
            Traffic::Sync => Some(&mut self.sync),
            Traffic::State => Some(&mut self.state),
            Traffic::Pulse => Some(&mut self.pulses),
        }
    }

    /// What must be in the total for a packet of this class.
    fn in_total(&self, class: Traffic, bytes: u32) -> u32 {
        let reserves = match class {
            Traffic::Probe | Traffic::Suspicion => 0,
            Traffic::Sync => 1,
            Traffic::Rumor | Traffic::State => 2,
            Traffic::Pulse => 3,
        };
        bytes.saturating_add(reserves * self.reserve)
    }

    /// Whether a class may send this many bytes now.
    pub(crate) fn admit(&mut self, class: Traffic, now: Instant, bytes: u32) -> bool {
        self.admit_beside(class, now, bytes, 0)
    }

    /// The same where `more` datagrams are to be left in the total.
    pub(crate) fn admit_beside(&mut self, class: Traffic, now: Instant, bytes: u32, more: u32) -> bool {
        let in_total = self.in_total(class, bytes).saturating_add(more * self.reserve);
        let total = self.total.has(now, in_total);
        self.of(class).is_none_or(|bucket| bucket.has(now, bytes) && total)
    }

    /// The same, as far as the total is concerned.
    pub(super) fn admit_in_total(&mut self, class: Traffic, now: Instant, bytes: u32) -> bool {
        let in_total = self.in_total(class, bytes);
        class == Traffic::Probe || self.total.has(now, in_total)
    }

    /// How many bytes each budget has paid for.
    pub(crate) fn used(&self) -> BudgetsUsed {
        BudgetsUsed {
            total: self.total.spent(),
            rumor: self.rumor.spent(),
            sync: self.sync.spent(),
            suspicion: self.suspicion.spent(),
            state: self.state.spent(),
            pulses: self.pulses.spent(),
        }
    }

    /// Whether the budget of a class has this many bytes left.
    pub(crate) fn has_left(&mut self, class: Traffic, now: Instant, bytes: u32) -> bool {
        self.of(class).is_none_or(|bucket| bucket.has(now, bytes))
    }

    /// Which rumors a packet may take along now.
    pub(crate) fn load(&mut self, config: &Config, now: Instant) -> Load {
        let (all, light) = Self::loads(config);
        if self.admit(Traffic::Rumor, now, all) {
            Load::All
        } else if self.light.has(now, light) && self.admit(Traffic::Rumor, now, light) {
            Load::Living
        } else {
            Load::Nothing
        }
    }

    /// How long until it may take some, if nothing else is sent: those of the `living` alone are enough, if there are
    /// any.
    pub(crate) fn wait_for_load(&mut self, config: &Config, now: Instant, living: bool) -> Duration {
        let (all, light) = Self::loads(config);
        let wait = self.wait(Traffic::Rumor, now, all);
        if living {
            wait.min(self.wait(Traffic::Rumor, now, light).max(self.light.wait(now, light)))
        } else {
            wait
        }
    }

    /// What must be in the budget for rumors for a packet with all kinds, and for a light one.
    fn loads(config: &Config) -> (u32, u32) {
        let max = u32::from(config.max_datagram);
        (max * (1 + RESERVED_FOR_LIVING), max.min(u32::from(LIGHT)))
    }

    /// How long until a class may send this many bytes, if nothing else is sent.
    pub(crate) fn wait(&mut self, class: Traffic, now: Instant, bytes: u32) -> Duration {
        self.wait_beside(class, now, bytes, 0)
    }

    /// The same where `more` datagrams are to be left in the total.
    pub(crate) fn wait_beside(&mut self, class: Traffic, now: Instant, bytes: u32, more: u32) -> Duration {
        let in_total = self.in_total(class, bytes).saturating_add(more * self.reserve);
        let total = self.total.wait(now, in_total);
        self.of(class).map_or(Duration::ZERO, |bucket| bucket.wait(now, bytes).max(total))
    }

    /// Whether a packet of state alone may go out now.
    pub(crate) fn may_tell_state(&mut self, config: &Config, now: Instant) -> bool {
        self.admit(Traffic::State, now, u32::from(config.max_datagram.min(LIGHT)))
    }

    /// How long until one may, if nothing else is sent.
    pub(crate) fn wait_for_state(&mut self, config: &Config, now: Instant) -> Duration {
        self.wait(Traffic::State, now, u32::from(config.max_datagram.min(LIGHT)))
    }

    /// Whether a packet of a class may take state along now. One with rumors goes out as full as there is something to tell
    /// anyway; others are made longer by it.
    pub(super) fn may_add_state(&mut self, class: Traffic, config: &Config, now: Instant) -> bool {
        match class {
            Traffic::Rumor => self.state.has(now, u32::from(config.max_datagram.min(LIGHT))),
            _ => self.may_tell_state(config, now),
        }
    }

    /// Whether an answer of this many bytes may go out now, as far as answers are concerned; takes it from what they have.
    pub(crate) fn take_answer(&mut self, now: Instant, bytes: u32) -> bool {
        self.answers.take(now, bytes)
    }

    /// Charges a class for work that is no packet.
    pub(crate) fn charge(&mut self, class: Traffic, now: Instant, bytes: u32) {
        if let Some(bucket) = self.of(class) {
            bucket.spend(now, bytes);
        }
    }

    /// Charges a packet to its class, except for the bytes of state in it, which are charged to the budget for state. That
    /// pays for no headers: a change costs the same whether it rides or travels alone.
    pub(super) fn spend(&mut self, class: Traffic, now: Instant, bytes: u32, of_state: u32) {
        self.total.spend(now, bytes);
        if class == Traffic::State {
            self.state.spend(now, bytes.saturating_sub(HEADER as u32));
        } else {
            self.charge(class, now, bytes - of_state.min(bytes));
            self.state.spend(now, of_state);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bucket_gives_its_burst_and_then_its_rate() {
        let mut bucket = Bucket::new(10, 5, Instant::ZERO);
        let taken = (0..10).filter(|_| bucket.take(Instant::ZERO, 1)).count();
        assert_eq!(taken, 5);
        assert_eq!(bucket.wait(Instant::ZERO, 1), Duration::from_millis(100));
        assert!(!bucket.take(Instant::from_millis(99), 1));
        assert!(bucket.take(Instant::from_millis(100), 1));
        // However long it rests, it holds no more than its burst.
        let later = Instant::NEVER;
        assert_eq!((0..10).filter(|_| bucket.take(later, 1)).count(), 5);
    }

    #[test]
    fn what_is_spent_counts_whenever_the_bucket_was_last_looked_at() {
        let mut bucket = Bucket::new(1, 8, Instant::ZERO);
        assert!(bucket.take(Instant::ZERO, 8));
        let later = Instant::from_millis(5_000);
        bucket.spend(later, 5);
        assert_eq!(bucket.spent(), 13);
        assert!(!bucket.has(later, 1));
        assert_eq!(bucket.wait(later, 1), Duration::from_secs(1));
    }

    #[test]
    fn below_the_least_the_rest_is_left_to_others() {
        let mut bucket = Bucket::new(10, 8, Instant::ZERO);
        assert_eq!((0..10).filter(|_| bucket.take_of(Instant::ZERO, 2, 5)).count(), 2);
        assert_eq!((0..10).filter(|_| bucket.take(Instant::ZERO, 1)).count(), 4);
    }
}
