//! What some hosts see of others in a stretch of time: whom they can use, what they are told, and what they send.

use super::{CLASSES, class_of, seconds, thousandths};
use crate::engine::{Host, HostId, Micros, Step};
use gossip_core::{Event, Reachability, Status, Traffic};
use serde::Serialize;
use serde_json::{Map, Value};
use std::collections::{BTreeMap, HashMap, HashSet};

/// The kinds of events, as figures name them. Whatever a later core adds is `other`.
pub const KINDS: [&str; 27] = [
    "up",
    "suspected",
    "cleared",
    "down",
    "left",
    "updated",
    "unreachable",
    "reachable",
    "zone_quarantined",
    "zone_released",
    "conflict",
    "reaped",
    "joined",
    "leave_done",
    "epoch_bumped",
    "duplicate_id",
    "reset",
    "local_pause",
    "foreign_cluster",
    "narrow_path",
    "id_in_use",
    "observed_address",
    "member_observed",
    "state",
    "unknown_key",
    "not_sealed",
    "other",
];

fn kind_of(event: Event) -> usize {
    match event {
        Event::Up(_) => 0,
        Event::Suspected(_) => 1,
        Event::Cleared(_) => 2,
        Event::Down(_) => 3,
        Event::Left(_) => 4,
        Event::Updated(_) => 5,
        Event::Unreachable(_) => 6,
        Event::Reachable(_) => 7,
        Event::ZoneQuarantined(_) => 8,
        Event::ZoneReleased { .. } => 9,
        Event::Conflict(_) => 10,
        Event::Reaped(_) => 11,
        Event::Joined => 12,
        Event::LeaveDone { .. } => 13,
        Event::EpochBumped { .. } => 14,
        Event::DuplicateId => 15,
        Event::Reset => 16,
        Event::LocalPause { .. } => 17,
        Event::ForeignCluster { .. } => 18,
        Event::NarrowPath { .. } => 19,
        Event::IdInUse { .. } => 20,
        Event::ObservedAddress { .. } => 21,
        Event::MemberObserved(_) => 22,
        Event::State(_) => 23,
        Event::UnknownKey { .. } => 24,
        Event::NotSealed { .. } => 25,
        _ => 26,
    }
}

/// The share of pairs that counts as all of them for `p99_s`.
const NEARLY_ALL: f64 = 0.99;
/// Pairs of an observer and a member whose events are counted one by one; with more, the most of any is not measured.
const MAX_PAIRS: usize = 1 << 22;
/// Time between two looks at the pairs: a twentieth of what has passed of the window, within these bounds.
const LOOKS: std::ops::RangeInclusive<Micros> = 50_000..=1_000_000;

/// Hosts of a side, those included that are still to come; by their places.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Side(Vec<bool>);

impl Side {
    /// These hosts.
    pub fn of(hosts: &[HostId]) -> Self {
        let mut places = vec![false; hosts.iter().max().map_or(0, |&most| most as usize + 1)];
        hosts.iter().for_each(|&host| places[host as usize] = true);
        Self(places)
    }

    fn has(&self, host: HostId) -> bool {
        self.0.get(host as usize).copied().unwrap_or_default()
    }
}

/// Who is watched, as a step of a scenario asks for it.
#[derive(Clone, Debug)]
pub struct Pairs {
    /// How its figures are called.
    pub name: String,
    /// Who sees whom; one direction, or both.
    pub views: Vec<(Side, Side)>,
    /// Which deaths are timed, counted from one.
    pub deaths: Vec<u32>,
}

impl Pairs {
    fn has(&self, observer: HostId, member: HostId) -> bool {
        self.views.iter().any(|(from, of)| from.has(observer) && of.has(member))
    }

    fn observes(&self, host: HostId) -> bool {
        self.views.iter().any(|(from, _)| from.has(host))
    }

    /// Of all pairs of living hosts, the shares that are live, reachable and routable to the one in the other's view.
    fn shares(&self, hosts: &[Host]) -> Option<[f64; 3]> {
        let (mut pairs, mut good) = (0u64, [0u64; 3]);
        let living: Vec<(HostId, &Host)> = (0..).zip(hosts).filter(|(_, host)| is_living(host)).collect();
        for (from, of) in &self.views {
            let seen: Vec<&Host> =
                living.iter().filter(|&&(id, _)| of.has(id)).map(|&(_, host)| host).collect();
            for (_, observer) in living.iter().filter(|&&(id, _)| from.has(id)) {
                for host in seen.iter().filter(|host| host.id != observer.id) {
                    pairs += 1;
                    let Some(member) = observer.node.member(host.id) else { continue };
                    let live = member.status().is_live();
                    let reachable = live && member.reachability() != Reachability::Unreachable;
                    for (count, is) in good.iter_mut().zip([live, reachable, member.is_routable()]) {
                        *count += u64::from(is);
                    }
                }
            }
        }
        (pairs > 0).then(|| good.map(|count| count as f64 / pairs as f64))
    }
}

