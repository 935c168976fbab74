//! What every step works with, and how an intent becomes a packet.

use crate::{
    bootstrap::{admission::Admission, join::Joining},
    dissemination::{reconcile::Sync, rounds::Gossip, sieve::Sieves},
    kernel::{
        budget::Bucket,
        clock::Clock,
        outbox::{Event, Outbox, Traffic},
        path::Path,
    },
    membership::{
        detector::Detector, duplicates::AddressChanges, heal::Healing, identity::Life, quarantine::Doubts,
        recheck::Rechecks, relays::Relays, sightings::Sightings, standing::Standing,
    },
    security::token::Secret,
    tables::{
        memory::Tables,
        queue::{Kind, MAX_TAKEN},
        rtt::RoundTrips,
        table::{ME, SlotId},
    },
    vocabulary::{
        config::{Config, MIN_DATAGRAM, Mode},
        metrics::Metrics,
        record::{Accusation, NodeId, Record, Status, Zone},
        rng::Rng,
        time::{Instant, Stamp},
    },
    wire::{
        frame::{Draft, Frame, Header, LIMIT_BYTES},
        message::{Message, Nonce},
        record::Aged,
    },
};
use core::{net::SocketAddr, time::Duration};

/// All that a node keeps beside its tables: each protocol module its own state, and what they share.
#[derive(Clone)]
pub(crate) struct Core {
    pub(crate) config: Config,
    pub(crate) rng: Rng,
    pub(crate) secret: Secret,
    pub(crate) clock: Clock,
    pub(crate) life: Life,
    pub(crate) detector: Detector,
    pub(crate) relays: Relays,
    pub(crate) rechecks: Rechecks,
    pub(crate) address_changes: AddressChanges,
    pub(crate) doubts: Doubts,
    pub(crate) healing: Healing,
    pub(crate) standing: Standing,
    pub(crate) gossip: Gossip,
    pub(crate) joining: Joining,
    pub(crate) path: Path,
    pub(crate) admission: Admission,
    pub(crate) sightings: Sightings,
    pub(crate) sync: Sync,
    pub(crate) sieves: Sieves,
    pub(crate) round_trips: RoundTrips,
    pub(crate) budgets: Buckets,
    pub(crate) metrics: Metrics,
}

/// What of the total budget rumors leave to joins, and those to corrections, in datagrams: gossip rounds lose
/// nothing by waiting.
const RESERVED: u32 = 1;
/// What a budget lets out at once, in datagrams: three, so that whoever waits for one beside the reserve gets it some
/// time; for rumors with what those of the living have beside that. For all together and for sync it is an answer of repair, and the lists that follow it.
const BURST: u32 = 3;
const BURST_OF_REPAIR: u32 = 14;

/// What of the budget for rumors, in datagrams, those of the silent leave to those of the living: many small ones.
const RESERVED_FOR_LIVING: u32 = 1;
/// The most bytes of a packet that takes from what is so reserved; and the part of the budget for rumors that such packets
/// get: a flood of news of the living must not keep the silent from being told of for ever.
const LIGHT: u16 = MIN_DATAGRAM;
const LIGHT_PART: u32 = 4;

/// Which rumors a packet takes along.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Load {
    Nothing,
    /// Those of the living, as far as [`LIGHT`] bytes take them.
    Living,
    /// Of each kind in turn.
    All,
}

impl Load {
    fn kinds(self) -> &'static [Kind] {
        match self {
            Self::Nothing => &[],
            Self::Living => &[Kind::Living],
            Self::All => &Kind::ALL,
        }
    }
}

/// The budgets of `Config`, as buckets. Probes have none of their own, but count in the total.
#[derive(Clone)]
pub(crate) struct Buckets {
    total: Bucket,
    rumor: Bucket,
    sync: Bucket,
    suspicion: Bucket,
    /// For rumors of the living alone, within that for rumors.
    light: Bucket,
    /// In bytes.
    reserve: u32,
}

impl Buckets {
    pub(crate) fn new(config: &Config, now: Instant) -> Self {
        let bucket = |(rate, burst): (u32, u32)| Bucket::new(rate, burst, now);
        let [total, rumor, sync, suspicion, light] = Self::sizes(config).map(bucket);
        Self { total, rumor, sync, suspicion, light, reserve: Self::reserve(config) }
    }

