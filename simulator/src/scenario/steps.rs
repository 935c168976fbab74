//! What is done in a scenario, when, and to whom.

use super::{
    modes::{Mode, Rotate, SybilWord},
    time::{MAX_DURATION_S, micros},
};
use crate::{
    engine::{HostId, Keys, Micros, NEVER, Rule, Zones},
    measure::NUMBER_BYTES,
};
use gossip_core::Locality;
use serde::Deserialize;

/// How often one event may happen.
const MAX_REPEATS: u64 = 100_000;
/// How much longer packets may take, in ms: an hour, as on links.
const MAX_DELAY_MS: f64 = 3_600_000.0;
/// By how much a clock may be wrong: by half.
pub(super) const MAX_DRIFT_PPM: u32 = 500_000;
/// What a step may cost: a minute.
pub(super) const MAX_STEP_US: u64 = 60_000_000;

/// Something that is done: once, or again and again.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Event {
    /// When, in seconds.
    pub at_s: f64,
    /// Again after this many seconds ...
    pub every_s: Option<f64>,
    /// ... until then; to the end of the run if not given.
    pub until_s: Option<f64>,
    /// What.
    #[serde(rename = "do")]
    pub action: Action,
    /// `watch`, `publish`: how its figures are called.
    pub name: Option<String>,
    /// `publish`, `withdraw`, `value`, `delete-value`: of which key.
    pub key: Option<String>,
    /// `publish`, `event`, `value`, `pulse`: of how many bytes it is; 50, and 8 of a pulse, if not given.
    pub bytes: Option<u16>,
    /// `watch`: which deaths are timed, counted from one.
    #[serde(default)]
    pub deaths: Vec<u32>,
    /// To whom; to everyone who runs if not given.
    #[serde(default)]
    pub who: Selector,
    /// `cut`: from whom; `watch`: of whom; everyone else if not given, or each other where `who` is everyone. `forge-death` and its
    /// like: in whose names, with their signing keys; in anybody's, and without, if not given.
    pub from: Option<Selector>,
    /// How long it lasts, in seconds; to the end if not given. `restart`: how long the host stays down.
    pub for_s: Option<f64>,
    /// `cut`, `watch`: which direction.
    #[serde(default)]
    pub direction: Direction,
    /// `cut`: the share of packets lost; all, if not given.
    pub loss: Option<f64>,
    /// `cut`: how much longer packets take. Given without `loss`, as all that follows, nothing is lost.
    pub delay_ms: Option<f64>,
    /// `cut`: at most this much is added to the delay, uniformly at random.
    pub jitter_ms: Option<f64>,
    /// `cut`: the share of packets some bytes of which are changed.
    pub corrupt: Option<f64>,
    /// `cut`: the share of packets that end like an earlier one.
    pub splice: Option<f64>,
    /// `cut`: the share of packets after which an earlier one arrives again.
    pub replay: Option<f64>,
    /// `slow`: what each step costs, in µs.
    pub step_us: Option<u64>,
    /// `drift`: by how much clocks are too fast, in parts per million.
    pub ppm: Option<i32>,
    /// `join`, `restart`: at the addresses that these have, each at one of another's; running or not, they hear nothing
    /// there any more. Those that restart together swap if they are these.
    pub address_of: Option<Selector>,
    /// `join`: under the names that these have.
    pub name_of: Option<Selector>,
    /// `join`: in this region ...
    pub region: Option<u8>,
    /// ... this zone of it ...
    pub zone: Option<u8>,
    /// ... and this rack of that.
    pub rack: Option<u8>,
    /// `join`, `rejoin`, `restart`: through whom; through the seeds, if not given.
    pub through: Option<Selector>,
    /// The same: at the addresses that those had when they first started.
    #[serde(default)]
    pub stale: bool,
    /// `join`: how many hosts; one, if not given. `forge-death`, `forge-leave`: how many are told; all, if not given.
    /// `forge-join`: how many non-members; one, if not given.
    pub count: Option<u32>,
    /// `restart`: at an address that no one had before.
    #[serde(default)]
    pub new_address: bool,
    /// `restart`: with its persisted epoch; true, if not given.
    pub keeps_epoch: Option<bool>,
    /// `restart`: with a clock that is this many seconds behind (and without its epoch).
    pub clock_behind_s: Option<u32>,
    /// `keys`: these, by their numbers; the first seals.
    pub keys: Option<Vec<u8>>,
    /// `keys`: how far the host goes from clear to sealed. `sign`: whether it hears what is not signed.
    pub mode: Option<Mode>,
    /// `keys`: a step of a rotation, from the keys that the host has.
    pub rotate: Option<Rotate>,
    /// `keys`, `sign`: within so many seconds, one host after the other; at once, if not given.
    pub stagger_s: Option<f64>,
    /// `forge-death`, `forge-leave`, `forge-claims`, `forge-words`: the attacker has the key of who is told.
    #[serde(default)]
    pub insider: bool,
    /// `replay`: what was sent to others.
    #[serde(default)]
    pub misdirected: bool,
    /// `replay`: from addresses where nobody is, instead of from where it came.
    #[serde(default)]
    pub spoofed: bool,
    /// `keys`, `sign`: also where live members would be cut off.
    #[serde(default)]
    pub force: bool,
    /// `join`: the new hosts are an attacker's, which has the cluster's keys and no certificates.
    pub sybil: Option<SybilWord>,
}

