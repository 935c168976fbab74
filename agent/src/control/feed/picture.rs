//! The members in the numbers of the feed, and what was told of each.

use crate::locality::Place;
use adapter_tokio::{
    Event, Handle, Health, Locality, MemberView, Metrics, NodeId, Notice, Reachability, Status, Zone,
};
use serde_json::{Map, Value, json};
use std::{
    collections::{BTreeMap, BTreeSet, HashMap},
    sync::Arc,
    time::SystemTime,
};

/// Members that ever were; with more, all readers begin anew with those that there are.
const MAX_MEMBERS: usize = 200_000;
/// Members that one line of a place names; further ones of the place have lines of their own. So that no line is longer than
/// readers take: the page reads up to 8 MB.
const MAX_PLACED: usize = 1_024;
/// Accusations that are told one by one in a second; all are counted in `acc`.
const MAX_ACCUSED: usize = 60;
/// Pairs of zones that `acc` of a second has, the busiest first.
const MAX_PAIRS: usize = 256;
/// This agent is the first.
const ME: u32 = 0;
const CLASSES: [&str; 6] = ["probe", "suspicion", "rumor", "state", "sync", "pulse"];

/// A member as it was told.
#[derive(Clone, Debug)]
struct Member {
    id: NodeId,
    /// Its id, until its name is known.
    name: String,
    is_named: bool,
    at: Locality,
    /// None once it is forgotten.
    status: Option<Status>,
    health: Health,
    is_unreachable: bool,
    /// Who accuses it, if it is a suspect; at most four, which is all that a node keeps.
    accusers: Vec<NodeId>,
}

/// Accusations by the zone of the accuser and the zone of the accused.
type Sums = BTreeMap<(u32, u32), u64>;

/// See the module.
#[derive(Debug)]
pub(super) struct Picture {
    head: String,
    /// Where the agent is, in words.
    here: Place,
    members: Vec<Member>,
    numbers: HashMap<NodeId, u32>,
    zones: HashMap<Zone, u32>,
    held: BTreeSet<u32>,
    /// The accusations since the last line of figures, and how many of them were told one by one.
    accused: Sums,
    told_accused: usize,
    /// What the node had sent at the last second, by class.
    sent: [u64; CLASSES.len()],
    /// Until something changes.
    snapshot: Option<Arc<[Arc<str>]>>,
}

impl Picture {
    pub(super) fn new(
        handle: &Handle,
        (name, cluster): (&str, &str),
        here: Place,
        began: SystemTime,
    ) -> Self {
        let head = json!({
            "gossip": 1, "source": "gossip run", "cluster": cluster, "node": name, "view": "node",
            "began": humantime::format_rfc3339_millis(began).to_string(), "classes": CLASSES,
        });
        let mut picture = Self {
            head: head.to_string(),
            here,
            members: Vec::new(),
            numbers: HashMap::new(),
            zones: HashMap::new(),
            held: BTreeSet::new(),
            accused: Sums::new(),
            told_accused: 0,
            sent: sent(&handle.metrics()),
            snapshot: None,
        };
        let me = handle.me();
        picture.add(Member {
            id: me.id(),
            name: name.to_owned(),
            is_named: true,
            at: me.locality(),
            status: Some(Status::Alive),
            health: me.health(),
            is_unreachable: false,
            accusers: Vec::new(),
        });
        let mut others = handle.members();
        others.sort_by_cached_key(|member| (member.record.locality(), member.name.clone(), member.id));
        others.iter().take(MAX_MEMBERS).for_each(|member| picture.add(Member::of(member)));
        for zone in handle.quarantined_zones() {
            picture.held.extend(picture.zones.get(&zone));
        }
        picture
    }

    fn add(&mut self, member: Member) {
        let (number, zone) = (self.members.len() as u32, self.zones.len() as u32);
        let _ = self.zones.entry(member.at.domain()).or_insert(zone);
        let _ = self.numbers.insert(member.id, number);
        self.members.push(member);
    }

