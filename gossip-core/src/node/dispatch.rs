//! The way of a datagram: opened, taken in, answered.

use crate::{
    bootstrap::admission::Served,
    kernel::{context::Kernel, peer::Peer, sending::Intent},
    membership::{
        detector,
        identity::Phase,
        news::{Corrections, Source},
    },
    node::step::Step,
    security::{guard::Form, open::Authentic},
    state::{gaps::MAX_WANTED, plane::State},
    tables::table::{ME, SlotId},
    vocabulary::{
        address::canonical,
        error::Verdict,
        record::{NodeId, Record, Status},
        traffic::Traffic,
    },
    wire::{
        frame::Contents,
        message::{INTRODUCTION, Message, Nonce, Token},
        proof::{Proof, SignedAccusation},
        record::Aged,
    },
};
use core::net::SocketAddr;

impl Step<'_, '_> {
    #[inline(never)]
    pub(super) fn handle(&mut self, from: SocketAddr, datagram: &mut [u8]) -> Verdict {
        let from = canonical(from);
        let bytes = datagram.len();
        self.cx.kernel.metrics.datagrams_received += 1;
        self.cx.kernel.metrics.bytes_received += bytes as u64;
        if self.membership.lifecycle.phase() == Phase::Gone {
            return Verdict::Inactive;
        }
        let authentic = match self.open(from, datagram) {
            Ok(authentic) => authentic,
            Err(verdict) => return self.refuse(from, verdict),
        };
        if self.cx.kernel.gate.denies(authentic.sender) {
            return self.refuse(from, Verdict::Denied);
        }
        let from = Peer::new(authentic.sender, from);
        // No answer may be longer than its question; both are compared as they are in the clear.
        let (front, back) = authentic.provenance.form().room();
        let bytes = bytes - front - back;
        if authentic.sender == self.cx.my_id() {
            self.cx.kernel.metrics.foreign += 1;
            if let Some(Message::Join { me, .. }) = &authentic.contents.message {
                self.membership.meet_duplicate(&mut self.cx, from, &me.record, bytes);
            }
            return Verdict::OwnEcho;
        }
        if let Some(limit) = authentic.contents.limit {
            self.cx.keep_within(limit);
        }
        match self.cx.tables.members.find(authentic.sender) {
            Some(sender) if self.speaks_now(from, sender, &authentic) => {
                self.handle_member(from, sender, &authentic, bytes)
            }
            _ => self.handle_non_member(from, &authentic, bytes),
        }
    }

