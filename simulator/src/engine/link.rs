//! What happens to packets on their way: links between zones, and rules that break them.

use super::{HostId, Micros, packets::Packet, rule::Rule, tamper::Tampering};
use crate::rng::Rng;
use gossip_core::Locality;

/// How much longer than its latency a packet takes on a link. Named by its distribution.
#[derive(Clone, Copy, PartialEq, Debug, Default)]
pub enum Jitter {
    /// Nothing.
    #[default]
    None,
    /// Anything from zero to this, evenly.
    Uniform(Micros),
    /// This on average, exponentially distributed: mostly little, sometimes much; ten times the mean at most.
    Exponential(Micros),
}

/// The longest exponential jitter, in means: e^-10 of all packets would take longer.
const MAX_MEANS: u64 = 10;

impl Jitter {
    fn draw(self, rng: &mut Rng) -> Micros {
        match self {
            Self::None => 0,
            Self::Uniform(most) => rng.below_u64(most + 1),
            Self::Exponential(mean) => (rng.exponential(mean as f64) as u64).min(MAX_MEANS * mean),
        }
    }
}

/// Losses that come in bursts (Gilbert 1960, Elliott 1963): a link is good or bad, and stays so for
/// exponentially distributed times.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct Burst {
    /// How long it is good, on average.
    pub good: Micros,
    /// How long it is bad, on average.
    pub bad: Micros,
    /// The share of packets lost while it is bad.
    pub loss: f64,
}

/// A pipe that takes this many bytes a second, with a queue before it.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct Pipe {
    /// Bytes a second.
    pub rate: u64,
    /// Bytes that wait at the most; more are lost.
    pub queue: u64,
}

impl Pipe {
    /// When the last byte has left; `None` when the queue is full. `free` is when the pipe is free again.
    pub(super) fn pass(self, now: Micros, len: usize, free: &mut Micros) -> Option<Micros> {
        let start = now.max(*free);
        let waiting = (start - now).saturating_mul(self.rate) / super::SECOND;
        if waiting > self.queue {
            return None;
        }
        *free = start + (len as u64).saturating_mul(super::SECOND) / self.rate.max(1);
        Some(*free)
    }
}

/// One direction between two zones (or within one).
#[derive(Clone, Copy, PartialEq, Debug, Default)]
pub struct Link {
    /// The shortest time that a packet takes.
    pub latency: Micros,
    /// What comes on top.
    pub jitter: Jitter,
    /// The share of packets lost, each for itself.
    pub loss: f64,
    /// Losses in bursts, on top.
    pub burst: Option<Burst>,
    /// The share of packets that arrive twice.
    pub duplicate: f64,
    /// The share of packets that are held up, so that later ones overtake them ...
    pub reorder: f64,
    /// ... by so much at the most.
    pub reorder_by: Micros,
    /// Its bandwidth, shared by all between the two zones; none: unlimited.
    pub pipe: Option<Pipe>,
    /// Larger datagrams are lost; none: no limit.
    pub mtu: Option<usize>,
}

/// A rule in force.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct RuleId(u64);

/// How hosts are spread over the world: evenly over regions, then zones, then racks.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Zones {
    /// Regions.
    pub regions: u8,
    /// Zones in each region.
    pub zones: u8,
    /// Racks in each zone.
    pub racks: u8,
}

impl Zones {
    /// Everyone in one place.
    pub const ONE: Self = Self { regions: 1, zones: 1, racks: 1 };

    /// Where host `n` runs.
    pub fn locality(self, n: HostId) -> Locality {
        let (regions, zones, racks) =
            (u32::from(self.regions.max(1)), u32::from(self.zones.max(1)), u32::from(self.racks.max(1)));
        Locality {
            region: (n % regions) as u8,
            zone: (n / regions % zones) as u8,
            rack: (n / regions / zones % racks) as u8,
        }
    }

    fn count(self) -> usize {
        usize::from(self.regions.max(1)) * usize::from(self.zones.max(1))
    }

    fn place(self, at: Locality) -> usize {
        usize::from(at.region) * usize::from(self.zones.max(1)) + usize::from(at.zone)
    }
}

/// The state of one direction between two zones.
#[derive(Clone, Copy, Default)]
struct Direction {
    bad: bool,
    /// Until when it stays good or bad.
    until: Micros,
    /// When its pipe is free again.
    free: Micros,
}