    /// The line of some members of one place.
    fn place(&self, members: &[Member]) -> String {
        let at = members.first().map_or_else(Locality::default, |member| member.at);
        let names: Vec<&str> = members.iter().map(|member| member.name.as_str()).collect();
        json!({ "place": self.here.words_for(at), "n": names.len(), "names": names }).to_string()
    }

    fn number_of(&self, member: Option<NodeId>) -> Option<u32> {
        self.numbers.get(&member?).copied()
    }

    /// What a reader has to know that comes now.
    pub(super) fn snapshot(&mut self, now: u64) -> Arc<[Arc<str>]> {
        if let Some(snapshot) = &self.snapshot {
            return Arc::clone(snapshot);
        }
        let mut lines = vec![self.head.clone()];
        lines.extend(
            self.members
                .chunk_by(|a, b| a.at == b.at)
                .flat_map(|here| here.chunks(MAX_PLACED))
                .map(|members| self.place(members)),
        );
        for (number, member) in (0..).zip(&self.members) {
            let word = match member.status {
                None => Some("forgotten"),
                Some(Status::Alive) => None,
                Some(Status::Suspect) => Some("suspected"),
                Some(Status::Dead) => Some("down"),
                Some(Status::Left) => Some("left"),
            };
            let by = if word == Some("suspected") { self.first_accuser(member) } else { Some(ME) };
            lines.extend(word.map(|word| json!([now, word, number, by]).to_string()));
            if member.is_unreachable && member.status.is_some_and(Status::is_live) {
                lines.push(json!([now, "unreachable", number, ME]).to_string());
            }
            if member.health != Health::Healthy {
                lines.push(json!([now, "health", number, ME, member.health as u8]).to_string());
            }
        }
        lines.extend(self.held.iter().map(|zone| json!([now, "zone_held", zone, ME, 1]).to_string()));
        lines.extend(self.open_accusations(now));
        let lines: Arc<[Arc<str>]> = lines.into_iter().map(Arc::from).collect();
        self.snapshot = Some(Arc::clone(&lines));
        lines
    }

    /// The accusations of all suspects, and the sum of those that no later line of figures counts.
    fn open_accusations(&self, now: u64) -> Vec<String> {
        let open = (0..).zip(&self.members).flat_map(|(number, member)| {
            member.accusers.iter().filter_map(move |&by| Some((self.number_of(Some(by))?, number)))
        });
        let (mut lines, mut sums) = (Vec::new(), Sums::new());
        for (by, member) in open {
            if lines.len() < MAX_ACCUSED {
                lines.push(json!([now, "accused", member, by]).to_string());
            }
            *sums.entry((self.zone_of(by), self.zone_of(member))).or_default() += 1;
        }
        for (pair, pending) in &self.accused {
            if let Some(count) = sums.get_mut(pair) {
                *count = count.saturating_sub(*pending);
            }
        }
        sums.retain(|_, count| *count > 0);
        if !sums.is_empty() {
            lines.push(json!({ "s": now, "acc": busiest(&sums) }).to_string());
        }
        lines
    }

    fn first_accuser(&self, member: &Member) -> Option<u32> {
        self.number_of(member.accusers.first().copied())
    }

    /// The number of a member's zone.
    fn zone_of(&self, member: u32) -> u32 {
        let zone = self.members.get(member as usize).map(|member| member.at.domain());
        zone.and_then(|zone| self.zones.get(&zone)).copied().unwrap_or_default()
    }

    /// Those who accuse a member by now: whoever did not before is counted, and told as long as there is room.
    fn accuse(&mut self, number: u32, accusers: &[NodeId], now: u64, lines: &mut Vec<String>) {
        let Some(member) = self.members.get_mut(number as usize) else { return };
        let before = std::mem::replace(&mut member.accusers, accusers.to_vec());
        for by in accusers.iter().filter(|by| !before.contains(by)) {
            let Some(by) = self.number_of(Some(*by)) else { continue };
            *self.accused.entry((self.zone_of(by), self.zone_of(number))).or_default() += 1;
            if self.told_accused < MAX_ACCUSED {
                self.told_accused += 1;
                lines.push(json!([now, "accused", number, by]).to_string());
            }
        }
    }

