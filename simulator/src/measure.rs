//! What a run measures, seen from outside: packets, events and views, never the nodes' own opinion of themselves.

mod accusations;
mod audit;
mod delays;
mod events;
mod flaps;
mod joins;
mod judgement;
mod lag;
mod population;
mod pulses;
mod spread;
mod state;
mod traffic;
mod values;
mod views;
mod watched;

pub use accusations::Accusations;
pub use audit::{AuditFigures, Audits};
pub use delays::ChangeFigures;
pub use events::{EventFigures, NUMBER_BYTES, UserEvents, Wrong};
pub use flaps::{FlapCounter, Flaps};
pub use judgement::{Detection, Judgements};
pub use lag::{Buckets, Lag, quantile as lag_quantile};
pub use population::Population;
pub use pulses::{PulseFigures, Pulses};
pub use spread::{Spreads, Times};
pub use state::{Difference, StateVersion, States, Write, shown as shown_state};
pub use traffic::{CLASSES, Rates, Sent};
pub use values::{SharedValues, ValueFigures, are_equal as values_are_equal};
pub use views::{Views, are_equal_and_right};
pub use watched::{KINDS, Pairs, Side, WatchFigures, Watches};

use traffic::class_of;

use crate::engine::{Border, Host, HostId, Micros, Rule, SECOND, Step, Watch, World};
use crate::record::Recorder;
use gossip_core::{Event, Traffic, ValueTag};

/// How often views are compared while a cluster heals.
pub const GLANCE: Micros = 10_000;

/// Everything that is measured in one run.
#[derive(Debug, Default)]
pub struct Measure {
    /// Who runs, and who is cut from whom.
    pub population: Population,
    /// Packets and bytes.
    pub sent: Sent,
    /// How news and joins spread.
    pub spreads: Spreads,
    /// How kept state spreads.
    pub states: States,
    /// How user events are delivered.
    pub events: UserEvents,
    /// How fresh is what nodes know of each other by pulses.
    pub pulses: Pulses,
    /// How cluster-wide values spread.
    pub values: SharedValues,
    /// Suspicions and deaths.
    pub judgements: Judgements,
    /// How often nodes change their minds.
    pub flaps: FlapCounter,
    /// Who accused whom.
    pub accusations: Accusations,
    /// Whether all see the same.
    pub views: Views,
    /// What was found in quiet windows.
    pub audits: Audits,
    /// What some see of others in windows of time.
    pub watches: Watches,
    /// What happens, if it is recorded.
    pub recorder: Option<Box<Recorder>>,
}

impl Watch for Measure {
    fn step(&mut self, step: &Step<'_>) {
        self.audits.stepped(step);
        let recorder = &mut self.recorder;
        self.accusations.stepped(step, |target| {
            if let Some(recorder) = recorder {
                recorder.accused(step.now, step.hosts, step.host, target);
            }
        });
        if step.output.events().is_empty() {
            return;
        }
        if let Some(recorder) = &mut self.recorder {
            recorder.stepped(step);
        }
        self.watches.stepped(step);
        self.flaps.stepped(step);
        for event in step.output.events() {
            // News may come with a suspicion, or with what ends one.
            if let Event::Up(id) | Event::Updated(id) | Event::Suspected(id) | Event::Cleared(id) = *event {
                self.spreads.heard(step, id);
            }
            match *event {
                Event::State(id) => self.states.heard(step, id),
                // What is wrong with it is counted there.
                Event::UserEvent { .. } => _ = self.events.delivered(step, event),
                Event::Value(key) => self.values.heard(step, key),
                Event::ValueConflict { .. } => self.values.conflicted(step.host),
                Event::Suspected(id) => self.judgements.suspected(step, id, &self.population),
                Event::Down(id) => self.judgements.down(step, id, &self.population),
                _ => {}
            }
        }
        self.spreads.looked_around(step, self.population.running);
        self.states.looked_around(step);
    }

