//! Recordings of clusters that never were: everything that a page can show happens in them.

use base64::{Engine as _, engine::general_purpose::STANDARD};
use serde_json::{Value, json};

pub(crate) const END: u64 = 60_000;
const REGIONS: [&str; 3] = ["eu", "us", "ap"];
const ZONES: [&str; 3] = ["a", "b", "c"];
const RACKS: usize = 4;

/// A generator of numbers; the same each time.
struct Dice(u64);

impl Dice {
    fn below(&mut self, bound: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        usize::try_from(self.0 % u64::try_from(bound.max(1)).unwrap_or(1)).unwrap_or(0)
    }
}

/// A recording as its lines.
pub(crate) struct Cluster {
    members: usize,
    /// The number of each rack's first member, and of the one behind its last.
    racks: Vec<(usize, usize)>,
    dice: Dice,
    lines: Vec<String>,
    timed: Vec<(u64, Value)>,
}

impl Cluster {
    pub(crate) fn new(members: usize) -> Self {
        let mut cluster = Self { members, racks: vec![], dice: Dice(7), lines: vec![], timed: vec![] };
        let head = json!({
            "gossip": 1, "source": "invented", "scenario": "everything in a minute", "end": END, "view": "all",
            "about": format!("{members} members in three regions. Nobody who runs may be declared dead."),
            "n": members, "classes": ["probe", "suspicion", "rumor", "sync", "state", "stream"],
        });
        cluster.lines.push(head.to_string());
        cluster.places();
        cluster
    }

    fn places(&mut self) {
        let all = REGIONS.len() * ZONES.len() * RACKS;
        let mut first = 0;
        for (i, region) in REGIONS.iter().enumerate() {
            for (k, zone) in ZONES.iter().enumerate() {
                for rack in 0..RACKS {
                    let number = (i * ZONES.len() + k) * RACKS + rack;
                    let end = self.members * (number + 1) / all;
                    let name = format!("{region}-{zone}-r{}-", rack + 1);
                    let place = json!([region, zone, format!("r{}", rack + 1)]);
                    self.line(&json!({ "place": place, "n": end - first, "name": name }));
                    self.racks.push((first, end));
                    first = end;
                }
            }
        }
    }

    pub(crate) fn line(&mut self, line: &Value) {
        self.lines.push(line.to_string());
    }

    pub(crate) fn event(&mut self, at: u64, word: &str, who: usize, by: usize, extra: usize) {
        self.timed.push((at, json!([at, word, who, by, extra])));
    }

    fn other(&mut self, than: usize) -> usize {
        (than + 1 + self.dice.below(self.members - 1)) % self.members
    }

    /// Suspected by one, accused by another, dead.
    fn dies(&mut self, at: u64, member: usize) {
        let (a, b) = (self.other(member), self.other(member));
        self.event(at, "accused", member, a, 0);
        self.event(at, "suspected", member, a, 0);
        self.event(at + 300, "accused", member, b, 0);
        self.event(at + 2_000, "down", member, b, 4_100);
    }

    /// Everything that can be shown, within a minute.
    pub(crate) fn with_everything(mut self) -> Self {
        let crashed = self.racks[12].0;
        self.line(&json!({ "fault": "crash", "t": 4_000, "m": [crashed], "text": "one member crashes" }));
        self.dies(5_000, crashed);
        let paused = self.racks[20].0 + 1;
        self.line(&json!({ "fault": "pause", "t": 9_000, "to": 11_000, "m": [paused], "text": "one member pauses" }));
        self.event(10_000, "suspected", paused, 0, 0);
        self.event(11_200, "cleared", paused, paused, 0);
        self.line(
            &json!({ "fault": "cut", "t": 15_000, "to": 35_000, "zone": 1, "text": "zone eu/b is cut off" }),
        );
        self.event(17_000, "zone_held", 1, 0, self.members / 2);
        self.event(35_400, "zone_released", 1, 0, 1);
        let deaf = self.racks[33].0;
        self.line(
            &json!({ "fault": "deaf", "t": 22_000, "to": 30_000, "m": [deaf], "text": "one member is deaf" }),
        );
        for at in (22_500..30_000).step_by(500) {
            let accused = self.other(deaf);
            self.event(at, "accused", accused, deaf, 0);
        }
        self.event(24_000, "health", deaf, deaf, 1);
        self.event(31_000, "health", deaf, deaf, 0);
        let (first, end) = self.racks[30];
        self.line(&json!({ "fault": "crash", "t": 40_000, "rack": 30, "text": "a rack loses power" }));
        for member in first..end {
            let late = u64::try_from(self.dice.below(3_000)).unwrap();
            self.dies(40_500 + late, member);
        }
        self.event(50_000, "left", self.racks[25].0, self.racks[25].0, 0);
        self.event(52_000, "unreachable", self.racks[5].0, 0, 0);
        self.spread();
        self.seconds();
        self
    }

    fn spread(&mut self) {
        let heard: Vec<u8> = (0..self.members)
            .flat_map(|_| u16::try_from(40 + self.dice.below(120)).unwrap().to_le_bytes())
            .collect();
        let heard = STANDARD.encode(heard);
        self.line(&json!({ "spread": 0, "t": 2_000, "m": 3, "what": "address", "heard": heard }));
        self.event(2_000, "updated", 3, 3, 0);
    }

    fn seconds(&mut self) {
        for second in 0..=END / 1_000 {
            let differ = if (40..46).contains(&second) { self.members / 5 } else { 0 };
            let fp = json!([["a1a3f6ff00112233", self.members - differ], ["85c1294f00112233", differ]]);
            let cut = (15..18).contains(&second);
            let acc = if cut { json!([[0, 1, 40], [1, 0, 35], [1, 4, 22], [7, 1, 3]]) } else { json!([]) };
            let bytes =
                json!([58 + second % 3, if cut { 40 } else { 4 }, if differ > 0 { 190 } else { 8 }, 3, 5, 1]);
            let line = json!({ "s": second * 1_000, "run": self.members, "b": bytes, "fp": fp, "acc": acc });
            self.timed.push((second * 1_000, line));
        }
    }

    /// What was expected, with one more that failed if `fails`.
    pub(crate) fn expecting(mut self, fails: bool) -> Self {
        let lag = json!({ "nodes": [0, 0, 0, 1, 4, 90, 700, 205], "seen": [0, 0, 0, 0, 5, 80, 710, 205] });
        self.timed.push((END, json!({ "lag": lag })));
        for (name, words, unit, max, got) in [
            ("false_deaths", "wrong deaths", "", 0.0, 0.0),
            ("detection", "a crash is known to all", "s", 15.0, 6.2),
            ("spread", "news is known to all", "s", 1.0, 0.16),
        ] {
            self.expect(name, words, unit, max, got);
        }
        if fails {
            self.expect("sent", "busiest second of a node", "B", 50_000.0, 61_240.0);
        }
        self.timed.push((END, json!({ "ended": END, "dropped": 12 })));
        self
    }

    fn expect(&mut self, name: &str, words: &str, unit: &str, max: f64, got: f64) {
        let line =
            json!({ "expect": name, "words": words, "unit": unit, "max": max, "got": got, "ok": got <= max });
        self.timed.push((END, line));
    }

    /// The lines without time, and those with one in its order.
    pub(crate) fn lines(mut self) -> Vec<String> {
        self.timed.sort_by_key(|(at, _)| *at);
        let timed = self.timed.iter().map(|(_, line)| line.to_string());
        self.lines.into_iter().chain(timed).collect()
    }

    pub(crate) fn text(self) -> String {
        self.lines().join("\n") + "\n"
    }
}
