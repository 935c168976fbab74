//! Sending: how an intent becomes a packet, within its budget.

use crate::{
    kernel::{
        budget::{LIGHT, Load},
        context::{Context, Kernel},
        peer::Peer,
        telling::{put_events, put_nothing, put_state},
    },
    security::{guard::Form, signer::proof_of},
    tables::{
        memory::Tables,
        proofs::Proofs,
        queue::{KINDS, Kind, MAX_TAKEN},
        table::{
            ME, Slot, SlotId,
            pool::{Pool, Suspicion},
        },
    },
    vocabulary::{
        config::Mode,
        record::{Accusation, Status},
        time::Instant,
        traffic::Traffic,
    },
    wire::{
        frame::{Draft, Frame, Header, LIMIT_BYTES, SUM_BYTES, accusations::Accused},
        message::Message,
        proof::SignedAccusation,
        record::Aged,
    },
};
/// Of a datagram that takes records and state, each has this part for sure.
const LEAST_PART: usize = 4;

/// What is to be sent; [`Context::send`] makes it a packet.
pub(crate) struct Intent {
    pub(crate) to: Peer,
    pub(crate) class: Traffic,
    pub(crate) message: Option<Message>,
    /// A member whose record goes first, with the accusations against it.
    pub(crate) about: Option<SlotId>,
    /// Whether rumors may fill the rest.
    pub(crate) rumors: bool,
    /// Whether it is repeated if nobody answers, so that it may try a key that the receiver may not have yet.
    pub(crate) first: bool,
}

impl Intent {
    /// A message alone.
    pub(crate) fn bare(to: Peer, class: Traffic, message: Message) -> Self {
        Self { to, class, message: Some(message), about: None, rumors: false, first: false }
    }

    /// A message that takes rumors along.
    pub(crate) fn laden(to: Peer, class: Traffic, message: Message) -> Self {
        Self { rumors: true, ..Self::bare(to, class, message) }
    }
}

impl Context<'_, '_> {
    /// Makes an intent a packet, if its class may still send and the outbox has room; says whether it did.
    pub(crate) fn send(&mut self, intent: Intent) -> bool {
        let Intent { to, class, message, about, rumors, first } = intent;
        // Rumors on a probe are paid from the budget for rumors: the probe itself is never delayed.
        let now = self.now();
        let load = if rumors { self.kernel.budgets.load(&self.kernel.config, now) } else { Load::Nothing };
        let state = rumors
            && self.has_state_to_tell()
            && self.kernel.budgets.may_add_state(class, &self.kernel.config, now);
        if state {
            self.show_own();
        }
        let bare = load == Load::Nothing && about.is_none();
        let sum = self.sum_to_say(message.as_ref());
        let of_sum = if sum.is_some() { SUM_BYTES } else { 0 };
        let is_join = matches!(message, Some(Message::Join { .. }));
        let of_proof = if is_join { self.kernel.signer.most_bytes() } else { 0 };
        let most = match (load, message.as_ref().filter(|_| bare)) {
            (_, Some(message)) => Draft::length_with(message) + LIMIT_BYTES + of_sum + of_proof,
            _ if class == Traffic::State => usize::from(self.most.min(LIGHT)),
            (Load::Living, None) => usize::from(self.most.min(LIGHT)),
            (Load::Nothing | Load::All, None) => usize::from(self.most),
        };
        let form = self.form_for(to.id(), first);
        self.write_within(most, (to, form), class, |draft, kernel, tables| {
            if let Some(message) = &message {
                let _ = draft.message(message);
                if is_join {
                    put_proof_of_joiner(draft, tables);
                }
            }
            let said = if sum.is_some_and(|sum| draft.sum(sum)) { of_sum as u32 } else { 0 };
            kernel.metrics.bytes_of_state += u64::from(said);
            if let Some(slot) = about {
                let _ = put_news(draft, kernel, tables, slot);
                put_accusations(draft, kernel, tables, slot);
            }
            // Neither keeps the other out.
            let part = if state { part_of_state(draft, tables, now) } else { 0 };
            let reserved = part > 0 && draft.reserve_bytes(part);
            let before = draft.len();
            let rides = class != Traffic::Rumor;
            put_rumors(draft, kernel, tables, about, load, rides);
            let bytes = (draft.len() - before) as u32;
            if rides {
                kernel.budgets.rumor.spend(now, bytes);
            }
            if load == Load::Living {
                kernel.budgets.light.spend(now, bytes);
            }
            if reserved {
                draft.release_bytes(part);
            }
            let counts = !rides_freely(kernel, tables, rides);
            said + if state { put_state_within(draft, kernel, tables, now, counts) } else { 0 }
        })
    }