/// The most bytes of a pulse.
const MOST_OF_PULSE: u16 = 60;

/// What can be done.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Action {
    /// A host changes its health; how the news spreads is measured.
    Update,
    /// A host publishes a new value of a key; how it spreads is measured.
    Publish,
    /// A host withdraws a key; the same.
    Withdraw,
    /// A host sends an event to all; how it is delivered is measured.
    Event,
    /// A host says how it is, in a pulse; how fresh that is elsewhere is measured.
    Pulse,
    /// A host sets a cluster-wide key to a new value; how it spreads is measured.
    Value,
    /// A host deletes a cluster-wide key; the same.
    DeleteValue,
    /// A host's process stops without a word.
    Crash,
    /// A host crashes and starts again under its name.
    Restart,
    /// A host stops as a whole; its input queues up.
    Pause,
    /// The same, announced just before.
    AnnouncedPause,
    /// A host is cut from its socket, while its timers run.
    BlockIo,
    /// A host's steps cost time.
    Slow,
    /// A host's clock goes wrong.
    Drift,
    /// New hosts join.
    Join,
    /// A host that runs joins again, or at last.
    Rejoin,
    /// A host leaves.
    Leave,
    /// Packets between some hosts and others are lost or delayed.
    Cut,
    /// Others are told, as if by members, that a host is dead.
    ForgeDeath,
    /// Others are told, as if by members, that a host has left.
    ForgeLeave,
    /// Others are told, as if by members, that a host has moved, has restarted and is ill.
    ForgeClaims,
    /// Others are told, as if by members, what a host never said: an entry of its state, an event, and who accuses it.
    ForgeWords,
    /// A host gets datagrams of who has no key.
    Flood,
    /// A host gets recorded datagrams once more.
    Replay,
    /// An insider uses up the counters of some members at a host.
    Poison,
    /// A host's node is remembered as it is.
    Snapshot,
    /// A host goes on from its snapshot.
    Restore,
    /// A copy of a host runs on beside it.
    Clone,
    /// Non-members that do not exist ask a host to let them join.
    ForgeJoin,
    /// A host, running or not, gets other keys, or goes on from clear to sealed.
    Keys,
    /// A host, running or not, signs what it says, and hears of others what they signed.
    Sign,
    /// The whole cluster is looked at, in a window in which nothing should happen.
    Audit,
    /// What some see of others is looked at, in a window.
    Watch,
}

/// Which packets a cut takes, and whose views are watched.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Direction {
    /// Both.
    #[default]
    Both,
    /// What `who` sends; what they see.
    Outbound,
    /// What `who` receives; what is seen of them.
    Inbound,
}