/// What became of a packet.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Fate {
    Lost,
    Arrives(Micros),
    ArrivesTwice(Micros, Micros),
}

struct Members(Vec<bool>);

impl Members {
    fn of(hosts: &[HostId]) -> Self {
        let len = hosts.iter().max().map_or(0, |&most| most as usize + 1);
        let mut set = vec![false; len];
        for &host in hosts {
            set[host as usize] = true;
        }
        Self(set)
    }

    fn has(&self, host: HostId) -> bool {
        self.0.get(host as usize).copied().unwrap_or_default()
    }
}

struct Active {
    id: RuleId,
    from: Members,
    to: Members,
    rule: Rule,
    tampering: Tampering,
}

/// All links and rules.
pub(super) struct Network {
    zones: Zones,
    /// By sender's zone, then receiver's.
    links: Vec<Link>,
    directions: Vec<Direction>,
    rules: Vec<Active>,
    rules_made: u64,
}

impl Network {
    pub(super) fn new(zones: Zones, link: impl Fn(Locality, Locality) -> Link) -> Self {
        let places: Vec<Locality> = (0..zones.count())
            .map(|place| Locality {
                region: (place / usize::from(zones.zones.max(1))) as u8,
                zone: (place % usize::from(zones.zones.max(1))) as u8,
                rack: 0,
            })
            .collect();
        let links: Vec<Link> = places
            .iter()
            .flat_map(|&from| places.iter().map(move |&to| (from, to)))
            .map(|(a, b)| link(a, b))
            .collect();
        let directions = vec![Direction::default(); links.len()];
        Self { zones, links, directions, rules: Vec::new(), rules_made: 0 }
    }

    pub(super) fn add_rule(&mut self, rule: &Rule) -> RuleId {
        let id = RuleId(self.rules_made);
        self.rules_made += 1;
        let (from, to) = (Members::of(&rule.from), Members::of(&rule.to));
        // The lists are in the sets; what is left of the rule are its numbers.
        let rule = Rule { from: Vec::new(), to: Vec::new(), ..*rule };
        self.rules.push(Active { id, from, to, rule, tampering: Tampering::default() });
        id
    }

    pub(super) fn remove_rule(&mut self, id: RuleId) {
        self.rules.retain(|rule| rule.id != id);
    }

    /// Whether any rule does more to packets than to lose or to delay them.
    pub(super) fn has_tampering(&self) -> bool {
        self.rules.iter().any(|active| active.rule.tampers())
    }

    /// What rules make of a packet between two hosts that is not lost, if anything; and what arrives again with it.
    pub(super) fn tamper(
        &mut self,
        rng: &mut Rng,
        (from, to): (HostId, HostId),
        packet: &Packet,
    ) -> (Option<Vec<u8>>, Vec<Packet>) {
        let (mut changed, mut again) = (None, Vec::new());
        let active = self.rules.iter_mut().filter(|active| active.from.has(from) && active.to.has(to));
        for Active { rule, tampering, .. } in active.filter(|active| active.rule.tampers()) {
            let bytes: &[u8] = changed.as_deref().unwrap_or(packet.bytes.as_slice());
            changed = tampering.change(rng, rule, bytes).or(changed);
            again.extend(tampering.replay(rng, rule));
            tampering.remember(rng, packet);
        }
        (changed, again)
    }

    pub(super) fn fate(
        &mut self,
        rng: &mut Rng,
        now: Micros,
        (from, from_at): (HostId, Locality),
        (to, to_at): (HostId, Locality),
        len: usize,
    ) -> Fate {
        let mut delay = 0;
        for Active { rule, .. } in
            self.rules.iter().filter(|active| active.from.has(from) && active.to.has(to))
        {
            if rng.chance(rule.loss) {
                return Fate::Lost;
            }
            let jitter = if rule.jitter > 0 { rng.below_u64(rule.jitter + 1) } else { 0 };
            delay += rule.delay + jitter;
        }
        let at = self.zones.place(from_at) * self.zones.count() + self.zones.place(to_at);
        let (Some(link), Some(direction)) = (self.links.get(at), self.directions.get_mut(at)) else {
            return Fate::Lost;
        };
        let too_long = link.mtu.is_some_and(|mtu| len > mtu);
        if too_long || rng.chance(link.loss) || direction.loses(link, rng, now) {
            return Fate::Lost;
        }
        let left = match link.pipe {
            None => now,
            Some(pipe) => match pipe.pass(now, len, &mut direction.free) {
                None => return Fate::Lost,
                Some(left) => left,
            },
        };
        let arrival = |rng: &mut Rng| {
            let held = if rng.chance(link.reorder) { rng.below_u64(link.reorder_by + 1) } else { 0 };
            // At least a microsecond, so that no answer comes at the time of its question.
            left + (link.latency + link.jitter.draw(rng) + held + delay).max(1)
        };
        let first = arrival(rng);
        if rng.chance(link.duplicate) {
            Fate::ArrivesTwice(first, arrival(rng))
        } else {
            Fate::Arrives(first)
        }
    }
}