    /// The same for what a caller writes.
    pub(crate) fn write(
        &mut self,
        to: Peer,
        class: Traffic,
        write: impl FnOnce(&mut Draft<'_>, &mut Kernel, &mut Tables<'_>),
    ) -> bool {
        let form = self.form_for(to.id(), false);
        self.write_within(usize::from(self.most), (to, form), class, |draft, kernel, tables| {
            write(draft, kernel, tables);
            0
        })
    }

    /// The same for a packet of `most` bytes at the most: what is small still goes out where a full one would be
    /// over the budget. What is written says how many bytes of it are of state, and charged to that.
    fn write_within(
        &mut self,
        most: usize,
        to: (Peer, Form),
        class: Traffic,
        write: impl FnOnce(&mut Draft<'_>, &mut Kernel, &mut Tables<'_>) -> u32,
    ) -> bool {
        let now = self.now();
        if !self.kernel.budgets.admit(class, now, most as u32) {
            self.kernel.metrics.dropped_over_budget += 1;
            return false;
        }
        let (limit, mut of_state) = (self.limit_to_say(), 0);
        let made = self.make(to, class, |draft, kernel, tables| {
            if let Some(limit) = limit {
                let _ = draft.limit(limit);
            }
            of_state = write(draft, kernel, tables);
        });
        let Some(len) = made else { return false };
        self.kernel.budgets.spend(class, now, len as u32, of_state);
        true
    }

    /// Challenges an address that is not proven, or says where a datagram came from. That counts in the total alone,
    /// of which `non_members_per_second` takes a part: a flood of questions must not use up what joiners need.
    pub(crate) fn send_challenge(&mut self, to: Peer, class: Traffic, challenge: &Message) {
        let (now, len) = (self.now(), self.length_on_the_wire(Draft::length_with(challenge)) as u32);
        if !self.kernel.budgets.admit_in_total(class, now, len) {
            self.kernel.metrics.dropped_over_budget += 1;
        } else if self.send_unpaid(to, class, challenge) {
            self.kernel.budgets.total.spend(now, len);
        }
    }

    /// Answers without any budget: only what has fewer bytes than its question.
    pub(crate) fn send_unpaid(&mut self, to: Peer, class: Traffic, message: &Message) -> bool {
        let form = self.form_for(to.id(), false);
        let made = self.make((to, form), class, |draft, _, _| {
            let _ = draft.message(message);
        });
        made.is_some()
    }

    /// Makes a packet and counts it; returns its length, or nothing when the outbox is full.
    fn make(
        &mut self,
        (to, form): (Peer, Form),
        class: Traffic,
        write: impl FnOnce(&mut Draft<'_>, &mut Kernel, &mut Tables<'_>),
    ) -> Option<usize> {
        let max = self.kernel.config.max_datagram;
        self.kernel.signer.sign_mine(self.kernel.config.cluster, &mut self.tables);
        let header = Header {
            cluster: self.kernel.config.cluster.tag,
            sender: self.my_id(),
            fingerprint: self.tables.members.fingerprint(),
        };
        let (front, back) = form.room();
        let space = self.out.space(usize::from(max));
        let space = space.and_then(|space| space.get_mut(front..usize::from(self.most).checked_sub(back)?));
        let Some(space) = space else {
            self.kernel.metrics.dropped_outbox_full += 1;
            return None;
        };
        let mut draft = Draft::new(space, &header);
        write(&mut draft, self.kernel, &mut self.tables);
        let written = draft.finish();
        debug_assert!(is_decodable(space.get(..written)), "a datagram that nobody takes in");
        let len = front + written + back;
        self.out.commit(
            to,
            len,
            class,
            #[cfg(feature = "seal")]
            form,
        );
        self.kernel.metrics.count_sent(class, len);
        Some(len)
    }
}