/// Picks hosts: those that fit all that is given, and of these `count` or a `share` at random.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Selector {
    /// These.
    pub nodes: Option<Vec<HostId>>,
    /// Not these.
    pub except: Vec<HostId>,
    /// In this region.
    pub region: Option<u8>,
    /// In this zone of each region.
    pub zone: Option<u8>,
    /// In this rack of each zone.
    pub rack: Option<u8>,
    /// Only (or, with false, never) seeds.
    pub seeds: Option<bool>,
    /// This many.
    pub count: Option<usize>,
    /// Such a share, rounded up.
    pub share: Option<f64>,
    /// All except this many.
    pub but: Option<usize>,
}

/// What a scenario has for its steps to name.
#[derive(Clone, Copy, Debug)]
pub(super) struct Extent {
    pub(super) hosts: u32,
    pub(super) zones: Zones,
}

impl Selector {
    /// Whether a host fits, before any are picked at random.
    pub fn fits(&self, host: HostId, at: Locality, seeds: u32) -> bool {
        let given = |wanted: Option<u8>, has: u8| wanted.is_none_or(|wanted| wanted == has);
        self.nodes.as_ref().is_none_or(|nodes| nodes.contains(&host))
            && !self.except.contains(&host)
            && given(self.region, at.region)
            && given(self.zone, at.zone)
            && given(self.rack, at.rack)
            && self.seeds.is_none_or(|wanted| wanted == (host < seeds))
    }

    /// Whether some of those that fit are left out, at random.
    pub fn is_random(&self) -> bool {
        self.count.is_some() || self.share.is_some() || self.but.is_some()
    }

    /// How many of this many are picked.
    pub fn picks(&self, of: usize) -> usize {
        let share = self.share.map_or(of, |share| (share * of as f64).ceil() as usize);
        let but = self.but.map_or(of, |but| of.saturating_sub(but));
        share.min(but).min(self.count.unwrap_or(of)).min(of)
    }

    pub(super) fn check(&self, extent: Extent) -> Result<(), String> {
        if let Some(share) = self.share.filter(|share| !(0.0..=1.0).contains(share)) {
            return Err(format!("share is {share}: 0 to 1"));
        }
        let mut named = self.nodes.iter().flatten().chain(&self.except);
        if let Some(node) = named.find(|&&node| node >= extent.hosts) {
            return Err(format!(
                "there is no node {node}: with all that join there are {}, counted from 0",
                extent.hosts
            ));
        }
        check_place([self.region, self.zone, self.rack], extent.zones)
    }
}

/// Whether a topology has that region, that zone and that rack, as far as they are given.
fn check_place(place: [Option<u8>; 3], zones: Zones) -> Result<(), String> {
    let levels = [("region", zones.regions), ("zone", zones.zones), ("rack", zones.racks)];
    for (given, (name, count)) in place.into_iter().zip(levels) {
        if let Some(given) = given.filter(|&given| given >= count) {
            return Err(format!("there is no {name} {given}: topology.{name}s is {count}, counted from 0"));
        }
    }
    Ok(())
}