impl Direction {
    /// Whether a burst takes this packet.
    fn loses(&mut self, link: &Link, rng: &mut Rng, now: Micros) -> bool {
        let Some(burst) = link.burst else { return false };
        while self.until <= now {
            let mean = if self.bad { burst.good } else { burst.bad };
            // It starts out bad with no time left, that is, good.
            let (bad, mean) = if self.until == 0 { (false, burst.good) } else { (!self.bad, mean) };
            self.bad = bad;
            self.until += (rng.exponential(mean as f64) as u64).max(1);
        }
        self.bad && rng.chance(burst.loss)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HERE: Locality = Locality { region: 0, zone: 0, rack: 0 };

    fn lost(link: Link, rule: Option<Rule>, packets: u64) -> f64 {
        let (mut network, mut rng) = (Network::new(Zones::ONE, |_, _| link), Rng::new(1));
        if let Some(rule) = rule {
            let _ = network.add_rule(&rule);
        }
        let fates = (0..packets).map(|n| network.fate(&mut rng, n * 1_000, (0, HERE), (1, HERE), 100));
        fates.filter(|&fate| fate == Fate::Lost).count() as f64 / packets as f64
    }

    #[test]
    fn a_link_loses_its_share() {
        let share = lost(Link { loss: 0.2, ..Link::default() }, None, 100_000);
        assert!((0.195..0.205).contains(&share), "{share}");
    }

    #[test]
    fn bursts_lose_their_share_of_the_time() {
        let burst = Burst { good: 90_000, bad: 10_000, loss: 0.5 };
        let share = lost(Link { burst: Some(burst), ..Link::default() }, None, 1_000_000);
        assert!((0.045..0.055).contains(&share), "{share}");
    }

    #[test]
    fn a_rule_cuts_one_direction_only() {
        let rule = |from, to| Some(Rule { from: vec![from], to: vec![to], loss: 1.0, ..Rule::default() });
        assert_eq!(lost(Link::default(), rule(0, 1), 100), 1.0);
        assert_eq!(lost(Link::default(), rule(1, 0), 100), 0.0);
    }

    #[test]
    fn a_removed_rule_is_over() {
        let (mut network, mut rng) = (Network::new(Zones::ONE, |_, _| Link::default()), Rng::new(1));
        let rule = network.add_rule(&Rule { from: vec![0], to: vec![1], delay: 500, ..Rule::default() });
        assert_eq!(network.fate(&mut rng, 0, (0, HERE), (1, HERE), 1), Fate::Arrives(500));
        network.remove_rule(rule);
        assert_eq!(network.fate(&mut rng, 0, (0, HERE), (1, HERE), 1), Fate::Arrives(1));
    }

    #[test]
    fn a_full_pipe_delays_and_then_loses() {
        let (pipe, mut free) = (Pipe { rate: 1_000, queue: 1_500 }, 0);
        let left: Vec<_> = (0..4).map(|_| pipe.pass(0, 1_000, &mut free)).collect();
        assert_eq!(left, [Some(1_000_000), Some(2_000_000), None, None]);
    }

    #[test]
    fn too_long_datagrams_are_lost() {
        assert_eq!(lost(Link { mtu: Some(99), ..Link::default() }, None, 10), 1.0);
        assert_eq!(lost(Link { mtu: Some(100), ..Link::default() }, None, 10), 0.0);
    }

    #[test]
    fn hosts_spread_evenly_over_all_racks() {
        let zones = Zones { regions: 2, zones: 3, racks: 2 };
        let mut all: Vec<_> = (0..12).map(|n| zones.locality(n)).collect();
        all.sort();
        all.dedup();
        assert_eq!(all.len(), 12);
    }
}