/// How much of a datagram rumors leave to state: room for a whole event, if one is to be told, since there is no later.
fn part_of_state(draft: &Draft<'_>, tables: &Tables<'_>, now: Instant) -> usize {
    let part = draft.room() / LEAST_PART;
    let has_state = tables.state.pending() > 0 || tables.values.view().pending() > 0;
    let kept = if has_state { part } else { 0 };
    kept + tables.events.next_len(now).min(2 * part)
}

/// Fills a datagram with kept state and events, as far as the budget for state goes; returns how many bytes that took. They
/// take turns to be first. An event keeps its turn until the budget holds as much as it takes, since it cannot be cut.
fn put_state_within(
    draft: &mut Draft<'_>,
    kernel: &mut Kernel,
    tables: &mut Tables<'_>,
    now: Instant,
    counts: bool,
) -> u32 {
    let put_state = |draft: &mut Draft<'_>, kernel: &mut Kernel, tables: &mut Tables<'_>| {
        put_state(draft, kernel, tables, counts)
    };
    let holds = kernel.budgets.state.holds(now);
    let event = if kernel.pace.events_first { tables.events.next_len(now) as u32 } else { 0 };
    if event == 0 {
        kernel.pace.events_first = true;
        let state = put_within(draft, kernel, tables, holds, put_state);
        return state + put_within(draft, kernel, tables, holds.saturating_sub(state), put_events);
    }
    let events = put_within(draft, kernel, tables, holds, put_events);
    kernel.pace.events_first = events == 0;
    let taken = if events == 0 { event } else { events };
    events + put_within(draft, kernel, tables, holds.saturating_sub(taken), put_state)
}

/// Fills a datagram with at most so many bytes; returns how many it took.
fn put_within(
    draft: &mut Draft<'_>,
    kernel: &mut Kernel,
    tables: &mut Tables<'_>,
    most: u32,
    put: impl Fn(&mut Draft<'_>, &mut Kernel, &mut Tables<'_>) -> u32,
) -> u32 {
    let beyond = draft.room().saturating_sub(most as usize);
    let reserved = draft.reserve_bytes(beyond);
    let bytes = put(draft, kernel, tables);
    if reserved {
        draft.release_bytes(beyond);
    }
    bytes
}

/// Whether others can decode a datagram. Only asked where debug assertions are on.
fn is_decodable(datagram: Option<&[u8]>) -> bool {
    let contents = datagram.and_then(|datagram| Frame::decode(datagram).ok()).map(Frame::contents);
    contents.is_some_and(|contents| contents.is_ok())
}

/// A record with the age of its news.
pub(crate) fn aged(kernel: &Kernel, tables: &Tables<'_>, slot: SlotId) -> Aged {
    let entry = tables.members.slot(slot);
    Aged { record: entry.record, age: kernel.clock.now().stamp().since(entry.born) }
}

/// Adds a member's record to a datagram; false when it is full.
pub(crate) fn put_news(
    draft: &mut Draft<'_>,
    kernel: &mut Kernel,
    tables: &Tables<'_>,
    slot: SlotId,
) -> bool {
    let record = aged(kernel, tables, slot);
    let put = put_record(draft, kernel, &tables.proofs, (slot, &record), true);
    kernel.metrics.records_sent += u64::from(put);
    if put && slot == ME && !tables.state.keeps() {
        let _ = put_nothing(draft, kernel, &tables.members);
    }
    put
}

/// Adds a record, and if this node signs, what its owner has signed; with its key, if it is `keyed`.
fn put_record(
    draft: &mut Draft<'_>,
    kernel: &Kernel,
    proofs: &Proofs<'_>,
    (slot, record): (SlotId, &Aged),
    keyed: bool,
) -> bool {
    if !kernel.signer.signs() {
        return draft.record(record);
    }
    // Who hears of a suspicion or of a death mostly knows that incarnation.
    let told = keyed || matches!(record.record.status(), Status::Alive | Status::Left);
    draft.proven_record(record, proof_of(proofs, slot, keyed).filter(|_| told).as_ref())
}

/// Adds what this node has signed of itself to its join, with its key; not, where that does not fit.
fn put_proof_of_joiner(draft: &mut Draft<'_>, tables: &Tables<'_>) {
    if let Some(proof) = proof_of(&tables.proofs, ME, true) {
        let _ = draft.proof(Some(&proof));
    }
}

