//! Seeds, and when to look them up and join through them again.

use crate::jitter::Jitter;
use gossip_core::{Endpoint, Instant};
use std::{fmt, mem, net::SocketAddr, str::FromStr, time::Duration};

/// Addresses given to the node at once, which is as many as it keeps; and addresses kept of one name. Where there are
/// more in all, the next as many follow, until all had their turn.
const MAX_ADDRESSES: usize = 16;
/// Seeds kept; more at the start are refused, and newer ones take the place of the oldest.
pub(crate) const MAX_SEEDS: usize = 64;
/// Names looked up at the same time, each on its own thread.
const MAX_LOOKUPS: usize = 16;
/// The first wait before the names are resolved again, doubled up to [`MAX_WAIT`]. The node itself asks the
/// addresses it has much more often.
const MIN_WAIT: Duration = Duration::from_secs(1);
/// The longest wait while the node knows no member: what a resolver's cache usually keeps.
const MAX_WAIT: Duration = Duration::from_secs(60);
/// The first wait where there are more addresses than the node takes at once: it asks two of them every half second.
const MIN_WAIT_OF_TURN: Duration = Duration::from_secs(5);
/// The wait while all is well. A rejoin costs a few packets and heals two clusters that share only seeds.
const JOINED_WAIT: Duration = Duration::from_secs(300);

/// Where to find a member: an address, or a DNS name with a port, looked up again on each retry.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub struct Seed(Place);

#[derive(Clone, PartialEq, Eq, Hash, Debug)]
enum Place {
    Address(SocketAddr),
    Name(String),
}

impl Seed {
    /// The address, unless it is a name.
    pub(crate) fn address(&self) -> Option<SocketAddr> {
        match self.0 {
            Place::Address(address) => Some(address),
            Place::Name(_) => None,
        }
    }
}

impl From<SocketAddr> for Seed {
    fn from(address: SocketAddr) -> Self {
        Self(Place::Address(address))
    }
}

impl FromStr for Seed {
    type Err = ParseSeedError;

    fn from_str(text: &str) -> Result<Self, ParseSeedError> {
        if let Ok(address) = text.parse::<SocketAddr>() {
            let is_unicast = Endpoint::from(address).is_unicast();
            return if is_unicast { Ok(address.into()) } else { Err(ParseSeedError::Nowhere) };
        }
        let (host, port) = text.rsplit_once(':').ok_or(ParseSeedError::Form)?;
        let port_is_real = port.parse::<u16>().is_ok_and(|port| port > 0);
        // A colon in the host is an IPv6 address that lacks its brackets or its port.
        let host_is_name = !host.is_empty() && !host.contains(|c: char| c == ':' || c.is_whitespace());
        if port_is_real && host_is_name {
            Ok(Self(Place::Name(text.to_owned())))
        } else {
            Err(ParseSeedError::Form)
        }
    }
}

impl fmt::Display for Seed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            Place::Address(address) => address.fmt(f),
            Place::Name(name) => f.write_str(name),
        }
    }
}

/// A text that is not a [`Seed`].
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub enum ParseSeedError {
    /// It is no host and port.
    Form,
    /// No single node can be there: an address with port 0, or an unspecified, multicast or broadcast one.
    Nowhere,
}

impl fmt::Display for ParseSeedError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Form => {
                "a seed is HOST:PORT, as in 10.0.0.1:7946, [2001:db8::1]:7946 or seeds.example.com:7946"
            }
            Self::Nowhere => "no node can be reached there: give the address and port that a node advertises",
        })
    }
}

impl std::error::Error for ParseSeedError {}

/// A seed's name that leads nowhere at present.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
#[non_exhaustive]
pub struct UnresolvedSeed {
    /// The name and the port, as they were given.
    pub seed: String,
    /// Why the last look-up failed; `None` while the first one has no answer.
    pub reason: Option<String>,
    /// Look-ups that failed since the last one that did not. The fourth begins 5 s after the first at the earliest.
    pub failures: u32,
}

/// One seed, and where it is.
struct Source {
    seed: Seed,
    addresses: Vec<SocketAddr>,
    lookup: Lookup,
    /// Why the last look-up failed, if it did.
    failure: Option<String>,
    /// Look-ups that failed in a row.
    failures: u32,
}

impl Source {
    fn new(seed: Seed) -> Self {
        let addresses = seed.address().into_iter().collect();
        Self { seed, addresses, lookup: Lookup::Idle, failure: None, failures: 0 }
    }
}

/// The look-up of a name.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Lookup {
    Idle,
    Wanted,
    Running,
}

