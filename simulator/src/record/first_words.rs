//! Who was the first to tell what of whom.

use crate::engine::{Host, HostId, Micros, Step};
use gossip_core::{Health, Incarnation, NodeId, Record, Status, Zone};
use std::collections::BTreeMap;

/// What a recorded event tells; the agent's words.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[allow(missing_docs)]
pub enum Word {
    Up,
    Suspected,
    Cleared,
    Updated,
    Health,
    Down,
    Left,
    Forgotten,
    Accused,
    ZoneHeld,
    ZoneReleased,
}

impl Word {
    /// As it is written.
    pub(super) fn text(self) -> &'static str {
        match self {
            Self::Up => "up",
            Self::Suspected => "suspected",
            Self::Cleared => "cleared",
            Self::Updated => "updated",
            Self::Health => "health",
            Self::Down => "down",
            Self::Left => "left",
            Self::Forgotten => "forgotten",
            Self::Accused => "accused",
            Self::ZoneHeld => "zone_held",
            Self::ZoneReleased => "zone_released",
        }
    }

    /// Whether its number is always told, be it zero.
    pub(super) fn has_number(self) -> bool {
        self == Self::Health
    }

    /// Whether it is about a zone.
    pub(super) fn is_of_zone(self) -> bool {
        matches!(self, Self::ZoneHeld | Self::ZoneReleased)
    }
}

/// A recorded event.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Told {
    /// When.
    pub at: Micros,
    /// What.
    pub word: Word,
    /// Of which host; of which zone, as `zone_number` makes it.
    pub of: u32,
    /// By whom.
    pub by: HostId,
    /// A health, a number of hosts, or for how long (in ms) others said the same.
    pub x: u32,
}

/// The newest that anyone held of a member.
#[derive(Clone, Copy, Debug)]
struct Known {
    incarnation: Incarnation,
    status: Status,
    health: Health,
    /// What its own changes raise.
    version: (u32, u32),
    /// Where its death stands among the events.
    death: Option<usize>,
    is_forgotten: bool,
}

impl Known {
    fn of(record: &Record) -> Self {
        Self {
            incarnation: record.incarnation(),
            status: record.status(),
            health: record.health(),
            version: (record.incarnation().epoch, record.state_version()),
            death: None,
            is_forgotten: false,
        }
    }
}

/// Who holds a zone, each in the life in which it began to.
#[derive(Debug, Default)]
struct Holding {
    holders: BTreeMap<HostId, u32>,
    /// Where its beginning stands among the events.
    began: Option<usize>,
}

/// See the module.
#[derive(Debug, Default)]
pub(super) struct FirstWords {
    known: Vec<Option<Known>>,
    zones: BTreeMap<Zone, Holding>,
    pub(super) told: Vec<Told>,
}

impl FirstWords {
    /// All who start know this of a host.
    pub(super) fn begin(&mut self, host: HostId, record: &Record) {
        *self.known_mut(host) = Some(Known::of(record));
    }

    fn known_mut(&mut self, host: HostId) -> &mut Option<Known> {
        let at = host as usize;
        if self.known.len() <= at {
            self.known.resize(at + 1, None);
        }
        &mut self.known[at]
    }

    pub(super) fn say(&mut self, told: Told) {
        self.told.push(told);
    }

    /// Forgets the last events beyond a number; returns how many they were.
    pub(super) fn trim(&mut self, most: usize) -> u64 {
        let beyond = self.told.len().saturating_sub(most);
        self.told.truncate(most);
        beyond as u64
    }