    /// Something has happened: what is to be told of it. None if the picture is no longer right.
    pub(super) fn hear(&mut self, notice: &Notice, now: u64) -> Option<Vec<String>> {
        let mut lines = Vec::new();
        match (notice.event, &notice.member) {
            (Event::Reset, _) => return None,
            (Event::ZoneQuarantined(zone), _) => {
                if let Some(&zone) = self.zones.get(&zone)
                    && self.held.insert(zone)
                {
                    lines.push(json!([now, "zone_held", zone, ME, 1]).to_string());
                }
            }
            (Event::ZoneReleased { zone, .. }, _) => {
                if let Some(&zone) = self.zones.get(&zone)
                    && self.held.remove(&zone)
                {
                    lines.push(json!([now, "zone_released", zone, ME, 1]).to_string());
                }
            }
            (Event::Reaped(id), _) => {
                if let Some(&number) = self.numbers.get(&id) {
                    let member = &mut self.members[number as usize];
                    (member.status, member.accusers) = (None, Vec::new());
                    lines.push(json!([now, "forgotten", number, ME]).to_string());
                }
            }
            (event, Some(view)) if view.id != self.members[ME as usize].id => {
                self.change(event, view, now, &mut lines)?;
            }
            _ => {}
        }
        if !lines.is_empty() {
            self.snapshot = None;
        }
        Some(lines)
    }

    /// A member may differ from what was told of it.
    fn change(&mut self, event: Event, view: &MemberView, now: u64, lines: &mut Vec<String>) -> Option<()> {
        let number = match self.numbers.get(&view.id) {
            Some(&number) => number,
            None if self.members.len() >= MAX_MEMBERS => return None,
            None => {
                let member = Member {
                    status: None,
                    health: Health::Healthy,
                    is_unreachable: false,
                    accusers: Vec::new(),
                    ..Member::of(view)
                };
                lines.push(self.place(std::slice::from_ref(&member)));
                self.add(member);
                self.members.len() as u32 - 1
            }
        };
        let by = self.number_of(view.accusers.first().copied());
        let member = self.members.get_mut(number as usize)?;
        if member.at != view.record.locality() {
            // Numbers are of places: those who read begin anew.
            return None;
        }
        if let (false, Some(name)) = (member.is_named, &view.name) {
            (member.name, member.is_named) = (name.clone(), true);
            lines.push(json!({ "named": number, "name": name }).to_string());
        }
        let told = lines.len();
        let mut tell = |word: &str, by: Option<u32>| lines.push(json!([now, word, number, by]).to_string());
        let (was, is) = (member.status, view.status());
        member.status = Some(is);
        if is.is_live() && !was.is_some_and(Status::is_live) {
            tell("up", Some(ME));
        }
        match (was, is) {
            (Some(was), is) if was == is => {}
            (_, Status::Suspect) => tell("suspected", by),
            (Some(Status::Suspect), Status::Alive) => tell("cleared", Some(ME)),
            (_, Status::Dead) => tell("down", Some(ME)),
            (_, Status::Left) => tell("left", Some(ME)),
            (_, Status::Alive) => {}
        }
        let is_unreachable = match event {
            Event::Unreachable(_) => true,
            Event::Reachable(_) => false,
            _ => member.is_unreachable && view.reachability == Reachability::Unreachable,
        };
        if is_unreachable != member.is_unreachable {
            member.is_unreachable = is_unreachable;
            tell(if is_unreachable { "unreachable" } else { "reachable" }, Some(ME));
        }
        if member.health != view.health() {
            member.health = view.health();
            lines.push(json!([now, "health", number, ME, member.health as u8]).to_string());
        }
        if matches!(event, Event::Updated(_)) && lines.len() == told {
            lines.push(json!([now, "updated", number, ME]).to_string());
        }
        self.accuse(number, &view.accusers, now, lines);
        Some(())
    }