/// The seeds and their schedule.
pub(crate) struct Seeds {
    sources: Vec<Source>,
    /// Where members of an earlier epoch were: asked beside the seeds until the node has joined.
    restored: Vec<SocketAddr>,
    next: Instant,
    wait: Duration,
    joined: bool,
    /// Look-ups under way, those for seeds that had to go included.
    running: usize,
    /// Addresses came or are due to be tried again.
    fresh: bool,
    /// Where in the list of all addresses the next ones to try begin.
    turn: usize,
    jitter: Jitter,
}

impl Seeds {
    pub(crate) fn new(jitter: Jitter) -> Self {
        Self {
            sources: Vec::new(),
            restored: Vec::new(),
            next: Instant::NEVER,
            wait: MIN_WAIT,
            joined: false,
            running: 0,
            fresh: false,
            turn: 0,
            jitter,
        }
    }

    /// Adds seeds and makes a join due; returns how many older ones had to go.
    pub(crate) fn add(&mut self, now: Instant, seeds: impl IntoIterator<Item = Seed>) -> usize {
        for seed in seeds {
            let known = self.sources.iter().position(|source| source.seed == seed);
            let source = known.map_or_else(|| Source::new(seed), |at| self.sources.remove(at));
            self.sources.push(source);
            (self.next, self.wait) = (now, MIN_WAIT);
        }
        let excess = self.sources.len().saturating_sub(MAX_SEEDS);
        self.sources.drain(..excess);
        excess
    }

    /// Adds members of an earlier epoch and makes a join due.
    pub(crate) fn restore(&mut self, now: Instant, addresses: impl Iterator<Item = SocketAddr>) {
        self.restored = addresses.take(MAX_ADDRESSES).collect();
        if !self.restored.is_empty() {
            (self.next, self.wait) = (now, MIN_WAIT);
        }
    }

    /// The node has joined: forgets where members of an earlier epoch were, and returns the seeds that are left, if it was
    /// told of others.
    pub(crate) fn forget_restored(&mut self) -> Option<Vec<SocketAddr>> {
        (!mem::take(&mut self.restored).is_empty()).then(|| self.addresses())
    }

    /// When [`Seeds::due`] has something to do.
    pub(crate) fn next(&self) -> Instant {
        if self.fresh { Instant::ZERO } else { self.next }
    }

    /// The addresses to join through now; empty if there is nothing to do. `joined`: the node has joined and
    /// knows others.
    pub(crate) fn due(&mut self, now: Instant, joined: bool) -> Vec<SocketAddr> {
        if self.joined && !joined && !self.sources.is_empty() {
            self.wait = MIN_WAIT;
            self.next = self.next.min(now + self.jitter.around(MIN_WAIT));
        }
        self.joined = joined;
        if now >= self.next {
            let count: usize = self.sources.iter().map(|source| source.addresses.len()).sum();
            let least = if count > MAX_ADDRESSES { MIN_WAIT_OF_TURN } else { MIN_WAIT };
            let wait = if joined { JOINED_WAIT } else { self.wait.max(least) };
            self.turn += MAX_ADDRESSES;
            self.next = now + self.jitter.around(wait);
            self.wait = (self.wait * 2).min(MAX_WAIT);
            self.fresh = true;
            for source in &mut self.sources {
                if matches!(source.seed.0, Place::Name(_)) && source.lookup == Lookup::Idle {
                    source.lookup = Lookup::Wanted;
                }
            }
        }
        if mem::take(&mut self.fresh) { self.addresses() } else { Vec::new() }
    }

    /// Those whose turn it is, of all addresses in this order: the first of every seed, then the second of every seed, and
    /// so on, so that no name that has many crowds out the rest. Then those of an earlier epoch.
    fn addresses(&self) -> Vec<SocketAddr> {
        let nth = |i: usize| self.sources.iter().filter_map(move |source| source.addresses.get(i).copied());
        let all: Vec<SocketAddr> =
            (0..MAX_ADDRESSES).flat_map(nth).chain(self.restored.iter().copied()).collect();
        let start =
            if all.len() > MAX_ADDRESSES { self.turn.saturating_sub(MAX_ADDRESSES) % all.len() } else { 0 };
        all.iter().cycle().skip(start).take(MAX_ADDRESSES.min(all.len())).copied().collect()
    }

    /// Whether a seed's addresses are not known (yet).
    pub(crate) fn has_unknown(&self) -> bool {
        self.sources.iter().any(|source| source.addresses.is_empty())
    }

    /// A name to look up now.
    pub(crate) fn next_lookup(&mut self) -> Option<String> {
        if self.running == MAX_LOOKUPS {
            return None;
        }
        let source = self.sources.iter_mut().find(|source| source.lookup == Lookup::Wanted)?;
        source.lookup = Lookup::Running;
        self.running += 1;
        Some(source.seed.to_string())
    }

