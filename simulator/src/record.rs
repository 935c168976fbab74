//! What happens in a run, as a recording that the player shows; `docs/src/recording.md` defines its lines.
//!
//! Many nodes tell of each change. A recording has the first word of each: the first node that holds something newer of a
//! member than any did before. All that is kept is bounded, and what is left out is counted on the last line.

mod figures;
mod first_words;
mod lines;
mod numbers;

pub use first_words::{Told, Word};
pub use lines::{Ending, Head, Spread, Verdict};

use crate::engine::{Host, HostId, Micros, SECOND, Step};
use first_words::FirstWords;
use gossip_core::{Event, Fingerprint, Zone};
use std::{collections::BTreeMap, mem};

/// Events of a recording; the player has drawn as many in less than a second.
pub const MAX_EVENTS: usize = 100_000;
/// Accusations that are told one by one in each second; all are counted by zones.
pub const MAX_ACCUSED: usize = 60;
/// Lines of figures: an hour's seconds. In longer runs each line is of several seconds.
pub const MAX_SECONDS: u64 = 3_600;
/// Groups of members with one view each that a line of figures names: the largest.
pub const MAX_VIEWS: usize = 16;
/// Pairs of zones whose accusations a line of figures counts.
pub const MAX_PAIRS: usize = 256;
/// Faults.
pub const MAX_FAULTS: usize = 512;
/// Members that a fault names one by one.
pub const MAX_STRUCK: usize = 256;
/// Bytes of all spreads, before they are encoded.
pub const MAX_HEARD: usize = 1 << 20;

/// Classes of traffic, as the figures of a second have them.
pub(crate) type Bytes = [u64; 6];

/// Something that the scenario does to hosts.
#[derive(Clone, Debug)]
pub struct Fault {
    /// The word of the scenario.
    pub word: &'static str,
    /// When it begins.
    pub at: Micros,
    /// When it ends, if it lasts.
    pub to: Option<Micros>,
    /// To whom; sorted.
    pub hosts: Vec<HostId>,
    /// What it is, of one host and of several, to follow their names.
    pub text: (String, String),
}

/// The figures of a stretch of time.
#[derive(Clone, Debug)]
struct Second {
    /// Its end.
    at: Micros,
    running: usize,
    /// A second of one node, on average.
    bytes: [f64; 6],
    views: Vec<(Fingerprint, usize)>,
    /// The share of those that run which hold a zone.
    held: f64,
    /// From which zone whom in which, and how often.
    accused: Vec<(Zone, Zone, u32)>,
}

/// What was left out, by the bound that it exceeded.
#[derive(Clone, Copy, Debug, Default)]
struct Dropped {
    accused: u64,
    events: u64,
    pairs: u64,
    faults: u64,
}

/// See the module.
#[derive(Debug)]
pub struct Recorder {
    words: FirstWords,
    seconds: Vec<Second>,
    faults: Vec<Fault>,
    dropped: Dropped,
    /// Who starts with a view, and so is a member from the first.
    formed: Vec<HostId>,
    /// Seconds of a line of figures.
    every: u64,
    /// Of the line that is under way.
    bytes: Bytes,
    host_seconds: u64,
    accused: BTreeMap<(Zone, Zone), u32>,
    /// Accusations of this second that were told one by one.
    told: (u64, usize),
}

impl Recorder {
    /// For a run of this length.
    #[must_use]
    pub fn new(duration: Micros) -> Self {
        Self {
            words: FirstWords::default(),
            seconds: Vec::new(),
            faults: Vec::new(),
            dropped: Dropped::default(),
            formed: Vec::new(),
            every: duration.div_ceil(SECOND).div_ceil(MAX_SECONDS).max(1),
            bytes: Bytes::default(),
            host_seconds: 0,
            accused: BTreeMap::new(),
            told: (0, 0),
        }
    }

    /// These hosts begin with a view of each other.
    pub(crate) fn formed(&mut self, hosts: &[Host]) {
        for (id, host) in (0..).zip(hosts) {
            self.words.begin(id, &host.node.me());
            self.formed.push(id);
        }
    }

    /// A step was made that tells something.
    pub(crate) fn stepped(&mut self, step: &Step<'_>) {
        for event in step.output.events() {
            match *event {
                Event::Up(id) | Event::Cleared(id) | Event::Updated(id) => self.words.hear(step, id, None),
                Event::Suspected(id) => self.words.hear(step, id, None),
                Event::Down(id) | Event::Left(id) => self.words.hear(step, id, None),
                Event::Reaped(id) => self.words.forgot(step, id),
                Event::ZoneQuarantined(zone) => self.words.hold(step, zone),
                Event::ZoneReleased { zone, .. } => self.words.release(step.now, step.host, zone),
                _ => {}
            }
        }
        self.dropped.events += self.words.trim(MAX_EVENTS);
    }

    /// A host accuses another of not answering, for the first time in the other's incarnation.
    pub(crate) fn accused(&mut self, now: Micros, hosts: &[Host], accuser: HostId, target: HostId) {
        let zone = |host: HostId| hosts.get(host as usize).map(|host| host.locality.domain());
        let (Some(from), Some(to)) = (zone(accuser), zone(target)) else { return };
        let has_room = self.accused.len() < MAX_PAIRS || self.accused.contains_key(&(from, to));
        if has_room {
            *self.accused.entry((from, to)).or_default() += 1;
        } else {
            self.dropped.pairs += 1;
        }
        let second = now / SECOND;
        if self.told.0 != second {
            self.told = (second, 0);
        }
        if self.told.1 == MAX_ACCUSED {
            self.dropped.accused += 1;
            return;
        }
        self.told.1 += 1;
        self.words.say(Told { at: now, word: Word::Accused, of: target, by: accuser, x: 0 });
        self.dropped.events += self.words.trim(MAX_EVENTS);
    }

    /// The scenario does something to some hosts.
    pub(crate) fn fault(&mut self, fault: Fault) {
        if self.faults.len() == MAX_FAULTS {
            self.dropped.faults += 1;
        } else {
            self.faults.push(fault);
        }
    }

    /// Another second has passed, in which hosts sent this, and at the end of which they see this.
    pub(crate) fn look(&mut self, now: Micros, hosts: &[Host], bytes: Bytes, views: &[(Fingerprint, usize)]) {
        self.words.look(now, hosts);
        let running = views.iter().map(|(_, members)| members).sum::<usize>();
        self.host_seconds += running as u64;
        self.bytes.iter_mut().zip(bytes).for_each(|(sum, bytes)| *sum += bytes);
        if !(now / SECOND).is_multiple_of(self.every) {
            return;
        }
        let seconds = mem::take(&mut self.host_seconds).max(1) as f64;
        let accused = mem::take(&mut self.accused);
        self.seconds.push(Second {
            at: now,
            running,
            bytes: mem::take(&mut self.bytes).map(|bytes| bytes as f64 / seconds),
            views: views.iter().take(MAX_VIEWS).copied().collect(),
            held: self.words.holders() as f64 / running.max(1) as f64,
            accused: accused.into_iter().map(|((from, to), count)| (from, to, count)).collect(),
        });
    }

    /// The recording, as lines of JSON.
    #[must_use]
    pub fn into_lines(self, hosts: &[Host], ending: &Ending<'_>) -> String {
        lines::all(&self, hosts, ending)
    }
}

#[cfg(test)]
mod tests;