impl Event {
    pub(super) fn check(&self, extent: Extent) -> Result<(), String> {
        let times = [Some(self.at_s), self.every_s, self.until_s, self.for_s, self.stagger_s];
        if times.into_iter().flatten().any(|time| !(0.0..=MAX_DURATION_S).contains(&time)) {
            return Err(format!("times are 0 to {MAX_DURATION_S} s"));
        }
        if self.every_s.is_some_and(|every| every < 1e-3) {
            return Err("every_s is 0.001 at least".into());
        }
        if self.until_s.is_some() && self.every_s.is_none() {
            return Err("until_s goes with every_s: how long one time lasts is for_s".into());
        }
        let others = [("from", &self.from), ("through", &self.through), ("name_of", &self.name_of)];
        let others = others.into_iter().chain([("address_of", &self.address_of)]);
        let given = others.filter_map(|(name, who)| Some((name, who.as_ref()?)));
        for (name, who) in given.chain([("who", &self.who)]) {
            who.check(extent).map_err(|why| format!("{name}: {why}"))?;
        }
        check_place([self.region, self.zone, self.rack], extent.zones)?;
        self.check_words()?;
        let shares = [("loss", self.loss), ("corrupt", self.corrupt), ("splice", self.splice)];
        for (name, share) in shares.into_iter().chain([("replay", self.replay)]) {
            if let Some(share) = share.filter(|share| !(0.0..=1.0).contains(share)) {
                return Err(format!("{name} is {share}: a share is 0 to 1"));
            }
        }
        for (name, ms) in [("delay_ms", self.delay_ms), ("jitter_ms", self.jitter_ms)] {
            if let Some(ms) = ms.filter(|ms| !(0.0..=MAX_DELAY_MS).contains(ms)) {
                return Err(format!("{name} is {ms}: 0 to {MAX_DELAY_MS}"));
            }
        }
        if let Some(ppm) = self.ppm.filter(|ppm| ppm.unsigned_abs() > MAX_DRIFT_PPM) {
            return Err(format!("ppm is {ppm}: up to {MAX_DRIFT_PPM}, either way"));
        }
        if let Some(us) = self.step_us.filter(|&us| us > MAX_STEP_US) {
            return Err(format!("step_us is {us}: up to {MAX_STEP_US}"));
        }
        let least = NUMBER_BYTES as u16;
        if let Some(bytes) = self.bytes.filter(|&bytes| self.action == Action::Event && bytes < least) {
            return Err(format!("bytes is {bytes}: an event has {least} at least, for its number"));
        }
        if let Some(bytes) = self.bytes.filter(|&bytes| self.action == Action::Pulse && bytes > MOST_OF_PULSE)
        {
            return Err(format!("bytes is {bytes}: a pulse has {MOST_OF_PULSE} at the most"));
        }
        if self.new_address && self.address_of.is_some() {
            return Err("new_address or address_of: a host has one address".into());
        }
        self.check_keys()?;
        self.check_watch()
    }

    fn check_keys(&self) -> Result<(), String> {
        let changes = self.keys.is_some() || self.mode.is_some() || self.rotate.is_some();
        if self.action == Action::Keys && !changes {
            return Err("Keys needs 'keys', 'mode' or 'rotate'".into());
        }
        if self.action == Action::Sign && !matches!(self.mode, Some(Mode::Accept | Mode::Require)) {
            return Err("Sign needs a mode: \"accept\" or \"require\"".into());
        }
        let one = self.who.nodes.as_ref().is_some_and(|nodes| nodes.len() == 1);
        if self.action == Action::Clone && !one {
            return Err("Clone needs one host, as who = { nodes = [7] }".into());
        }
        if self.keys.is_some() && self.rotate.is_some() {
            return Err("keys or rotate: a host has the keys that are given, or goes on from its own".into());
        }
        if self.keys.as_ref().is_some_and(Vec::is_empty) {
            return Err("keys is empty: a host that has keys keeps one at least".into());
        }
        // Any mode goes with some keys.
        self.keys.as_ref().map_or(Ok(()), |keys| Keys::new(keys, Mode::Off.into()).map(|_| ()))
    }

    /// Whether it is given what its action takes, and nothing else.
    fn check_words(&self) -> Result<(), String> {
        for (what, given, actions) in self.taken() {
            if given && !actions.contains(&self.action) {
                return Err(format!("'{what}' means nothing to {:?}; it goes with {actions:?}", self.action));
            }
        }
        for (what, given, actions) in self.needed() {
            if !given && actions.contains(&self.action) {
                return Err(format!("{:?} needs '{what}'", self.action));
            }
        }
        Ok(())
    }