    /// What a look-up found. After a failure the addresses known before are kept.
    pub(crate) fn looked_up(&mut self, name: &str, found: Result<Vec<SocketAddr>, String>) {
        self.running = self.running.saturating_sub(1);
        let named = |source: &&mut Source| matches!(&source.seed.0, Place::Name(other) if other == name);
        let Some(source) = self.sources.iter_mut().find(named) else { return };
        source.lookup = Lookup::Idle;
        match found {
            Ok(mut addresses) => {
                addresses.truncate(MAX_ADDRESSES);
                source.addresses = addresses;
                (source.failure, source.failures) = (None, 0);
                self.fresh = true;
            }
            Err(failure) => {
                source.failure = Some(failure);
                source.failures = source.failures.saturating_add(1);
            }
        }
    }

    /// The names whose last look-up failed, or whose first has no answer.
    pub(crate) fn unresolved(&self) -> Vec<UnresolvedSeed> {
        let is_unresolved = |source: &&Source| source.failure.is_some() || source.addresses.is_empty();
        let unresolved = |source: &Source| UnresolvedSeed {
            seed: source.seed.to_string(),
            reason: source.failure.clone(),
            failures: source.failures,
        };
        self.sources.iter().filter(is_unresolved).map(unresolved).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seeds() -> Seeds {
        Seeds::new(Jitter::new([3; 32]))
    }

    fn seed(text: &str) -> Seed {
        text.parse().unwrap()
    }

    fn address(last: u8) -> SocketAddr {
        ([10, 0, 0, last], 7946).into()
    }

    #[test]
    fn a_seed_is_an_address_or_a_name_with_a_port() {
        for text in ["10.0.0.1:7946", "[2001:db8::1]:7946", "seeds.example.com:7946", "localhost:1"] {
            assert_eq!(seed(text).to_string(), text);
        }
        for text in ["", "host", "host:", ":7946", "host:0", "host:65536", "2001:db8::1:7946", "a b:1"] {
            assert_eq!(text.parse::<Seed>(), Err(ParseSeedError::Form), "{text:?}");
        }
        for text in ["10.0.0.1:0", "0.0.0.0:7946", "[::]:7946", "224.0.0.1:7946", "255.255.255.255:7946"] {
            assert_eq!(text.parse::<Seed>(), Err(ParseSeedError::Nowhere), "{text:?}");
        }
    }

    #[test]
    fn addresses_are_joined_at_once_and_names_once_they_are_known() {
        let mut seeds = seeds();
        assert_eq!(seeds.next(), Instant::NEVER);
        assert_eq!(seeds.add(Instant::ZERO, [seed("10.0.0.1:7946"), seed("a:7946")]), 0);
        assert_eq!(seeds.due(Instant::ZERO, false), [address(1)]);
        assert_eq!(seeds.due(Instant::ZERO, false), []);
        assert_eq!(seeds.next_lookup().as_deref(), Some("a:7946"));
        assert_eq!(seeds.next_lookup(), None);
        assert!(seeds.has_unknown());
        seeds.looked_up("a:7946", Ok(vec![address(2), address(3)]));
        assert_eq!(seeds.next(), Instant::ZERO, "there is something to do now");
        assert!(!seeds.has_unknown());
        assert_eq!(seeds.due(Instant::ZERO, false), [address(1), address(2), address(3)]);
    }

    #[test]
    fn names_are_looked_up_again_at_growing_intervals_up_to_a_bound() {
        let mut seeds = seeds();
        seeds.add(Instant::ZERO, [seed("a:7946")]);
        let mut waits = Vec::new();
        for _ in 0..12 {
            let now = seeds.next();
            assert_eq!(seeds.due(now, false), []);
            let name = seeds.next_lookup().unwrap();
            seeds.looked_up(&name, Err("no such host".to_owned()));
            let expected = UnresolvedSeed {
                seed: "a:7946".to_owned(),
                reason: Some("no such host".to_owned()),
                failures: waits.len() as u32 + 1,
            };
            assert_eq!(seeds.unresolved(), [expected]);
            assert!(waits.len() != 3 || now >= Instant::from_millis(5_000), "the fourth begins at {now:?}");
            waits.push(seeds.next().since(now));
        }
        assert!(waits[0] >= MIN_WAIT * 3 / 4 && waits[0] < MIN_WAIT * 5 / 4, "{waits:?}");
        assert!(waits.windows(2).all(|pair| pair[1] >= pair[0] / 2), "{waits:?}");
        assert!(
            waits[11] >= MAX_WAIT * 3 / 4 && waits.iter().all(|&wait| wait < MAX_WAIT * 5 / 4),
            "{waits:?}"
        );
        assert_ne!(waits[10], waits[11], "jittered");
    }

    #[test]
    fn a_name_is_unresolved_until_its_first_lookup_has_an_answer() {
        let mut seeds = seeds();
        seeds.add(Instant::ZERO, [seed("a:7946"), seed("10.0.0.1:7946")]);
        seeds.due(Instant::ZERO, false);
        let name = seeds.next_lookup().unwrap();
        let waiting = UnresolvedSeed { seed: name.clone(), reason: None, failures: 0 };
        assert_eq!(seeds.unresolved(), [waiting]);
        seeds.looked_up(&name, Ok(vec![address(2)]));
        assert_eq!(seeds.unresolved(), []);
    }

    #[test]
    fn a_joined_node_asks_rarely_and_one_that_lost_all_members_soon() {
        let mut seeds = seeds();
        seeds.add(Instant::ZERO, [seed("10.0.0.1:7946")]);
        assert_eq!(seeds.due(Instant::ZERO, true), [address(1)]);
        assert!(seeds.next() >= Instant::ZERO + JOINED_WAIT * 3 / 4);
        assert_eq!(seeds.due(Instant::from_millis(1), false), []);
        assert!(seeds.next() <= Instant::from_millis(1) + MIN_WAIT * 5 / 4);
    }

    #[test]
    fn members_of_an_earlier_life_are_asked_beside_the_seeds_until_joined() {
        let mut seeds = seeds();
        assert_eq!(seeds.forget_restored(), None);
        seeds.add(Instant::ZERO, [seed("10.0.0.1:7946")]);
        seeds.restore(Instant::ZERO, (2..100).map(address));
        let asked = seeds.due(Instant::ZERO, false);
        assert_eq!((asked.len(), &asked[..3]), (MAX_ADDRESSES, &[address(1), address(2), address(3)][..]));
        assert_eq!(seeds.forget_restored(), Some(vec![address(1)]));
        assert_eq!(seeds.forget_restored(), None);
        let again = seeds.next();
        assert_eq!(seeds.due(again, false), [address(1)]);
    }

    #[test]
    fn a_failed_lookup_keeps_the_addresses_known_before() {
        let mut seeds = seeds();
        seeds.add(Instant::ZERO, [seed("a:7946")]);
        assert_eq!(seeds.due(Instant::ZERO, false), []);
        let name = seeds.next_lookup().unwrap();
        seeds.looked_up(&name, Ok(vec![address(1)]));
        assert_eq!(seeds.due(Instant::ZERO, false), [address(1)]);
        let again = seeds.next();
        assert_eq!(seeds.due(again, false), [address(1)]);
        let name = seeds.next_lookup().unwrap();
        seeds.looked_up(&name, Err("time-out".to_owned()));
        let again = seeds.next();
        assert_eq!(seeds.due(again, false), [address(1)]);
    }

    #[test]
    fn a_name_with_many_addresses_leaves_room_for_the_others() {
        let mut seeds = seeds();
        seeds.add(Instant::ZERO, [seed("many:7946"), seed("10.0.0.200:7946")]);
        seeds.due(Instant::ZERO, false);
        let name = seeds.next_lookup().unwrap();
        seeds.looked_up(&name, Ok((0..100).map(address).collect()));
        let addresses = seeds.due(Instant::ZERO, false);
        assert_eq!(addresses.len(), MAX_ADDRESSES);
        assert_eq!(addresses[..3], [address(0), address(200), address(1)]);
    }

    #[test]
    fn seeds_and_lookups_are_bounded() {
        let mut seeds = seeds();
        let names = (0..3 * MAX_SEEDS).map(|i| seed(&format!("host-{i}:7946")));
        assert_eq!(seeds.add(Instant::ZERO, names), 2 * MAX_SEEDS);
        assert_eq!(seeds.add(Instant::ZERO, [seed(&format!("host-{}:7946", 3 * MAX_SEEDS - 1))]), 0, "known");
        seeds.due(Instant::ZERO, false);
        let running: Vec<String> = std::iter::from_fn(|| seeds.next_lookup()).collect();
        assert_eq!(running.len(), MAX_LOOKUPS);
        seeds.looked_up(&running[0], Err("gone".to_owned()));
        assert!(seeds.next_lookup().is_some_and(|name| !running.contains(&name)));
        assert_eq!(seeds.next_lookup(), None, "as many as there may be are under way");
    }

    #[test]
    fn of_more_addresses_than_fit_each_has_its_turn() {
        let mut seeds = seeds();
        let all: Vec<SocketAddr> = (1..=40).map(address).collect();
        assert_eq!(seeds.add(Instant::ZERO, all.iter().map(|&address| Seed::from(address))), 0);
        let (mut now, mut tried) = (Instant::ZERO, Vec::new());
        for _ in 0..3 {
            let some = seeds.due(now, false);
            assert_eq!(some.len(), MAX_ADDRESSES);
            tried.extend(some);
            now = seeds.next();
        }
        assert!(now <= Instant::from_millis(20_000), "all were tried by {now:?}");
        tried.sort();
        tried.dedup();
        assert_eq!(tried, all);
    }
}