    /// The figures of the second that ends now; others see these.
    pub(super) fn second(&mut self, handle: &Handle, now: u64, others: &[u64]) -> Vec<String> {
        let mut lines = Vec::new();
        let health = handle.me().health();
        if let Some(me) = self.members.get_mut(ME as usize).filter(|me| me.health != health) {
            me.health = health;
            lines.push(json!([now, "health", ME, ME, health as u8]).to_string());
        }
        // Of an accuser beyond the first there is no event.
        let suspects = (0..).zip(&self.members).filter(|(_, member)| member.status == Some(Status::Suspect));
        let suspects: Vec<(u32, NodeId)> = suspects.map(|(number, member)| (number, member.id)).collect();
        for (number, id) in suspects {
            if let Some(view) = handle.member(id) {
                self.accuse(number, &view.accusers, now, &mut lines);
            }
        }
        if !lines.is_empty() {
            self.snapshot = None;
        }
        let mut views: BTreeMap<u64, usize> = BTreeMap::from([(handle.fingerprint().0, 1)]);
        others.iter().for_each(|&view| *views.entry(view).or_default() += 1);
        let mut views: Vec<(u64, usize)> = views.into_iter().collect();
        views.sort_by_key(|&(_, members)| std::cmp::Reverse(members));
        let sent = sent(&handle.metrics());
        let bytes = sent.iter().zip(self.sent).map(|(now, before)| now.saturating_sub(before));
        let bytes: Vec<u64> = bytes.collect();
        self.sent = sent;
        let mut line = Map::new();
        let _ = line.insert("s".into(), now.into());
        let _ =
            line.insert("run".into(), self.members.iter().filter(|member| member.is_live()).count().into());
        let _ = line.insert("b".into(), bytes.into());
        let views = views.iter().map(|(view, members)| json!([format!("{view:016x}"), members]));
        let _ = line.insert("fp".into(), views.collect());
        if !self.held.is_empty() {
            let _ = line.insert("held".into(), 1.into());
        }
        if !self.accused.is_empty() {
            let _ = line.insert("acc".into(), busiest(&self.accused));
            // A snapshot tells of what later lines do not count: this one has been sent.
            self.snapshot = None;
        }
        self.accused.clear();
        self.told_accused = 0;
        lines.push(Value::Object(line).to_string());
        lines
    }

    /// Some live members other than this agent, those after `next`, which moves on.
    pub(super) fn live_from(&self, next: &mut usize, most: usize) -> Vec<NodeId> {
        let others = self.members.iter().skip(1);
        let live: Vec<NodeId> = others.filter(|member| member.is_live()).map(|member| member.id).collect();
        let start = if *next < live.len() { *next } else { 0 };
        *next = start + most;
        live.iter().cycle().skip(start).take(most.min(live.len())).copied().collect()
    }
}

impl Member {
    fn of(view: &MemberView) -> Self {
        Self {
            id: view.id,
            name: view.name.clone().unwrap_or_else(|| view.id.to_string()),
            is_named: view.name.is_some(),
            at: view.record.locality(),
            status: Some(view.status()),
            health: view.health(),
            is_unreachable: view.reachability == Reachability::Unreachable,
            accusers: view.accusers.clone(),
        }
    }

    fn is_live(&self) -> bool {
        self.status.is_some_and(Status::is_live)
    }
}

/// The pairs of zones with most accusations, as they stand in a line of figures.
fn busiest(sums: &Sums) -> Value {
    let mut pairs: Vec<(u64, (u32, u32))> = sums.iter().map(|(&pair, &count)| (count, pair)).collect();
    pairs.sort_by_key(|&(count, _)| std::cmp::Reverse(count));
    pairs.iter().take(MAX_PAIRS).map(|&(count, (from, to))| json!([from, to, count])).collect()
}

fn sent(metrics: &Metrics) -> [u64; CLASSES.len()] {
    let of = metrics;
    [of.bytes_probe, of.bytes_suspicion, of.bytes_rumor, of.bytes_state, of.bytes_sync, of.bytes_pulse]
}

#[cfg(test)]
mod tests;