    /// Rate and burst of all together, rumors, sync, suspicion, and rumors of the living alone.
    fn sizes(config: &Config) -> [(u32, u32); 5] {
        let (budgets, datagram) = (config.budgets, u32::from(config.max_datagram));
        let small = |rate: u32| (rate, datagram * BURST);
        let large = |rate: u32| (rate, datagram * BURST_OF_REPAIR);
        let rumor = (budgets.rumor, datagram * (BURST + RESERVED_FOR_LIVING));
        let light = (budgets.rumor / LIGHT_PART, datagram);
        [large(budgets.total), rumor, large(budgets.sync), small(budgets.suspicion), light]
    }

    fn reserve(config: &Config) -> u32 {
        u32::from(config.max_datagram) * RESERVED
    }

    pub(crate) fn resize(&mut self, config: &Config) {
        let buckets =
            [&mut self.total, &mut self.rumor, &mut self.sync, &mut self.suspicion, &mut self.light];
        for (bucket, (rate, burst)) in buckets.into_iter().zip(Self::sizes(config)) {
            bucket.resize(rate, burst);
        }
    }

    fn of(&mut self, class: Traffic) -> Option<&mut Bucket> {
        match class {
            Traffic::Probe => None,
            Traffic::Suspicion => Some(&mut self.suspicion),
            Traffic::Rumor => Some(&mut self.rumor),
            Traffic::Sync => Some(&mut self.sync),
        }
    }

    /// What must be in the total for a packet of this class.
    fn in_total(&self, class: Traffic, bytes: u32) -> u32 {
        let reserves = match class {
            Traffic::Probe | Traffic::Suspicion => 0,
            Traffic::Sync => 1,
            Traffic::Rumor => 2,
        };
        bytes.saturating_add(reserves * self.reserve)
    }

    /// Whether a class may send so many bytes now.
    pub(crate) fn admit(&mut self, class: Traffic, now: Instant, bytes: u32) -> bool {
        self.admit_beside(class, now, bytes, 0)
    }

    /// The same where so many datagrams more are to be left in the total.
    pub(crate) fn admit_beside(&mut self, class: Traffic, now: Instant, bytes: u32, more: u32) -> bool {
        let in_total = self.in_total(class, bytes).saturating_add(more * self.reserve);
        // Both are asked, and so filled: `wait` goes by what they hold.
        let total = self.total.has(now, in_total);
        self.of(class).is_none_or(|bucket| bucket.has(now, bytes) && total)
    }

    /// The same, as far as the total is concerned.
    fn admit_in_total(&mut self, class: Traffic, now: Instant, bytes: u32) -> bool {
        let in_total = self.in_total(class, bytes);
        class == Traffic::Probe || self.total.has(now, in_total)
    }

    /// Whether a class has so many bytes left of its own.
    pub(crate) fn has_left(&mut self, class: Traffic, now: Instant, bytes: u32) -> bool {
        self.of(class).is_none_or(|bucket| bucket.has(now, bytes))
    }

    /// Which rumors a packet may take along now. (All buckets are asked, and so filled.)
    pub(crate) fn load(&mut self, config: &Config, now: Instant) -> Load {
        let (all, light) = Self::loads(config);
        if self.admit(Traffic::Rumor, now, all) {
            Load::All
        } else if self.light.has(now, light) & self.admit(Traffic::Rumor, now, light) {
            Load::Living
        } else {
            Load::Nothing
        }
    }

    /// How long until it may take some, if nothing else is sent: those of the `living` alone are enough, if there are any.
    pub(crate) fn wait_for_load(&mut self, config: &Config, living: bool) -> Duration {
        let (all, light) = Self::loads(config);
        let wait = self.wait(Traffic::Rumor, all);
        if living { wait.min(self.wait(Traffic::Rumor, light).max(self.light.wait(light))) } else { wait }
    }

    /// What must be in the budget for rumors for a packet with all kinds, and for a light one.
    fn loads(config: &Config) -> (u32, u32) {
        let max = u32::from(config.max_datagram);
        (max * (1 + RESERVED_FOR_LIVING), max.min(u32::from(LIGHT)))
    }

    /// How long until a class may send so many bytes, if nothing else is sent.
    pub(crate) fn wait(&mut self, class: Traffic, bytes: u32) -> Duration {
        self.wait_beside(class, bytes, 0)
    }

    /// The same where so many datagrams more are to be left in the total.
    pub(crate) fn wait_beside(&mut self, class: Traffic, bytes: u32, more: u32) -> Duration {
        let in_total = self.in_total(class, bytes).saturating_add(more * self.reserve);
        let total = self.total.wait(in_total);
        self.of(class).map_or(Duration::ZERO, |bucket| bucket.wait(bytes).max(total))
    }