    #[inline(never)]
    fn open<'d>(&mut self, from: SocketAddr, datagram: &'d mut [u8]) -> Result<Authentic<'d>, Verdict> {
        let (now, bytes) = (self.cx.now(), datagram.len());
        let Kernel { config, guard, secret, .. } = &mut *self.cx.kernel;
        let authentic = Authentic::open((now, from), datagram, config, (guard, secret), &mut self.cx.tables)?;
        let sealed = authentic.provenance.form() != Form::CLEAR;
        let metrics = &mut self.cx.kernel.metrics;
        metrics.count_received(authentic.contents.class(), bytes);
        metrics.received_sealed += u64::from(sealed);
        metrics.received_clear += u64::from(!sealed);
        self.cx.begin_answering(authentic.sender, authentic.provenance);
        Ok(authentic)
    }

    /// Whether a member is known to say this now: it follows what it said before, or answers a question that was not answered yet.
    fn speaks_now(&mut self, from: Peer, sender: SlotId, authentic: &Authentic<'_>) -> bool {
        if authentic.provenance.is_for_anybody() {
            return false; // its join is heard, and nothing beside it
        }
        if authentic.provenance.is_fresh() {
            return true;
        }
        let proven = self.answers_us(from, sender, &authentic.contents);
        if proven {
            self.cx.prove(sender, None);
        } else {
            self.cx.kernel.metrics.unproven += 1;
        }
        proven
    }

    /// Whether this is an answer to a question of ours that still waits for one.
    fn answers_us(&self, from: Peer, sender: SlotId, contents: &Contents<'_>) -> bool {
        let (cx, membership, joining) = (&self.cx, &*self.membership, &self.bootstrap.joining);
        let id = cx.record(sender).id();
        if let Some(reply) = &contents.answer {
            return self.state.has_asked(id, reply.nonce);
        }
        match contents.message {
            Some(Message::Ack { nonce }) => membership.awaits_ack(cx, sender, nonce),
            Some(Message::RelayedAck { nonce } | Message::Nack { nonce }) => {
                membership.has_asked_relay(sender, nonce)
            }
            Some(Message::Challenge { nonce, .. }) => {
                membership.awaits_ack(cx, sender, nonce)
                    || membership.has_pinged(cx, from.address, nonce)
                    || joining.awaits(nonce)
            }
            Some(
                Message::Welcome { nonce, .. } | Message::Busy { nonce, .. } | Message::Page { nonce, .. },
            ) => joining.awaits(nonce),
            Some(Message::Sifted { nonce }) => self.dissemination.has_asked(id, nonce),
            _ => false,
        }
    }

    fn handle_member(
        &mut self,
        from: Peer,
        sender: SlotId,
        authentic: &Authentic<'_>,
        bytes: usize,
    ) -> Verdict {
        // Answers that cost more than the question go only to the address in the member's record.
        let from_advertised = self.cx.record(sender).address() == from.address;
        let ours = self.cx.tables.members.fingerprint();
        let same_view = authentic.fingerprint == ours;
        let same_members = authentic.fingerprint.has_same_identities(ours);
        self.cx.kernel.metrics.fingerprints_equal += u64::from(same_view);
        self.cx.kernel.metrics.fingerprints_differed += u64::from(!same_view);
        let now = self.cx.now();
        self.membership.lifecycle.note_heard(now);
        let mut corrections = Corrections::default();
        let road = self.cx.kernel.round_trips.one_way_ms(self.cx.zone_of(sender));
        self.hear_news(authentic, road, &mut corrections);
        // News may have taken the place of a sender that is a tombstone.
        let Some(sender) = self.cx.tables.members.find(authentic.sender) else { return Verdict::Accepted };
        let ours = self.cx.tables.members.fingerprint();
        let same_view = same_view || authentic.fingerprint == ours;
        self.cx.kernel.agreement.note(now, authentic.sender, same_view);
        let same_members = same_members || authentic.fingerprint.has_same_identities(ours);
        if let Some(message) = &authentic.contents.message {
            let proof = authentic.contents.proof_of_joiner();
            self.handle_message(from, (sender, from_advertised), (message, proof.as_ref()), bytes);
        }
        self.hear_exchange(sender, from_advertised, authentic);
        self.state.hear_pulses(&mut self.cx, road, authentic.contents.pulses());
        self.cx.correct_sender(sender, &mut corrections);
        if from_advertised {
            self.membership.recheck(&mut self.cx, sender);
            let probing =
                matches!(authentic.contents.message, Some(Message::Ping { .. } | Message::Ack { .. }));
            let live = self.cx.record(sender).status().is_live();
            self.dissemination.sieves.note_heard(authentic, !same_members && live);
            if !same_view && probing && live {
                self.dissemination.meet_difference(&mut self.cx, sender, same_members);
            }
            self.dissemination.handle_sync(&mut self.cx, from, authentic);
            if live {
                self.state.hear_heads(&mut self.cx, from, authentic.contents.heads());
                self.state.hear_event_heads(&mut self.cx, from, authentic.contents.event_heads());
            }
            let asker = (from, authentic.sender);
            self.state.answer_event_wants(&mut self.cx, asker, authentic.contents.event_wants());
            self.state.answer_wants(&mut self.cx, from, authentic.contents.wants());
            self.state.compare_values(&mut self.cx, from, &authentic.contents);
            if let Some(range) = authentic.contents.ranges().next() {
                self.state.answer_range(&mut self.cx, from, range);
            }
            self.membership.correct(&mut self.cx, from, &corrections);
        }
        Verdict::Accepted
    }

    /// Takes in a question that a member asks this node's host, or an answer to one of its own.
    fn hear_exchange(&mut self, sender: SlotId, from_advertised: bool, authentic: &Authentic<'_>) {
        if let Some(Message::Ask { nonce, key }) = &authentic.contents.message {
            self.state.hear_question(&mut self.cx, sender, from_advertised, (*nonce, key));
        }
        if let Some(reply) = &authentic.contents.answer {
            self.state.hear_answer(&mut self.cx, authentic.sender, reply);
        }
    }

    /// Takes in the records and accusations of a datagram that was in transit for `road` ms.
    fn hear_news(&mut self, authentic: &Authentic<'_>, road: u32, corrections: &mut Corrections) {
        let source = match authentic.contents.message {
            Some(Message::Sifted { nonce }) => {
                if !self.dissemination.has_asked(authentic.sender, nonce) {
                    self.cx.kernel.metrics.dropped_sifted += 1;
                    return;
                }
                // An unknown member counts as brought by repair, unless this node has just joined itself.
                if self.cx.is_young() { Source::Fetch } else { Source::Repair }
            }
            Some(Message::Welcome { .. } | Message::Page { .. }) => Source::Fetch,
            Some(Message::Repair) => Source::Repair,
            _ => Source::Gossip,
        };
        let (changed, repaired) =
            (self.cx.kernel.metrics.records_changed, self.cx.kernel.metrics.records_repaired);
        for (Aged { record, age }, proof) in authentic.contents.proven_records() {
            let news = Aged { record, age: age.saturating_add(road) };
            if matches!(authentic.contents.message, Some(Message::Welcome { .. })) {
                self.membership.outlive_earlier_self(&mut self.cx, &news);
            }
            let _ = self.membership.hear(&mut self.cx, &news, proof.as_ref(), source, corrections);
        }
        if self.cx.kernel.metrics.records_repaired > repaired {
            self.dissemination.sync.note_mended();
        }
        if matches!(authentic.contents.message, Some(Message::Sifted { .. })) {
            // What answers a sieve has no accusations.
            if self.cx.kernel.metrics.records_changed > changed {
                self.cx.begin_sieving();
            }
            return;
        }
        self.hear_verdicts(authentic, (road, source), corrections);
        self.hear_state(authentic, road, corrections);
        for event in authentic.contents.user_events() {
            let age = State::age_here(&self.cx, event.age, road);
            self.state.hear_event(&mut self.cx, &event, age);
        }
        self.state.hear_values(&mut self.cx, authentic.contents.values());
    }

    /// Takes in who accuses whom, and who is dead by that.
    #[inline(never)]
    fn hear_verdicts(
        &mut self,
        authentic: &Authentic<'_>,
        (road, source): (u32, Source),
        corrections: &mut Corrections,
    ) {
        let contents = &authentic.contents;
        for SignedAccusation { accusation, signature } in contents.signed_accusations() {
            self.membership.hear_accusation(&mut self.cx, accusation, Some(signature), corrections);
        }
        for accusation in contents.accusations() {
            self.membership.hear_accusation(&mut self.cx, accusation, None, corrections);
        }
        if self.cx.kernel.signer.signs() {
            let dead = contents.records().filter(|news| news.record.status() == Status::Dead);
            for Aged { record, age } in dead {
                let news = Aged { record, age: age.saturating_add(road) };
                self.membership.hear_death(&mut self.cx, &news, source, corrections);
            }
        }
    }

    /// Takes in the items of a datagram that was in transit for `road` ms: first what they say of their owners' records,
    /// then their entries.
    fn hear_state(&mut self, authentic: &Authentic<'_>, road: u32, corrections: &mut Corrections) {
        let mut beyond = heapless::Vec::<(SlotId, u32), MAX_WANTED>::new();
        for notice in authentic.contents.items() {
            self.cx.kernel.metrics.items_received += 1;
            let known = self.cx.tables.members.find(notice.owner);
            let ours = known.map(|slot| (slot, *self.cx.record(slot)));
            let current = |record: &Record| {
                record.status().is_live() && record.incarnation().epoch == notice.item.epoch
            };
            let Some((slot, ours)) = ours.filter(|(_, record)| current(record)) else {
                self.cx.kernel.metrics.dropped_items += 1;
                continue;
            };
            let age = notice.age.saturating_add(road);
            let theirs = ours.with_state(notice.item.top, notice.health, notice.pause_s);
            let is_later = theirs.has_later_state_than(&ours);
            if is_later && self.cx.tables.proofs.get(slot).is_some() {
                // Its owner's record, which says so, comes with it or soon; then this is asked for.
                self.cx.kernel.metrics.dropped_items += 1;
                continue;
            }
            if is_later {
                let news = Aged { record: theirs, age };
                let _ = self.membership.hear(&mut self.cx, &news, None, Source::State, corrections);
            }
            if slot != ME && self.cx.keeps_state() {
                let more = self.state.hear_item(&mut self.cx, slot, &notice, age);
                let _ = more.map(|version| beyond.push((slot, version)));
            }
        }
        if let Some(sender) = self.cx.tables.members.find(authentic.sender).filter(|_| !beyond.is_empty()) {
            let to = self.cx.peer(sender);
            State::send_wants(&mut self.cx, to, &beyond);
        }
    }

    fn handle_message(
        &mut self,
        from: Peer,
        (sender, from_advertised): (SlotId, bool),
        (message, proof): (&Message, Option<&Proof<'_>>),
        bytes: usize,
    ) {
        let id = self.cx.record(sender).id();
        match message {
            Message::Ping { nonce, target } if *target == self.cx.my_id() => {
                if !from_advertised {
                    self.answer_unproven_ping(from, *nonce, bytes);
                } else if self.membership.leaves_like(&self.cx, sender) {
                    self.membership.part_with(&mut self.cx, from);
                } else {
                    if let Some(attempt) = detector::attempt_of(*nonce) {
                        self.cx.kernel.repeats.note(attempt > 0);
                    }
                    let ack = Message::Ack { nonce: *nonce };
                    let _ = self.cx.send(Intent::laden(from, Traffic::Probe, ack));
                }
            }
            // Another member had this address before. A node that looks for it finds this one instead, unless it
            // knows this one.
            Message::Ping { nonce, .. }
                if !(from_advertised && self.cx.record(sender).status().is_live()) =>
            {
                self.answer_misdirected_ping(from, *nonce, bytes);
            }
            Message::Ping { .. } => {}
            Message::Ack { nonce } => {
                if !self.membership.lifecycle.note_ack(sender, *nonce) {
                    self.membership.handle_ack(&mut self.cx, id, *nonce);
                }
            }
            Message::RelayedAck { nonce } => self.membership.handle_relayed_ack(&mut self.cx, sender, *nonce),
            Message::Nack { nonce } => self.membership.handle_nack(&mut self.cx, sender, *nonce),
            Message::PingRequest { nonce, target } if from_advertised => {
                self.membership.handle_ping_request(&mut self.cx, sender, *nonce, *target);
            }
            Message::PingRequest { .. } => {}
            Message::Challenge { nonce, token } => {
                if !self.bootstrap.handle_join_challenge(&mut self.cx, *nonce, *token) {
                    self.handle_challenge(from, (sender, from_advertised), *nonce, *token);
                }
            }
            Message::Join { .. } | Message::Fetch { .. } => self.serve(from, id, (message, proof), bytes),
            Message::Welcome { .. } | Message::Busy { .. } | Message::Page { .. } => {
                self.handle_answer(from, message, bytes);
            }
            // From another address it could be from anyone.
            Message::Observed { address, .. } if from_advertised => {
                self.membership.hear_where_seen(&mut self.cx, Some(sender), *address)
            }
            Message::Observed { .. }
            | Message::Pull
            | Message::Repair
            | Message::Sifted { .. }
            | Message::Ask { .. } => {}
        }
    }

    /// A member does not know us (any more), and said so in answer to a ping or a rumor.
    fn handle_challenge(
        &mut self,
        from: Peer,
        (sender, from_advertised): (SlotId, bool),
        nonce: Nonce,
        token: Token,
    ) {
        let introduces = from_advertised || self.membership.has_pinged(&self.cx, from.address, nonce);
        let id = self.cx.record(sender).id();
        self.membership.handle_ack(&mut self.cx, id, nonce);
        if introduces && self.bootstrap.admits_request(&mut self.cx) {
            self.bootstrap.introduce(&mut self.cx, from, INTRODUCTION, token);
            // A member without room for this node challenges it for ever.
            let crowded = !self.cx.tables.members.has_free_slot();
            if nonce == 0 && self.cx.kernel.pace.is_sieving() && !crowded {
                self.dissemination.sieve_from(&mut self.cx, sender);
            }
        }
    }

    fn serve(
        &mut self,
        from: Peer,
        sender: NodeId,
        (message, proof): (&Message, Option<&Proof<'_>>),
        bytes: usize,
    ) {
        match message {
            Message::Join { nonce, token, me } if me.record.id() == sender => {
                match self.bootstrap.handle_join(&mut self.cx, from, (*nonce, *token), me, bytes) {
                    Served::Done => {}
                    Served::SeenElsewhere => {
                        self.membership.note_seen_elsewhere(&mut self.cx, from.address, sender);
                    }
                    Served::Enters(period) => self.let_in(*nonce, (me, proof), period),
                }
            }
            Message::Join { .. } => {}
            _ => self.bootstrap.handle_fetch(&mut self.cx, from, message, bytes),
        }
    }

    /// Takes in a node that wants to join, or introduces itself, and has proven its address.
    fn let_in(&mut self, nonce: Nonce, (joiner, proof): (&Aged, Option<&Proof<'_>>), period: u64) {
        let id = joiner.record.id();
        let peer = Peer::new(id, joiner.record.address());
        let mut corrections = Corrections::default();
        if !self.membership.hear(&mut self.cx, joiner, proof, Source::Owner, &mut corrections) {
            return;
        }
        let known = self.cx.tables.members.find(id);
        if let Some(slot) = known {
            self.cx.prove(slot, Some(period));
        }
        let otherwise = known.filter(|&slot| {
            *self.cx.record(slot) != joiner.record || self.cx.has_had_an_earlier_life(slot, joiner.age)
        });
        if nonce != INTRODUCTION {
            return self.bootstrap.welcome(&mut self.cx, peer, nonce, otherwise);
        }
        if otherwise.is_some() {
            corrections.add(id);
        }
        self.membership.correct(&mut self.cx, peer, &corrections);
        self.bootstrap.ask_who_knows_us(&mut self.cx, peer.address);
    }

    fn handle_answer(&mut self, from: Peer, message: &Message, bytes: usize) {
        match message {
            Message::Welcome { nonce, members } => {
                self.bootstrap.handle_welcome(&mut self.cx, from, *nonce, *members)
            }
            Message::Busy { nonce, others } => self.bootstrap.handle_busy(&mut self.cx, *nonce, others),
            Message::Page { nonce, after, next, last } => {
                let bytes = self.cx.length_as_it_came(bytes);
                self.bootstrap.handle_page(&mut self.cx, *nonce, (*after, *next), *last, bytes);
            }
            _ => {}
        }
    }

    /// A sender that is no member: its news counts for nothing, unless we asked it for them.
    #[inline(never)]
    fn handle_non_member(&mut self, from: Peer, authentic: &Authentic<'_>, bytes: usize) -> Verdict {
        let Some(message) = &authentic.contents.message else {
            self.cx.kernel.metrics.non_members += 1;
            if !self.bootstrap.admits_introduction(&mut self.cx) {
                return Verdict::Limited;
            }
            self.bootstrap.challenge(&mut self.cx, from, Traffic::Sync, 0, bytes);
            return Verdict::NonMember;
        };
        match message {
            Message::Welcome { nonce, .. } | Message::Busy { nonce, .. } | Message::Page { nonce, .. }
                if self.bootstrap.joining.awaits(*nonce) =>
            {
                let mut corrections = Corrections::default();
                self.hear_news(authentic, 0, &mut corrections);
                self.handle_answer(from, message, bytes);
                return Verdict::Accepted;
            }
            Message::Challenge { nonce, token } if self.bootstrap.joining.awaits(*nonce) => {
                let _ = self.bootstrap.handle_join_challenge(&mut self.cx, *nonce, *token);
                return Verdict::Accepted;
            }
            Message::Observed { nonce, address } if self.bootstrap.joining.awaits(*nonce) => {
                self.membership.hear_where_seen(&mut self.cx, None, *address);
                return Verdict::Accepted;
            }
            Message::Join { .. } | Message::Fetch { .. } => {
                let proof = authentic.contents.proof_of_joiner();
                self.serve(from, authentic.sender, (message, proof.as_ref()), bytes);
                return Verdict::Accepted;
            }
            // An unknown node is at an address that this node pinged: it introduces itself.
            Message::Challenge { nonce, token }
                if self.membership.has_pinged(&self.cx, from.address, *nonce)
                    && self.bootstrap.admits_request(&mut self.cx) =>
            {
                self.bootstrap.introduce(&mut self.cx, from, INTRODUCTION, *token);
            }
            Message::Ping { nonce, target } if *target == self.cx.my_id() => {
                self.answer_unproven_ping(from, *nonce, bytes);
            }
            Message::Ping { nonce, .. } => self.answer_misdirected_ping(from, *nonce, bytes),
            _ => {}
        }
        self.cx.kernel.metrics.non_members += 1;
        Verdict::NonMember
    }

    /// Answers a ping from where no member is known to be. A challenge counts as an ack, is no longer than the ping,
    /// and makes the sender introduce itself: a non-member, or a member that has another address here.
    fn answer_unproven_ping(&mut self, from: Peer, nonce: Nonce, bytes: usize) {
        if self.bootstrap.admits_introduction(&mut self.cx) {
            self.bootstrap.challenge(&mut self.cx, from, Traffic::Probe, nonce, bytes);
        } else {
            let _ = self.cx.send_unpaid(from, Traffic::Probe, &Message::Ack { nonce });
        }
    }

    /// Answers a ping for another node, which had this address before: its sender does not know that this node has it
    /// now.
    fn answer_misdirected_ping(&mut self, from: Peer, nonce: Nonce, bytes: usize) {
        if self.bootstrap.admits_introduction(&mut self.cx) {
            self.bootstrap.challenge(&mut self.cx, from, Traffic::Probe, nonce, bytes);
        }
    }
}