    /// What it may be given, whether it is, and to which actions that means something.
    fn taken(&self) -> [(&'static str, bool, &'static [Action]); 35] {
        use Action::{
            AnnouncedPause, Audit, BlockIo, Cut, DeleteValue, Drift, Event, Flood, ForgeClaims, ForgeDeath,
            ForgeJoin, ForgeLeave, ForgeWords, Join, Keys, Pause, Poison, Publish, Pulse, Rejoin, Replay,
            Restart, Sign, Slow, Value, Watch, Withdraw,
        };
        [
            ("name", self.name.is_some(), &[Watch, Publish]),
            ("key", self.key.is_some(), &[Publish, Withdraw, Value, DeleteValue]),
            ("bytes", self.bytes.is_some(), &[Publish, Event, Value, Pulse]),
            ("deaths", !self.deaths.is_empty(), &[Watch]),
            (
                "from",
                self.from.is_some(),
                &[Cut, Watch, Poison, ForgeDeath, ForgeLeave, ForgeClaims, ForgeWords],
            ),
            ("direction", self.direction != Direction::Both, &[Cut, Watch]),
            ("loss", self.loss.is_some(), &[Cut]),
            ("delay_ms", self.delay_ms.is_some(), &[Cut]),
            ("jitter_ms", self.jitter_ms.is_some(), &[Cut]),
            ("corrupt", self.corrupt.is_some(), &[Cut]),
            ("splice", self.splice.is_some(), &[Cut]),
            ("replay", self.replay.is_some(), &[Cut]),
            ("step_us", self.step_us.is_some(), &[Slow]),
            ("ppm", self.ppm.is_some(), &[Drift]),
            (
                "count",
                self.count.is_some(),
                &[Join, ForgeDeath, ForgeLeave, ForgeClaims, ForgeWords, ForgeJoin, Flood, Replay],
            ),
            ("new_address", self.new_address, &[Restart]),
            ("keeps_epoch", self.keeps_epoch.is_some(), &[Restart]),
            ("clock_behind_s", self.clock_behind_s.is_some(), &[Restart]),
            ("address_of", self.address_of.is_some(), &[Join, Restart]),
            ("name_of", self.name_of.is_some(), &[Join]),
            ("region", self.region.is_some(), &[Join]),
            ("zone", self.zone.is_some(), &[Join]),
            ("rack", self.rack.is_some(), &[Join]),
            ("through", self.through.is_some(), &[Join, Rejoin, Restart]),
            ("stale", self.stale, &[Join, Rejoin, Restart]),
            ("insider", self.insider, &[ForgeDeath, ForgeLeave, ForgeClaims, ForgeWords]),
            ("misdirected", self.misdirected, &[Replay]),
            ("spoofed", self.spoofed, &[Replay]),
            ("keys", self.keys.is_some(), &[Keys]),
            ("mode", self.mode.is_some(), &[Keys, Sign]),
            ("rotate", self.rotate.is_some(), &[Keys]),
            ("stagger_s", self.stagger_s.is_some(), &[Keys, Sign]),
            ("force", self.force, &[Keys, Sign]),
            ("sybil", self.sybil.is_some(), &[Join]),
            (
                "for_s",
                self.for_s.is_some(),
                &[Cut, Restart, Pause, AnnouncedPause, BlockIo, Slow, Audit, Watch],
            ),
        ]
    }

    /// The same of what some actions must be given.
    fn needed(&self) -> [(&'static str, bool, &'static [Action]); 6] {
        use Action::{
            AnnouncedPause, Audit, BlockIo, DeleteValue, Drift, Pause, Poison, Publish, Slow, Value, Watch,
            Withdraw,
        };
        [
            ("from", self.from.is_some(), &[Poison]),
            ("name", self.name.is_some(), &[Watch]),
            ("key", self.key.is_some(), &[Publish, Withdraw, Value, DeleteValue]),
            ("for_s", self.for_s.is_some(), &[Pause, AnnouncedPause, BlockIo, Audit]),
            ("step_us", self.step_us.is_some(), &[Slow]),
            ("ppm", self.ppm.is_some(), &[Drift]),
        ]
    }

