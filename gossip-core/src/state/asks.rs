//! Questions: what a member does not publish, it may still tell a member that asks.
//!
//! ```text
//! host ──ask──▶ open ──question, up to 3 times──▶ member ──Asked──▶ its host
//!                │                                                    │
//!                ├──▶ Answered, or AskFailed ◀────────answer──────────┘
//!                └──▶ AskFailed: after the last try, or when the member is gone
//! ```
//!
//! A member keeps nothing of a question: its host gets all that an answer takes. Answers are longer than questions, so they go
//! only to the advertised addresses of live members.

use crate::{
    kernel::{
        budget::Bucket,
        context::Context,
        outbox::{EVENTS_OF_STEP, Event},
        sending::Intent,
    },
    state::plane::State,
    tables::table::{ME, SlotId},
    vocabulary::{
        ask::{Answer, AskFailure, AskId, Question},
        bounds::sized,
        error::StateError,
        key::ValueKey,
        metrics::Metrics,
        record::NodeId,
        time::{Instant, Judged, micros},
        traffic::Traffic,
    },
    wire::{
        answer::Reply,
        frame::BESIDE_ANSWER,
        message::{Message, Nonce},
    },
};
use core::time::Duration;

/// Questions of this node that are open at a time.
const MAX_OPEN: usize = sized(16, 4);
/// How often a question is sent. At 20 % loss one in 21 gets no answer.
const TRIES: u8 = 3;
/// Questions of others a second that the host is told of, and how many at once.
const QUESTIONS_PER_SECOND: u32 = 32;
const QUESTIONS_AT_ONCE: u32 = sized(32, 16) as u32;

/// A question that waits for its answer.
#[derive(Clone)]
struct Open {
    id: AskId,
    nonce: Nonce,
    member: NodeId,
    key: ValueKey,
    /// How often it was sent.
    sent: u8,
    /// When it is sent again, or given up.
    due: Judged<Instant>,
}

/// What this node asks, and how much it is asked.
#[derive(Clone)]
pub(super) struct Asks {
    open: heapless::Vec<Open, MAX_OPEN>,
    /// Questions asked so far.
    asked: u32,
    questions: Bucket,
}

impl Asks {
    pub(super) fn new(now: Instant) -> Self {
        let questions = Bucket::new(QUESTIONS_PER_SECOND, QUESTIONS_AT_ONCE, now);
        Self { open: heapless::Vec::new(), asked: 0, questions }
    }
}

/// The slot of a live member other than this node.
fn live(cx: &Context<'_, '_>, id: NodeId) -> Option<SlotId> {
    cx.tables.members.find(id).filter(|&slot| slot != ME && cx.record(slot).status().is_live())
}

impl State {
    /// When a question is to be sent again, or given up.
    pub(crate) fn next_ask(&self, cx: &Context<'_, '_>) -> Instant {
        let due = self.asks.open.iter().map(|open| open.due).min();
        due.map_or(Instant::NEVER, |due| cx.kernel.clock.real(due))
    }

    /// Asks a member.
    pub(crate) fn ask(
        &mut self,
        cx: &mut Context<'_, '_>,
        member: NodeId,
        key: &str,
    ) -> Result<AskId, StateError> {
        let key = ValueKey::from_bytes(key.as_bytes()).ok_or(StateError::Key)?;
        if live(cx, member).is_none() {
            return Err(StateError::NoMember);
        }
        let (id, nonce) = (AskId(self.asks.asked), cx.fresh_nonce());
        let open = Open { id, nonce, member, key, sent: 0, due: cx.kernel.clock.judged() };
        self.asks.open.push(open).map_err(|_| StateError::TooManyAsked { most: MAX_OPEN })?;
        self.asks.asked = self.asks.asked.wrapping_add(1);
        cx.kernel.metrics.asked += 1;
        self.advance_ask(cx, self.asks.open.len() - 1);
        Ok(id)
    }

    /// Nobody waits for this question any more. What is answered all the same, is dropped.
    pub(crate) fn forget_ask(&mut self, metrics: &mut Metrics, ask: AskId) {
        if let Some(at) = self.asks.open.iter().position(|open| open.id == ask) {
            self.asks.open.swap_remove(at);
            metrics.asked_failed += 1;
        }
    }

    /// Sends questions again whose time has come, or gives them up.
    pub(crate) fn advance_asks(&mut self, cx: &mut Context<'_, '_>) {
        let judged = cx.kernel.clock.judged();
        // Backwards, since advancing may remove the one at hand.
        for at in (0..self.asks.open.len()).rev() {
            if !cx.has_room_for(1) || cx.out.event_room() < EVENTS_OF_STEP {
                return;
            }
            if self.asks.open.get(at).is_some_and(|open| open.due <= judged) {
                self.advance_ask(cx, at);
            }
        }
    }

