//! What is done in a scenario, when, and to whom.

use super::file::{MAX_DURATION_S, micros};
use crate::engine::{HostId, Micros, NEVER};
use gossip_core::Locality;
use serde::Deserialize;

/// How often one event may happen.
const MAX_REPEATS: u64 = 100_000;

/// Something that is done: once, or again and again.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Event {
    /// When, in seconds.
    pub at_s: f64,
    /// Again after so many seconds ...
    pub every_s: Option<f64>,
    /// ... until then; to the end of the run if not given.
    pub until_s: Option<f64>,
    /// What.
    #[serde(rename = "do")]
    pub action: Action,
    /// `watch`: how its figures are called.
    pub name: Option<String>,
    /// `watch`: which deaths are timed, counted from one.
    #[serde(default)]
    pub deaths: Vec<u32>,
    /// To whom; to everybody who runs if not given.
    #[serde(default)]
    pub who: Selector,
    /// `cut`: from whom; `watch`: of whom; everybody else if not given, or each other where `who` is everybody.
    pub from: Option<Selector>,
    /// How long it lasts, in seconds; to the end if not given. `restart`: how long the host stays down.
    pub for_s: Option<f64>,
    /// `cut`, `watch`: which direction.
    #[serde(default)]
    pub direction: Direction,
    /// `cut`: the share of packets lost; all, if not given.
    pub loss: Option<f64>,
    /// `cut`: how much longer packets take. Given alone, nothing is lost.
    pub delay_ms: Option<f64>,
    /// `slow`: what each step costs, in µs.
    pub step_us: Option<u64>,
    /// `drift`: by how much clocks are too fast, in parts per million.
    pub ppm: Option<i32>,
    /// `join`: how many hosts; one, if not given. `forge-death`, `forge-leave`: how many are told; all, if not given.
    /// `forge-join`: how many strangers; one, if not given.
    pub count: Option<u32>,
    /// `restart`: at an address that nobody had before.
    #[serde(default)]
    pub new_address: bool,
    /// `restart`: with its persisted epoch; true, if not given.
    pub keeps_epoch: Option<bool>,
    /// `restart`: with a clock that is so many seconds behind (and without its epoch).
    pub clock_behind_s: Option<u32>,
}

/// What can be done.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Action {
    /// A host changes its health; how the news spreads is measured.
    Update,
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
    /// A host leaves.
    Leave,
    /// Packets between some hosts and others are lost or delayed.
    Cut,
    /// Others are told, as if by members, that a host is dead.
    ForgeDeath,
    /// Others are told, as if by members, that a host has left.
    ForgeLeave,
    /// Strangers that do not exist ask a host to let them join.
    ForgeJoin,
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
    /// In this region.
    pub region: Option<u8>,
    /// In this zone of each region.
    pub zone: Option<u8>,
    /// In this rack of each zone.
    pub rack: Option<u8>,
    /// Only (or, with false, never) seeds.
    pub seeds: Option<bool>,
    /// So many.
    pub count: Option<usize>,
    /// Such a share, rounded up.
    pub share: Option<f64>,
}

impl Selector {
    /// Whether a host fits, before any are picked at random.
    pub fn fits(&self, host: HostId, at: Locality, seeds: u32) -> bool {
        let given = |wanted: Option<u8>, has: u8| wanted.is_none_or(|wanted| wanted == has);
        self.nodes.as_ref().is_none_or(|nodes| nodes.contains(&host))
            && given(self.region, at.region)
            && given(self.zone, at.zone)
            && given(self.rack, at.rack)
            && self.seeds.is_none_or(|wanted| wanted == (host < seeds))
    }

    /// How many of so many are picked.
    pub fn picks(&self, of: usize) -> usize {
        let share = self.share.map_or(of, |share| (share * of as f64).ceil() as usize);
        share.min(self.count.unwrap_or(of)).min(of)
    }

    fn check(&self) -> Result<(), String> {
        match self.share {
            Some(share) if !(0.0..=1.0).contains(&share) => Err("share is 0 to 1".into()),
            _ => Ok(()),
        }
    }
}

impl Event {
    pub(super) fn check(&self) -> Result<(), String> {
        let times = [Some(self.at_s), self.every_s, self.until_s, self.for_s];
        if times.into_iter().flatten().any(|time| !(0.0..=MAX_DURATION_S).contains(&time)) {
            return Err(format!("times are 0 to {MAX_DURATION_S} s"));
        }
        if self.every_s.is_some_and(|every| every < 1e-3) {
            return Err("every_s is 0.001 at least".into());
        }
        self.who.check()?;
        if let Some(from) = &self.from {
            from.check()?;
        }
        let only = |given: bool, what: &str, actions: &[Action]| {
            if given && !actions.contains(&self.action) {
                return Err(format!("'{what}' means nothing to {:?}", self.action));
            }
            Ok(())
        };
        use Action::{
            AnnouncedPause, Audit, BlockIo, Cut, Drift, ForgeDeath, ForgeJoin, ForgeLeave, Join, Pause,
            Restart, Slow, Watch,
        };
        only(self.name.is_some(), "name", &[Watch])?;
        only(!self.deaths.is_empty(), "deaths", &[Watch])?;
        only(self.from.is_some(), "from", &[Cut, Watch])?;
        only(self.direction != Direction::Both, "direction", &[Cut, Watch])?;
        only(self.loss.is_some(), "loss", &[Cut])?;
        only(self.delay_ms.is_some(), "delay_ms", &[Cut])?;
        only(self.step_us.is_some(), "step_us", &[Slow])?;
        only(self.ppm.is_some(), "ppm", &[Drift])?;
        only(self.count.is_some(), "count", &[Join, ForgeDeath, ForgeLeave, ForgeJoin])?;
        only(self.new_address, "new_address", &[Restart])?;
        only(self.keeps_epoch.is_some(), "keeps_epoch", &[Restart])?;
        only(self.clock_behind_s.is_some(), "clock_behind_s", &[Restart])?;
        only(
            self.for_s.is_some(),
            "for_s",
            &[Cut, Restart, Pause, AnnouncedPause, BlockIo, Slow, Audit, Watch],
        )?;
        if self.loss.is_some_and(|loss| !(0.0..=1.0).contains(&loss)) {
            return Err("loss is a share: 0 to 1".into());
        }
        let needs = |given: bool, what: &str, actions: &[Action]| {
            if !given && actions.contains(&self.action) {
                return Err(format!("{:?} needs '{what}'", self.action));
            }
            Ok(())
        };
        needs(self.name.is_some(), "name", &[Watch])?;
        needs(self.for_s.is_some(), "for_s", &[Pause, AnnouncedPause, BlockIo, Audit])?;
        needs(self.step_us.is_some(), "step_us", &[Slow])?;
        needs(self.ppm.is_some(), "ppm", &[Drift])?;
        self.check_watch()
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

    /// How long it lasts, if it ends.
    pub fn lasts(&self) -> Option<Micros> {
        self.for_s.map(micros)
    }

    /// How many hosts it brings in a run of that length.
    pub(crate) fn joiners(&self, duration: Micros) -> u32 {
        if self.action != Action::Join {
            return 0;
        }
        self.count.unwrap_or(1).saturating_mul(self.times(duration).count() as u32)
    }
}