    /// Charges a class for work that is no packet.
    pub(crate) fn charge(&mut self, class: Traffic, bytes: u32) {
        if let Some(bucket) = self.of(class) {
            bucket.spend(bytes);
        }
    }

    fn spend(&mut self, class: Traffic, bytes: u32) {
        self.total.spend(bytes);
        if let Some(bucket) = self.of(class) {
            bucket.spend(bytes);
        }
    }
}

/// One step under way: the node's state, its tables and the caller's outbox.
pub(crate) struct Step<'s, 'o> {
    pub(crate) core: &'s mut Core,
    pub(crate) tables: Tables<'s>,
    pub(crate) out: &'s mut Outbox<'o>,
    /// No packet is longer: what reaches whoever is answered, as far as it is known.
    most: u16,
    /// The longest that reaches this node; where that is less than `max_datagram`, its packets say so.
    reaches: u16,
}

/// What is to be sent; [`Step::send`] makes it a packet.
pub(crate) struct Intent {
    pub(crate) to: SocketAddr,
    pub(crate) class: Traffic,
    pub(crate) message: Option<Message>,
    /// A member whose record goes first, with the accusations against it.
    pub(crate) about: Option<SlotId>,
    /// Whether rumors may fill the rest.
    pub(crate) rumors: bool,
}

impl Intent {
    /// A message alone.
    pub(crate) fn bare(to: SocketAddr, class: Traffic, message: Message) -> Self {
        Self { to, class, message: Some(message), about: None, rumors: false }
    }

    /// A message that takes rumors along.
    pub(crate) fn laden(to: SocketAddr, class: Traffic, message: Message) -> Self {
        Self { rumors: true, ..Self::bare(to, class, message) }
    }
}

impl<'s, 'o> Step<'s, 'o> {
    pub(crate) fn new(core: &'s mut Core, tables: Tables<'s>, out: &'s mut Outbox<'o>) -> Self {
        let limit = core.path.limit(&core.config);
        Self { core, tables, out, most: limit, reaches: limit }
    }
}

impl Step<'_, '_> {
    /// Whoever is answered in this step says that nothing longer reaches it. The answer says so, too, so that what answers
    /// it in turn is no longer either: a walk that began short goes on short, both ways.
    pub(crate) fn keep_within(&mut self, limit: u16) {
        (self.most, self.reaches) = (self.most.min(limit), self.reaches.min(limit));
    }

    /// What packets say of how long an answer may be; nothing, if it may be as long as any.
    fn limit_to_say(&self) -> Option<u16> {
        Some(self.reaches).filter(|&reaches| reaches < self.core.config.max_datagram)
    }

    /// How much longer that makes them.
    pub(crate) fn bytes_of_limit(&self) -> usize {
        if self.limit_to_say().is_some() { LIMIT_BYTES } else { 0 }
    }

    /// How long packets may be, as far as is known.
    pub(crate) fn limit_of_path(&self) -> u16 {
        self.most
    }

    /// Sends packets that are no longer than `limit`, so that they arrive.
    pub(crate) fn within<T>(&mut self, limit: u16, send: impl FnOnce(&mut Self) -> T) -> T {
        let most = self.most;
        self.most = most.min(limit);
        let sent = send(self);
        self.most = most;
        sent
    }

    /// Sends packets that are no longer than `limit`, and ask for answers that are not either.
    pub(crate) fn briefly<T>(&mut self, limit: u16, send: impl FnOnce(&mut Self) -> T) -> T {
        let reaches = self.reaches;
        self.reaches = reaches.min(limit);
        let sent = self.within(limit, send);
        self.reaches = reaches;
        sent
    }

    pub(crate) fn now(&self) -> Instant {
        self.core.clock.now()
    }

    /// This node's own record.
    pub(crate) fn me(&self) -> &Record {
        self.tables.members.record(ME)
    }

    pub(crate) fn my_id(&self) -> NodeId {
        self.me().id()
    }

    pub(crate) fn record(&self, slot: SlotId) -> &Record {
        self.tables.members.record(slot)
    }

    pub(crate) fn zone_of(&self, slot: SlotId) -> Zone {
        self.record(slot).locality().domain()
    }

    /// A nonce for a question: whoever reads it cannot guess another. Never 0.
    pub(crate) fn fresh_nonce(&mut self) -> Nonce {
        let draw = self.core.rng.next();
        self.core.secret.nonce(draw)
    }