    /// A host heard something of a member; `accuser` says why it is suspect, if that is known.
    pub(super) fn hear(&mut self, step: &Step<'_>, id: NodeId, accuser: Option<HostId>) {
        let (Some(member), Some(&of)) = (step.at().node.member(id), step.ids.get(&id)) else { return };
        let (now, by, record) = (step.now, step.host, *member.record());
        let next = self.told.len();
        let known = self.known_mut(of);
        let before = *known;
        let mut after = Known { death: before.and_then(|before| before.death), ..Known::of(&record) };
        let is_news = before.is_none_or(|before| rank(&after) > rank(&before));
        let mut words = [None; 3];
        if is_news {
            let comes = before.is_none_or(|before| !before.status.is_live());
            words[0] = match record.status() {
                Status::Alive | Status::Suspect if comes => Some(Word::Up),
                Status::Alive => {
                    before.filter(|before| before.status == Status::Suspect).map(|_| Word::Cleared)
                }
                Status::Suspect => None,
                Status::Dead => Some(Word::Down),
                Status::Left => Some(Word::Left),
            };
            words[1] = (record.status() == Status::Suspect).then_some(Word::Suspected);
            after.death = (record.status() == Status::Dead).then_some(next);
        } else if let Some(before) = before {
            after = Known { incarnation: before.incarnation, status: before.status, ..after };
        }
        let changed = before.is_some_and(|before| after.version > before.version);
        if let Some(before) = before
            && changed
        {
            let health = before.health != after.health;
            words[2] = Some(if health { Word::Health } else { Word::Updated });
        } else if let Some(before) = before {
            after = Known { version: before.version, health: before.health, ..after };
        }
        *known = Some(after);
        if let (false, Status::Dead, Some(death)) = (is_news, record.status(), after.death)
            && record.incarnation() == after.incarnation
            && let Some(death) = self.told.get_mut(death)
        {
            death.x = (now.saturating_sub(death.at) / 1_000).min(u64::from(u32::MAX)) as u32;
        }
        for word in words.into_iter().flatten() {
            let (by, x) = match word {
                Word::Suspected => (accuser.unwrap_or(by), 0),
                Word::Health => (by, record.health() as u32),
                _ => (by, 0),
            };
            self.say(Told { at: now, word, of, by, x });
        }
    }

    /// A host has forgotten a member that is gone.
    pub(super) fn forgot(&mut self, step: &Step<'_>, id: NodeId) {
        let Some(&of) = step.ids.get(&id) else { return };
        let (at, by) = (step.now, step.host);
        if let Some(known) = self.known_mut(of)
            && !known.status.is_live()
            && !known.is_forgotten
        {
            known.is_forgotten = true;
            self.say(Told { at, word: Word::Forgotten, of, by, x: 0 });
        }
    }

    /// A host holds a zone.
    pub(super) fn hold(&mut self, step: &Step<'_>, zone: Zone) {
        let next = self.told.len();
        let holding = self.zones.entry(zone).or_default();
        let _ = holding.holders.insert(step.host, step.at().life);
        let (began, holders) = (*holding.began.get_or_insert(next), holding.holders.len() as u32);
        let (word, of) = (Word::ZoneHeld, zone_number(zone));
        if began == next {
            self.say(Told { at: step.now, word, of, by: step.host, x: holders });
        } else if let Some(told) = self.told.get_mut(began) {
            told.x = told.x.max(holders);
        }
    }

    /// It does so no more.
    pub(super) fn release(&mut self, now: Micros, host: HostId, zone: Zone) {
        let Some(holding) = self.zones.get_mut(&zone) else { return };
        let _ = holding.holders.remove(&host);
        if !holding.holders.is_empty() {
            return;
        }
        let most = holding.began.and_then(|began| self.told.get(began)).map_or(1, |told| told.x);
        self.zones.remove(&zone);
        self.say(Told { at: now, word: Word::ZoneReleased, of: zone_number(zone), by: host, x: most });
    }

    /// Whoever has stopped holds nothing any more.
    pub(super) fn look(&mut self, now: Micros, hosts: &[Host]) {
        let is_over = |host: HostId, life: u32| {
            hosts.get(host as usize).is_none_or(|host| !host.is_running() || host.life != life)
        };
        let over: Vec<(HostId, Zone)> = self
            .zones
            .iter()
            .flat_map(|(&zone, of)| of.holders.iter().map(move |(&host, &life)| (host, life, zone)))
            .filter(|&(host, life, _)| is_over(host, life))
            .map(|(host, _, zone)| (host, zone))
            .collect();
        over.into_iter().for_each(|(host, zone)| self.release(now, host, zone));
    }

    /// How many hosts hold a zone, or several.
    pub(super) fn holders(&self) -> usize {
        let mut holders: Vec<HostId> =
            self.zones.values().flat_map(|of| of.holders.keys().copied()).collect();
        holders.sort_unstable();
        holders.dedup();
        holders.len()
    }
}

/// The zone as a number.
pub(super) fn zone_number(zone: Zone) -> u32 {
    u32::from(zone.region) << 8 | u32::from(zone.zone)
}

/// What is newer has a higher one.
fn rank(known: &Known) -> (Incarnation, u8) {
    let status = match known.status {
        Status::Alive => 0,
        Status::Suspect => 1,
        Status::Dead => 2,
        Status::Left => 3,
    };
    (known.incarnation, status)
}