    fn sent(&mut self, now: Micros, host: HostId, class: Traffic, len: usize) {
        self.sent.count(now, host, class, len);
        self.audits.sent(host, class, len);
        self.watches.sent(host, class, len);
    }

    fn crossed(&mut self, border: Border, class: Traffic, len: usize) {
        self.sent.count_crossing(border, class, len);
    }
}

/// Takes note of a change of who runs; call it after each.
pub fn recount(world: &mut World<Measure>) {
    world.watch.population.running = world.running().count();
}

/// A cluster was formed: measuring begins with it as it stands.
pub fn formed(world: &mut World<Measure>) {
    let (watch, hosts) = world.watch_and_hosts();
    watch.audits.formed(hosts);
    if let Some(recorder) = &mut watch.recorder {
        recorder.formed(hosts);
    }
}

/// Looks at all nodes' views; call it once a second of virtual time.
pub fn look(world: &mut World<Measure>) {
    recount(world);
    let (views, now) = (views::shared(world.running().map(|(_, host)| host)), world.now());
    world.watch.sent.note_running(world.watch.population.running);
    let (watch, hosts) = world.watch_and_hosts();
    watch.events.look(now, hosts);
    watch.pulses.look(now, hosts);
    if let Some(recorder) = &mut watch.recorder {
        recorder.look(now, hosts, watch.sent.of_last_second(now), &views);
    }
}

/// Begins a quiet window.
pub fn begin_audit(world: &mut World<Measure>) {
    let (now, bytes) = (world.now(), world.watch.sent.bytes());
    world.watch.audits.begin(now, bytes);
}

/// Ends it, and looks at everything.
pub fn end_audit(world: &mut World<Measure>) {
    let (window, now, counts) = (audit::window(world), world.now(), world.counts());
    let (running, under_way) = (world.running().count(), world.packets_under_way());
    let (watch, hosts) = world.watch_and_hosts();
    watch.audits.end(window, running, watch.sent.bytes());
    watch.audits.check(now, hosts, counts, under_way);
}

/// Begins a window of a step's watch.
pub fn begin_watch(world: &mut World<Measure>, step: usize, pairs: Pairs, until: Micros) {
    let now = world.now();
    world.watch.watches.begin(step, pairs, now, until);
}

/// Looks at what a step watches; returns when to look again, if its window is still open.
pub fn look_at_pairs(world: &mut World<Measure>, step: usize) -> Option<Micros> {
    let now = world.now();
    let (watch, hosts) = world.watch_and_hosts();
    watch.watches.look(step, now, hosts)
}

/// Notes that a host changed something of itself just now, and what that is called.
pub fn watch_update(world: &mut World<Measure>, host: HostId, what: &'static str) {
    let (now, record) = (world.now(), world.hosts()[host as usize].node.me());
    let others = others_within_reach(world, host);
    world.watch.spreads.follow(now, host, (record, what), others);
}

/// Notes that a host changed a key of its own just now, as a step of a scenario says.
pub fn watch_write(world: &mut World<Measure>, step: usize, host: HostId, key: &str, write: Write) {
    let (now, others) = (world.now(), others_within_reach(world, host));
    let (watch, hosts) = world.watch_and_hosts();
    watch.states.follow((now, hosts), (step, host), (key, write), others.into_iter());
}

/// Lets a host pulse, and notes that it did, if it did.
pub fn watch_pulse(world: &mut World<Measure>, host: HostId, blob: &[u8]) {
    if world.pulse(host, blob).is_err() {
        world.watch.pulses.refused += 1;
        return;
    }
    let (now, life) = (world.now(), world.hosts()[host as usize].life);
    world.watch.pulses.wrote(now, host, life, blob.len());
}

/// Notes that a host sent the next event just now.
pub fn watch_event(world: &mut World<Measure>, host: HostId) {
    let (now, others) = (world.now(), others_within_reach(world, host));
    let (watch, hosts) = world.watch_and_hosts();
    watch.events.follow(now, hosts, others.into_iter());
}