    pub(crate) fn raise(&mut self, event: Event) {
        if matches!(event, Event::Left(_)) {
            self.core.life.note_leave(self.core.clock.now(), &self.core.config);
        }
        self.out.raise(event);
    }

    /// Makes the news in a slot a rumor, and sees that a round comes soon.
    pub(crate) fn heat(&mut self, slot: SlotId, born: Stamp) {
        self.tables.rumors.heat(self.tables.members.slots, slot, born);
        self.core.sync.note_change(slot, self.core.clock.now().stamp());
        if self.tables.rumors.are_many(Kind::Living) {
            self.begin_sieving();
        }
        self.schedule_round();
    }

    /// Whether the outbox takes so many packets. A step that has made none yet goes on even if it does not, so
    /// that a small outbox does not stop the work for ever.
    pub(crate) fn has_room_for(&self, packets: usize) -> bool {
        self.out.is_unused() || self.out.room(usize::from(self.core.config.max_datagram)) >= packets
    }

    /// Makes an intent a packet, if its class may still send and the outbox has room; says whether it did.
    pub(crate) fn send(&mut self, intent: Intent) -> bool {
        let Intent { to, class, message, about, rumors } = intent;
        // What rides on a probe is paid from the rumors' budget: the probe itself is never held back.
        let now = self.now();
        let load = if rumors { self.core.budgets.load(&self.core.config, now) } else { Load::Nothing };
        let bare = load == Load::Nothing && about.is_none();
        let most = match (load, message.as_ref().filter(|_| bare)) {
            (_, Some(message)) => Draft::length_with(message) + LIMIT_BYTES,
            (Load::Living, None) => usize::from(self.most.min(LIGHT)),
            (Load::Nothing | Load::All, None) => usize::from(self.most),
        };
        self.write_within(most, to, class, |draft, core, tables| {
            if let Some(message) = &message {
                let _ = draft.message(message);
            }
            if let Some(slot) = about {
                let _ = put_news(draft, core, tables, slot);
                put_accusations(draft, tables, slot);
            }
            let before = draft.len();
            let rides = class != Traffic::Rumor;
            put_rumors(draft, core, tables, about, load, rides);
            let bytes = (draft.len() - before) as u32;
            if rides {
                core.budgets.rumor.spend(bytes);
            }
            if load == Load::Living {
                core.budgets.light.spend(bytes);
            }
        })
    }

    /// The same for whatever a caller writes.
    pub(crate) fn write(
        &mut self,
        to: SocketAddr,
        class: Traffic,
        write: impl FnOnce(&mut Draft<'_>, &mut Core, &mut Tables<'_>),
    ) -> bool {
        self.write_within(usize::from(self.most), to, class, write)
    }

    /// The same for a packet of `most` bytes at the most: what is small still goes out where a full one would be
    /// over the budget.
    fn write_within(
        &mut self,
        most: usize,
        to: SocketAddr,
        class: Traffic,
        write: impl FnOnce(&mut Draft<'_>, &mut Core, &mut Tables<'_>),
    ) -> bool {
        let now = self.now();
        if !self.core.budgets.admit(class, now, most as u32) {
            self.core.metrics.dropped_over_budget += 1;
            return false;
        }
        let limit = self.limit_to_say();
        let made = self.make(to, class, |draft, core, tables| {
            if let Some(limit) = limit {
                let _ = draft.limit(limit);
            }
            write(draft, core, tables);
        });
        let Some(len) = made else { return false };
        self.core.budgets.spend(class, len as u32);
        true
    }

    /// Challenges an address that is not proven, or says where a datagram came from. That counts in the total alone, of which `strangers_per_second` takes a
    /// part: who floods us with questions must not spend what our joiners need.
    pub(crate) fn send_challenge(&mut self, to: SocketAddr, class: Traffic, challenge: &Message) {
        let (now, len) = (self.now(), Draft::length_with(challenge) as u32);
        if !self.core.budgets.admit_in_total(class, now, len) {
            self.core.metrics.dropped_over_budget += 1;
        } else if self.send_unpaid(to, class, challenge) {
            self.core.budgets.total.spend(len);
        }
    }

    /// Answers without any budget: only what has fewer bytes than its question.
    pub(crate) fn send_unpaid(&mut self, to: SocketAddr, class: Traffic, message: &Message) -> bool {
        let made = self.make(to, class, |draft, _, _| {
            let _ = draft.message(message);
        });
        made.is_some()
    }