/// Whether others should see it: it runs, and is not about to leave.
fn is_living(host: &Host) -> bool {
    host.is_running() && host.node.me().status() != Status::Left
}

/// A window of a watch that is open.
#[derive(Debug)]
struct Window {
    since: Micros,
    until: Micros,
    looked: Micros,
    /// When to look again; whoever comes earlier was called for a window that is over.
    next: Micros,
    /// Since when, without a break, nearly all pairs were well; by what is meant by well.
    well: [Option<Micros>; 3],
    /// Whether pairs were looked at before.
    started: bool,
}

/// What one watch has found in all its windows.
#[derive(Debug)]
struct Watched {
    asked: Pairs,
    open: Option<Window>,
    shares: [Shares; 3],
    counts: [u64; KINDS.len()],
    /// By kind, observer and member; none when there were too many.
    counted: Option<HashMap<(usize, HostId, HostId), u64>>,
    bytes: [u64; CLASSES.len()],
    /// Seconds that hosts ran in its windows, all together.
    host_seconds: f64,
    dead: HashSet<HostId>,
    /// Since the window began, in the order of their time.
    deaths: Vec<Micros>,
}

/// A share of pairs over time; of several windows, the worst.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize)]
#[allow(missing_docs)]
pub struct Shares {
    /// At the window's start and its end, and the least of all looks.
    pub start: Option<f64>,
    pub end: Option<f64>,
    pub min: Option<f64>,
    /// From the window's start until 99 % of the pairs are well, and stay so to its end.
    pub p99_s: Option<f64>,
    /// Whether a window ended before that.
    #[serde(skip)]
    never: bool,
}

impl Shares {
    fn note(&mut self, share: f64, first: bool) {
        let least = |value: &mut Option<f64>| *value = Some(value.map_or(share, |value| value.min(share)));
        if first {
            least(&mut self.start);
        }
        least(&mut self.min);
    }

    /// To a millionth, downwards: what is not all must not look like it.
    fn rounded(self) -> Self {
        let down = |share: Option<f64>| share.map(|share| (share * 1e6).floor() / 1e6);
        Self { start: down(self.start), end: down(self.end), min: down(self.min), ..self }
    }

    /// A window ends, after that much time until nearly all were well, for good.
    fn end(&mut self, share: f64, after: Option<f64>) {
        self.end = Some(self.end.map_or(share, |end| end.min(share)));
        self.never |= after.is_none();
        self.p99_s = match (self.p99_s, after) {
            _ if self.never => None,
            (Some(before), Some(after)) => Some(before.max(after)),
            (before, after) => before.or(after),
        };
    }
}

/// What came of a watch.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
#[allow(missing_docs)]
pub struct WatchFigures {
    /// Pairs of hosts that run, of which one holds the other for live ...
    pub live: Shares,
    /// ... and does not hold it for unreachable ...
    pub reachable: Shares,
    /// ... nor for unhealthy.
    pub routable: Shares,
    /// Events at those that watch, by kind: all, and the most at one of them about one member.
    pub events: Map<String, Value>,
    pub most: Map<String, Value>,
    /// Bytes of UDP payload that one of those that watch sent in a second, by class and in all.
    pub bytes_per_node_s: Map<String, Value>,
    /// Seconds from the window's start until someone held this many members dead.
    pub deaths_s: Map<String, Value>,
}

/// All watches of a run, by the steps that ask for them.
#[derive(Debug, Default)]
pub struct Watches(BTreeMap<usize, Watched>);

impl Watches {
    /// A window of a step's watch begins; look at it at once.
    pub(super) fn begin(&mut self, step: usize, asked: Pairs, now: Micros, until: Micros) {
        let watched = self.0.entry(step).or_insert_with(|| Watched::new(asked.clone()));
        watched.asked = asked;
        watched.open =
            Some(Window { since: now, until, looked: now, next: now, well: [None; 3], started: false });
    }

    /// Looks at a step's pairs; returns when to look again, while the window is open.
    pub(super) fn look(&mut self, step: usize, now: Micros, hosts: &[Host]) -> Option<Micros> {
        self.0.get_mut(&step)?.look(now, hosts)
    }

    fn open(&mut self) -> impl Iterator<Item = &mut Watched> {
        self.0.values_mut().filter(|watched| watched.open.is_some())
    }