    fn advance_ask(&mut self, cx: &mut Context<'_, '_>, at: usize) {
        let Some(open) = self.asks.open.get_mut(at) else { return debug_assert!(false, "no such question") };
        let why = match live(cx, open.member) {
            Some(slot) if open.sent < TRIES => {
                open.sent += 1;
                open.due = cx.kernel.clock.judged() + patience(cx, slot, open.sent);
                let question = Message::Ask { nonce: open.nonce, key: open.key };
                let _ = cx.send(Intent::bare(cx.peer(slot), Traffic::State, question));
                return;
            }
            Some(_) => AskFailure::Silent,
            None => AskFailure::Gone,
        };
        self.give_up(cx, at, why);
    }

    fn give_up(&mut self, cx: &mut Context<'_, '_>, at: usize, why: AskFailure) {
        let Open { id, member, .. } = self.asks.open.swap_remove(at);
        cx.kernel.metrics.asked_failed += 1;
        cx.raise(Event::AskFailed { ask: id, member, why });
    }

    /// A member asks, which `is_entitled` to an answer if it sends from its advertised address.
    pub(crate) fn hear_question(
        &mut self,
        cx: &mut Context<'_, '_>,
        sender: SlotId,
        is_entitled: bool,
        (nonce, key): (Nonce, &ValueKey),
    ) {
        let (now, key, record) = (cx.now(), key.as_bytes(), cx.record(sender));
        let (from, is_live) = (record.id(), record.status().is_live());
        let has_room = cx.out.has_room_for_payload(key.len(), 0);
        if !is_entitled || !is_live || !has_room || !self.asks.questions.take(now, 1) {
            cx.kernel.metrics.dropped_questions += 1;
            return;
        }
        cx.kernel.metrics.questions += 1;
        let (question, key) = (Question { from, nonce, most: cx.limit_of_path() }, cx.out.keep_payload(key));
        cx.raise(Event::Asked { question, key });
    }

    /// Sends a member what the host answers it. What is dropped for want of budget, it asks for again.
    pub(crate) fn answer(
        &mut self,
        cx: &mut Context<'_, '_>,
        question: Question,
        answer: Answer<'_>,
    ) -> Result<(), StateError> {
        let most = usize::from(question.most.min(cx.limit_of_path())).saturating_sub(BESIDE_ANSWER);
        let found = if let Answer::Found(bytes) = answer { bytes.len() } else { 0 };
        if found > most {
            return Err(StateError::AnswerTooLarge { most });
        }
        let (now, bytes) = (cx.now(), (BESIDE_ANSWER + found) as u16);
        let to = live(cx, question.from).map(|slot| cx.peer(slot));
        let reply = Reply { nonce: question.nonce, answer };
        let sent = to.is_some_and(|to| {
            cx.kernel.budgets.take_answer(now, bytes.into())
                && cx.as_long_as(bytes.into(), |cx| {
                    cx.write(to, Traffic::State, |draft, _, _| {
                        let _ = draft.answer(&reply);
                    })
                })
        });
        let Metrics { answers, dropped_answers, .. } = &mut cx.kernel.metrics;
        *(if sent { answers } else { dropped_answers }) += 1;
        Ok(())
    }

    /// Whether a question to this member, with this nonce, waits for its answer.
    pub(crate) fn has_asked(&self, member: NodeId, nonce: Nonce) -> bool {
        self.asks.open.iter().any(|open| open.nonce == nonce && open.member == member)
    }

    /// A member answers. What this node does not wait for, or not from it, changes nothing.
    pub(crate) fn hear_answer(&mut self, cx: &mut Context<'_, '_>, sender: NodeId, reply: &Reply<'_>) {
        let is_meant = |open: &Open| open.nonce == reply.nonce && open.member == sender;
        let open = self.asks.open.iter().position(is_meant);
        let found = if let Answer::Found(bytes) = reply.answer { bytes } else { &[] };
        let Some(at) = open.filter(|_| cx.out.has_room_for_payload(found.len(), 0)) else {
            cx.kernel.metrics.dropped_answers += 1;
            return;
        };
        match reply.answer {
            Answer::Found(bytes) => {
                let Open { id, member, .. } = self.asks.open.swap_remove(at);
                cx.kernel.metrics.asked_answered += 1;
                let payload = cx.out.keep_payload(bytes);
                cx.raise(Event::Answered { ask: id, member, payload });
            }
            Answer::Unknown => self.give_up(cx, at, AskFailure::Unknown),
            Answer::Refused => self.give_up(cx, at, AskFailure::Refused),
        }
    }
}

/// How long to wait for an answer, after `sent` sends of the question: twice the ack timeout, since a host has to find it. After
/// the last one there is nothing to gain by haste.
fn patience(cx: &Context<'_, '_>, slot: SlotId, sent: u8) -> Duration {
    let config = &cx.kernel.config;
    let timeout = 2 * cx.kernel.round_trips.timeout(config, cx.zone_of(slot));
    let least = if sent < TRIES { 0 } else { micros(config.ack_timeout_max) };
    Duration::from_micros(timeout.max(least))
}