    fn check_watch(&self) -> Result<(), String> {
        let word = |name: &String| {
            !name.is_empty()
                && name.chars().all(|letter| letter.is_ascii_alphanumeric() || "-_".contains(letter))
        };
        if !self.name.as_ref().is_none_or(word) {
            return Err("name is letters, digits, - and _, to be part of figures' names".into());
        }
        if self.deaths.contains(&0) {
            return Err("deaths are counted from 1".into());
        }
        if self.action != Action::Watch || self.every_s.is_none() {
            return Ok(());
        }
        if !self.deaths.is_empty() {
            return Err("deaths are timed in one window: without every_s".into());
        }
        match self.for_s {
            Some(lasts) if self.every_s.is_some_and(|every| lasts <= every) => Ok(()),
            _ => Err("the windows of a watch overlap: give a for_s of every_s at most".into()),
        }
    }

    /// All times at which it happens in a run of that length.
    pub fn times(&self, duration: Micros) -> impl Iterator<Item = Micros> + use<> {
        let (first, every) = (micros(self.at_s), self.every_s.map_or(NEVER, micros));
        let end = self.until_s.map_or(duration, micros).min(duration);
        (0..MAX_REPEATS)
            .map(move |n| first.saturating_add(every.saturating_mul(n)))
            .take_while(move |&at| at <= end)
    }

    /// What a cut does to packets from some hosts to others: it takes all, unless something milder is given.
    pub(crate) fn rule(&self, from: Vec<HostId>, to: Vec<HostId>) -> Rule {
        let milder = [self.delay_ms, self.jitter_ms, self.corrupt, self.splice, self.replay];
        let all = if milder.iter().any(Option::is_some) { 0.0 } else { 1.0 };
        let time = |ms: Option<f64>| ms.map_or(0, |ms| (ms * 1e3) as Micros);
        Rule {
            from,
            to,
            loss: self.loss.unwrap_or(all),
            delay: time(self.delay_ms),
            jitter: time(self.jitter_ms),
            corrupt: self.corrupt.unwrap_or_default(),
            splice: self.splice.unwrap_or_default(),
            replay: self.replay.unwrap_or_default(),
        }
    }

    /// Whether it happens in a run of that length, and no more often than it may.
    pub(super) fn check_times(&self, duration: Micros) -> Result<(), String> {
        if micros(self.at_s) > duration {
            return Err(format!(
                "at_s is {}, when all is over: give at most duration_s, which is {}, or raise that",
                self.at_s,
                duration as f64 / 1e6
            ));
        }
        let last = self.times(duration).nth(MAX_REPEATS as usize - 1);
        let end = self.until_s.map_or(duration, micros).min(duration);
        match (last, self.every_s) {
            (Some(last), Some(every)) if last + micros(every) <= end => {
                Err(format!("it happens more than {MAX_REPEATS} times: give a longer every_s, or until_s"))
            }
            _ => Ok(()),
        }
    }

    /// Within which time hosts follow each other.
    pub fn stagger(&self) -> Micros {
        self.stagger_s.map_or(0, micros)
    }

    /// How long it lasts, if it ends.
    pub fn lasts(&self) -> Option<Micros> {
        self.for_s.map(micros)
    }

    /// Where a host that it brings runs: as given, and otherwise there.
    pub(super) fn place(&self, otherwise: Locality) -> Locality {
        Locality {
            region: self.region.unwrap_or(otherwise.region),
            zone: self.zone.unwrap_or(otherwise.zone),
            rack: self.rack.unwrap_or(otherwise.rack),
        }
    }

    /// Whether it brings hosts that were not there.
    pub(super) fn brings_hosts(&self) -> bool {
        matches!(self.action, Action::Join | Action::Clone)
    }

    /// How many hosts it brings in a run of that length.
    pub(crate) fn joiners(&self, duration: Micros) -> u32 {
        if !self.brings_hosts() {
            return 0;
        }
        self.count.unwrap_or(1).saturating_mul(self.times(duration).count() as u32)
    }
}