    /// Makes a packet and counts it; returns its length, or nothing when the outbox is full.
    fn make(
        &mut self,
        to: SocketAddr,
        class: Traffic,
        write: impl FnOnce(&mut Draft<'_>, &mut Core, &mut Tables<'_>),
    ) -> Option<usize> {
        let max = self.core.config.max_datagram;
        let header = Header {
            cluster: self.core.config.cluster.tag,
            sender: self.my_id(),
            fingerprint: self.tables.members.fingerprint(),
        };
        let space =
            self.out.space(usize::from(max)).and_then(|space| space.get_mut(..usize::from(self.most)));
        let Some(space) = space else {
            self.core.metrics.dropped_outbox_full += 1;
            return None;
        };
        let mut draft = Draft::new(space, &header);
        write(&mut draft, self.core, &mut self.tables);
        let len = draft.finish();
        debug_assert!(is_decodable(self.out.space(len)), "a datagram that nobody takes in");
        self.out.commit(to, len, class);
        self.core.metrics.count_sent(class, len);
        Some(len)
    }
}

/// Whether others can decode a datagram. Only asked where debug assertions are on.
fn is_decodable(datagram: Option<&mut [u8]>) -> bool {
    let contents = datagram.and_then(|datagram| Frame::decode(datagram).ok()).map(Frame::contents);
    contents.is_some_and(|contents| contents.is_ok())
}

/// A record with the age of its news.
pub(crate) fn aged(core: &Core, tables: &Tables<'_>, slot: SlotId) -> Aged {
    let entry = tables.members.slot(slot);
    Aged { record: entry.record, age: core.clock.now().stamp().since(entry.born) }
}

/// Adds a member's record to a datagram; false when it is full.
pub(crate) fn put_news(draft: &mut Draft<'_>, core: &mut Core, tables: &Tables<'_>, slot: SlotId) -> bool {
    let put = draft.record(&aged(core, tables, slot));
    core.metrics.records_sent += u64::from(put);
    put
}

/// Adds the accusations that hold a member suspect.
pub(crate) fn put_accusations(draft: &mut Draft<'_>, tables: &Tables<'_>, target: SlotId) {
    let member = tables.members.slot(target);
    let Some(suspicion) = tables.suspicions.get(member) else { return };
    for &accuser in suspicion.accusers() {
        let _ = draft.accusation(&Accusation {
            target: member.record.id(),
            incarnation: member.record.incarnation(),
            accuser: tables.members.record(accuser).id(),
        });
    }
}

/// Fills a datagram with rumors, which may be one that they only ride on: records first, then the accusations behind those
/// that are suspect. Our own record is not told twice where the datagram is `about` it.
fn put_rumors(
    draft: &mut Draft<'_>,
    core: &mut Core,
    tables: &mut Tables<'_>,
    about: Option<SlotId>,
    load: Load,
    rides: bool,
) {
    let now = core.clock.now().stamp();
    let [living, silent] = Kind::ALL.map(|kind| core.gossip.sends(kind, &core.config, &tables.members));
    // Where many are silent, what rides goes wherever probes fail: rounds, which reach all neighbours, have all their sends.
    let free = rides && living > silent && core.config.mode != Mode::Pull;
    let sends = [if free { None } else { Some(living) }, Some(silent)];
    let mut suspects = heapless::Vec::<(SlotId, usize), MAX_TAKEN>::new();
    let mut sent = 0;
    let suspicions = &tables.suspicions;
    let cooled = tables.rumors.take(tables.members.slots, load.kinds(), sends, |slot, member| {
        if slot == ME && about == Some(ME) {
            return true;
        }
        let suspect = member.record.status() == Status::Suspect;
        let suspicion = if suspect { suspicions.get(member) } else { None };
        let accusers = suspicion.map_or(0, |suspicion| suspicion.accusers().len());
        if !draft.hold(accusers) {
            return false;
        }
        let put = draft.record(&Aged { record: member.record, age: now.since(member.born) });
        if !put {
            draft.release(accusers);
        } else if accusers > 0 {
            let _ = suspects.push((slot, accusers));
        }
        sent += u64::from(put);
        put
    });
    for &(_, accusers) in &suspects {
        draft.release(accusers);
    }
    for &(slot, _) in &suspects {
        put_accusations(draft, tables, slot);
    }
    core.metrics.records_sent += sent;
    core.metrics.rumors_cooled += u64::from(cooled);
}