    pub(super) fn stepped(&mut self, step: &Step<'_>) {
        for watched in self.open() {
            for &event in step.output.events() {
                watched.hear(step, event);
            }
        }
    }

    pub(super) fn sent(&mut self, host: HostId, class: Traffic, len: usize) {
        for watched in self.open().filter(|watched| watched.asked.observes(host)) {
            watched.bytes[class_of(class)] += len as u64;
        }
    }

    /// The figures, by the watches' names.
    pub fn figures(&self) -> impl Iterator<Item = (String, WatchFigures)> {
        self.0.values().map(|watched| (watched.asked.name.clone(), watched.figures()))
    }
}

impl WatchFigures {
    /// Those of a watch that has not begun: nothing was measured.
    #[must_use]
    pub fn none(deaths: &[u32]) -> Self {
        Watched::new(Pairs { name: String::new(), views: Vec::new(), deaths: deaths.to_vec() }).figures()
    }
}

impl Watched {
    fn new(asked: Pairs) -> Self {
        Self {
            asked,
            open: None,
            shares: [Shares::default(); 3],
            counts: [0; KINDS.len()],
            counted: Some(HashMap::new()),
            bytes: [0; CLASSES.len()],
            host_seconds: 0.0,
            dead: HashSet::new(),
            deaths: Vec::new(),
        }
    }

    fn look(&mut self, now: Micros, hosts: &[Host]) -> Option<Micros> {
        let window = self.open.as_mut().filter(|window| window.next <= now)?;
        let running = (0..).zip(hosts).filter(|&(id, host)| host.is_running() && self.asked.observes(id));
        self.host_seconds += seconds(now - window.looked) * running.count() as f64;
        window.looked = now;
        let ends = now >= window.until;
        let after = now - window.since;
        if let Some(shares) = self.asked.shares(hosts) {
            for (n, share) in shares.into_iter().enumerate() {
                self.shares[n].note(share, !window.started);
                window.well[n] = (share >= NEARLY_ALL).then(|| window.well[n].unwrap_or(after));
                if ends {
                    self.shares[n].end(share, window.well[n].map(seconds));
                }
            }
            window.started = true;
        }
        if ends {
            self.open = None;
            return None;
        }
        let pause = (after / 20).clamp(*LOOKS.start(), *LOOKS.end());
        window.next = (now + pause).min(window.until);
        Some(window.next)
    }

    fn hear(&mut self, step: &Step<'_>, event: Event) {
        let observer = step.host;
        let member = match event.member() {
            None if self.asked.observes(observer) => observer,
            None => return,
            Some(id) => match step.ids.get(&id) {
                Some(&member) if self.asked.has(observer, member) => member,
                _ => return,
            },
        };
        let kind = kind_of(event);
        self.counts[kind] += 1;
        if let Some(counted) = &mut self.counted {
            *counted.entry((kind, observer, member)).or_default() += 1;
        }
        if self.counted.as_ref().is_some_and(|counted| counted.len() > MAX_PAIRS) {
            self.counted = None;
        }
        if matches!(event, Event::Down(_)) && self.dead.insert(member) {
            let since = self.open.as_ref().map_or(step.now, |window| window.since);
            self.deaths.push(step.now - since);
        }
    }

    fn figures(&self) -> WatchFigures {
        let by_kind = |count: &dyn Fn(usize) -> Value| -> Map<String, Value> {
            KINDS.iter().enumerate().map(|(kind, name)| ((*name).into(), count(kind))).collect()
        };
        let mut most = [0; KINDS.len()];
        for (&(kind, ..), &count) in self.counted.iter().flatten() {
            most[kind] = count.max(most[kind]);
        }
        let rate = |bytes: u64| (self.host_seconds > 0.0).then(|| bytes as f64 / self.host_seconds);
        let classes = CLASSES.iter().copied().zip(self.bytes).chain([("all", self.bytes.iter().sum())]);
        let deaths = self.asked.deaths.iter().map(|&nth| {
            let at = (nth as usize).checked_sub(1).and_then(|place| self.deaths.get(place));
            (nth.to_string(), at.map(|&at| seconds(at)).into())
        });
        let [live, reachable, routable] = self.shares.map(Shares::rounded);
        WatchFigures {
            live,
            reachable,
            routable,
            events: by_kind(&|kind| self.counts[kind].into()),
            most: by_kind(&|kind| self.counted.is_some().then_some(most[kind]).into()),
            bytes_per_node_s: classes
                .map(|(class, bytes)| (class.into(), rate(bytes).map(thousandths).into()))
                .collect(),
            deaths_s: deaths.collect(),
        }
    }
}