/// Adds the accusations against a member that is suspect or dead.
pub(crate) fn put_accusations(draft: &mut Draft<'_>, kernel: &Kernel, tables: &Tables<'_>, target: SlotId) {
    let member = tables.members.slot(target);
    let (of, incarnation) = (member.record.id(), member.record.incarnation());
    for (accuser, signature) in tables.proofs.accusations(target, (of, incarnation)) {
        let accusation = Accusation { target: of, incarnation, accuser };
        let _ = draft.signed_accusation(&SignedAccusation::new(accusation, signature));
    }
    let suspicion = tables.suspicions.get(member).filter(|_| !kernel.signer.requires());
    for &accuser in suspicion.map_or(&[][..], Suspicion::accusers) {
        let accuser = tables.members.record(accuser).id();
        let _ = draft.accusation(&Accusation { target: of, incarnation, accuser });
    }
}

/// How many there are.
fn accusations_of(
    kernel: &Kernel,
    (proofs, suspicions): (&Proofs<'_>, &Pool<'_>),
    slot: SlotId,
    member: &Slot,
) -> Accused {
    let record = &member.record;
    let suspicion = suspicions.get(member).filter(|_| !kernel.signer.requires());
    let signed = if kernel.signer.signs() && matches!(record.status(), Status::Suspect | Status::Dead) {
        proofs.accusations(slot, (record.id(), record.incarnation())).count() as u8
    } else {
        0
    };
    let unsigned = suspicion.filter(|_| record.status() == Status::Suspect);
    Accused { unsigned: unsigned.map_or(0, |suspicion| suspicion.accusers().len() as u8), signed }
}

/// How often a rumor of each kind is sent.
fn sends(kernel: &Kernel, tables: &Tables<'_>) -> [u8; KINDS] {
    Kind::ALL.map(|kind| kernel.repeats.sends_of(kind, &kernel.config, &tables.members))
}

/// Whether what rides on a packet does not count as a send of it. Where many are silent, what rides goes wherever probes
/// fail: rounds, which reach all neighbours, have all their sends.
fn rides_freely(kernel: &Kernel, tables: &Tables<'_>, rides: bool) -> bool {
    let [living, silent] = sends(kernel, tables);
    rides && living > silent && kernel.config.mode != Mode::Pull
}

/// Fills a datagram with rumors, which may be one that they only ride on: records first, then the accusations behind
/// those that are suspect or dead. Our own record is not told twice where the datagram is `about` it.
fn put_rumors(
    draft: &mut Draft<'_>,
    kernel: &mut Kernel,
    tables: &mut Tables<'_>,
    about: Option<SlotId>,
    load: Load,
    rides: bool,
) {
    let now = kernel.clock.now().stamp();
    let [living, silent] = sends(kernel, tables);
    let sends = [(!rides_freely(kernel, tables, rides)).then_some(living), Some(silent)];
    let mut accused = heapless::Vec::<(SlotId, Accused), MAX_TAKEN>::new();
    let mut sent = 0;
    let (suspicions, proofs, keeps, mut nothing) =
        (&tables.suspicions, &mut tables.proofs, tables.state.keeps(), false);
    let retired = tables.rumors.take(tables.members.slots, load.kinds(), sends, |slot, member| {
        if slot == ME && about == Some(ME) {
            return true;
        }
        let accusations = accusations_of(kernel, (proofs, suspicions), slot, member);
        if !draft.reserve(accusations) {
            return false;
        }
        let (record, keyed) =
            (Aged { record: member.record, age: now.since(member.born) }, proofs.shows_key(slot));
        let put = put_record(draft, kernel, proofs, (slot, &record), keyed);
        if !put {
            draft.release(accusations);
        } else if accusations.count() > 0 {
            let _ = accused.push((slot, accusations));
        } else if slot == ME && !keeps {
            nothing = true;
        }
        if put && keyed {
            proofs.count_shown(slot);
        }
        sent += u64::from(put);
        put
    });
    for &(_, accusations) in &accused {
        draft.release(accusations);
    }
    for &(slot, _) in &accused {
        put_accusations(draft, kernel, tables, slot);
    }
    if nothing {
        let _ = put_nothing(draft, kernel, &tables.members);
    }
    kernel.metrics.records_sent += sent;
    kernel.metrics.rumors_retired += u64::from(retired);
}