/// Lets a host set or delete a cluster-wide key, and notes that it did, if it did.
pub fn watch_value(world: &mut World<Measure>, host: HostId, key: &str, value: Option<&[u8]>) {
    let key_of = ValueTag::of(key);
    let before = values::held(&world.hosts()[host as usize], key_of);
    if world.write_value(host, key, value).is_err() {
        world.watch.values.refused += 1;
        return;
    }
    let (now, others) = (world.now(), others_within_reach(world, host));
    let (watch, hosts) = world.watch_and_hosts();
    watch.values.follow((now, hosts), host, (key_of, before), others.into_iter());
}

/// Notes that a host begins just now to learn what all have published.
pub fn watch_state_join(world: &mut World<Measure>, host: HostId) {
    let now = world.now();
    world.watch.states.follow_join(now, host);
}

/// Notes that a host begins to join just now.
pub fn watch_join(world: &mut World<Measure>, host: HostId) {
    let now = world.now();
    world.watch.spreads.follow_join(now, host);
}

/// Notes that a host crashes just now.
pub fn watch_crash(world: &mut World<Measure>, host: HostId) {
    let (now, id) = (world.now(), world.hosts()[host as usize].id);
    // Who holds it dead already has nothing to find out.
    let unaware = |observer: &Host| observer.node.member(id).is_some_and(|member| member.status().is_live());
    let within = within_reach(world, host);
    let observers = world.running().filter(|&(other, at)| other != host && within(other) && unaware(at));
    let observers = observers.map(|(id, _)| id).collect();
    world.watch.judgements.crashed(now, host, id, observers);
}

/// Notes that a rule came into force that cuts some from others.
pub fn watch_cut(world: &mut World<Measure>, rule: &Rule) {
    world.watch.population.cut(&rule.from, &rule.to);
}

/// The others that run and that news of a host can reach while the present cuts last.
fn others_within_reach(world: &World<Measure>, host: HostId) -> Vec<HostId> {
    let within = within_reach(world, host);
    world.running().map(|(id, _)| id).filter(|&id| id != host && within(id)).collect()
}

/// Whom news of a host can reach while the present cuts last.
fn within_reach(world: &World<Measure>, host: HostId) -> impl Fn(HostId) -> bool + use<> {
    let side = world.watch.population.side(host, world.hosts().len());
    move |other| side.get(other as usize).copied().unwrap_or(true)
}

/// Notes how far each side of the present cuts agrees within itself; call it just before one ends.
pub fn look_at_sides(world: &mut World<Measure>) {
    let mut unseen: Vec<HostId> = world.running().map(|(id, _)| id).collect();
    let mut worst: f64 = 0.0;
    let mut sides = 0;
    while let Some(&first) = unseen.first() {
        let side = world.watch.population.side(first, world.hosts().len());
        let (within, others) = unseen.into_iter().partition::<Vec<_>, _>(|&id| side[id as usize]);
        let views = views::shared(within.iter().map(|&id| &world.hosts()[id as usize]));
        worst = worst.max(views::divergence(&views));
        unseen = others;
        sides += 1;
    }
    if sides > 1 {
        world.watch.views.note_sides(worst);
    }
}

/// Notes that such a rule ended.
pub fn watch_mend(world: &mut World<Measure>, rule: &Rule) {
    let now = world.now();
    world.watch.population.mend(now, &rule.from, &rule.to);
}

/// Records that a node sent, on average of those that run: their own count, which no one else can make.
pub fn records_per_node(world: &World<Measure>) -> Option<f64> {
    let (sent, nodes) = world
        .running()
        .fold((0, 0u32), |(sent, nodes), (_, host)| (sent + host.node.metrics().records_sent, nodes + 1));
    (nodes > 0).then(|| sent as f64 / f64::from(nodes))
}

/// Seconds, from microseconds.
pub fn seconds(micros: Micros) -> f64 {
    micros as f64 / SECOND as f64
}

/// To thousandths: what is below a millisecond or a byte says nothing here.
pub(crate) fn thousandths(value: f64) -> f64 {
    (value * 1e3).round() / 1e3
}
