//! Sieves: in a storm of news a node asks one member after another for what it lacks, and says what it has.
//!
//! Push wastes most of its sends on those who know already: of a member that nine in ten know, nine sends in ten tell
//! nothing new. A sieve costs five bits for each member known, and almost all of its answer is new. So while many
//! members are new, they are no rumors to those who hear of them, and sieves bring what is missing.
//!
//! ```text
//! Calm ──many rumors, a first view, a joiner turned away, a sieve that brought some──▶ Asking
//!   ▲                                                                                 │
//!   └────────────────────────ten sieves in a row brought nothing──────────────────────┘
//! ```

use crate::{
    dissemination::{
        plane::Dissemination,
        reconcile::{MAX_SCANNED, SCANNED_PER_BYTE},
    },
    kernel::{
        choose,
        context::Context,
        pace::{SIEVES, sends_sieves, sieve_gap},
        peer::Peer,
    },
    security::open::Authentic,
    tables::table::{SlotId, index::Place},
    vocabulary::{
        bounds::sized,
        record::NodeId,
        time::{Instant, micros},
        traffic::Traffic,
    },
    wire::{
        frame::BESIDE_SIEVE,
        message::{Message, Nonce},
        sieve::Sieve,
    },
};
use core::time::Duration;

/// Bits of a sieve for each member in it. With three hashes 9 % of what is missing passes for known, and comes by the
/// next: filters of nine bits bring a crowd of 1,000 together no sooner, and cost it 15 % more bytes (simulator,
/// `cold-start`).
const BITS: u32 = 5;
/// Sieves whose answers may come: more than a round trip of 200 ms needs at the quickest pace.
const MAX_ASKED: usize = sized(8, 1);
/// Fruitless sieves after which a node stops: at 20 % loss a third of all exchanges fail.
const MAX_VAIN: u32 = 10;
/// Fruitless sieves that do not lengthen the wait for the next one; each further one doubles it.
const EVEN: u32 = 4;
/// The most doublings of that wait: up to eight times as long.
const MAX_DOUBLINGS: u32 = 3;
/// Fruitless sieves after which a view counts as complete.
const COMPLETE: u32 = 2;
/// While fewer members are known, the member that told us something last is asked: it knows us. From then on a random
/// member most likely does, and those that tell much are not asked by all.
const FEW: u32 = 128;
/// Records that answer a sieve: four datagrams full, or one.
const MAX_SIFTED: usize = sized(160, 24);
/// Datagrams that the budget for sync must have room for before a sieve goes out: one more than a referral takes, since
/// referrals come first while many want in.
const ROOM_FOR_SIEVE: u32 = 3;
/// The same for answers, and for sieves beside the regular ones: regular sieves go first.
const ROOM_FOR_ANSWER: u32 = 4;
/// The shortest wait for the budget.
const LEAST_WAIT: Duration = Duration::from_millis(1);
/// How long after its first view a node sends a sieve where it would pull, and takes in the answers like pages: it is
/// too new to have forgotten a death that an answer could revive.
const YOUTH: Duration = Duration::from_secs(30);

/// When the next sieve goes out, to whom, and which were sent.
#[derive(Clone)]
pub(crate) struct Sieves {
    /// The member that told us something last, and so knows us.
    teller: Option<NodeId>,
    /// The latest sieves and the members they went to, the newest last: only their answers count.
    asked: heapless::Vec<(Nonce, NodeId), MAX_ASKED>,
}

impl Sieves {
    pub(crate) fn new() -> Self {
        Self { teller: None, asked: heapless::Vec::new() }
    }

    /// A member sent from its advertised address; whether it is live and `differs`. What it would not tell a
    /// non-member means that it knows us.
    pub(crate) fn note_heard(&mut self, datagram: &Authentic<'_>, differs: bool) {
        let tells = datagram.contents.sieve.is_some()
            || matches!(datagram.contents.message, None | Some(Message::Pull | Message::Ping { .. }));
        if differs && tells {
            self.teller = Some(datagram.sender);
        }
    }
}

impl Dissemination {
    /// Whether this member was asked with this nonce, so that its records count.
    pub(crate) fn has_asked(&self, member: NodeId, nonce: Nonce) -> bool {
        SIEVES && self.sieves.asked.contains(&(nonce, member))
    }

    /// Sends the next sieve, if it is due and the budget has room.
    pub(crate) fn sieve(&mut self, cx: &mut Context<'_, '_>) {
        let now = cx.now();
        if !SIEVES || cx.kernel.pace.sieve > now {
            return;
        }
        if cx.kernel.pace.vain >= MAX_VAIN || cx.tables.members.live() == 0 {
            cx.kernel.pace.sieve = Instant::NEVER;
            return;
        }
        let need = u32::from(cx.kernel.config.max_datagram) * ROOM_FOR_SIEVE;
        if !cx.kernel.budgets.admit(Traffic::Sync, now, need) {
            let wait = cx.kernel.budgets.wait(Traffic::Sync, now, need).max(LEAST_WAIT);
            cx.kernel.pace.sieve = now + wait;
            return;
        }
        let doublings = cx.kernel.pace.vain.saturating_sub(EVEN).min(MAX_DOUBLINGS);
        let gap = sieve_gap(&cx.kernel.config) * 2u32.pow(doublings);
        let jitter = Duration::from_micros(cx.kernel.rng.below_u64(micros(gap) / 2 + 1));
        let pace = &mut cx.kernel.pace;
        (pace.vain, pace.sieve) = (pace.vain + 1, now + gap * 3 / 4 + jitter);
        if let Some(peer) = self.peer_to_sieve(cx) {
            self.send_sieve(cx, peer);
        }
    }

    fn peer_to_sieve(&mut self, cx: &mut Context<'_, '_>) -> Option<SlotId> {
        let members = &cx.tables.members;
        let teller = self.sieves.teller.take().and_then(|id| members.find(id));
        let teller = teller.filter(|_| members.live() < FEW);
        teller.or_else(|| choose::well_peer(members, &mut cx.kernel.rng))
    }

    /// Sends a sieve beside the regular ones: to a member that just learns of us, or that knows something else.
    pub(crate) fn sieve_from(&mut self, cx: &mut Context<'_, '_>, peer: SlotId) {
        let (now, max) = (cx.now(), u32::from(cx.kernel.config.max_datagram));
        if SIEVES && cx.kernel.budgets.admit(Traffic::Sync, now, max * ROOM_FOR_ANSWER) {
            self.send_sieve(cx, peer);
        }
    }

    fn send_sieve(&mut self, cx: &mut Context<'_, '_>, peer: SlotId) {
        let (to, id, size) = (cx.peer(peer), cx.record(peer).id(), cx.tables.members.size());
        let room = u32::from(cx.limit_of_path()).saturating_sub(BESIDE_SIEVE as u32);
        let slices = (size * BITS).div_ceil(room.max(1) * 8).max(1);
        let (nonce, slice) = (cx.fresh_nonce(), cx.kernel.rng.below(slices));
        let bound = |n: u32| (u64::from(n) << 32) / u64::from(slices);
        let (from, until) = (bound(slice) as u32, (bound(slice + 1) - 1) as u32);
        let bytes = if slices == 1 { (size * BITS).div_ceil(8) } else { room } as usize;
        let sent = cx.write(to, Traffic::Sync, |draft, _, tables| {
            let members = &tables.members;
            let _ = draft.sieve((nonce, from, until), bytes, |bits| {
                for (_, slot) in members.as_view().after(Place { tag: from, id: 0 }, until) {
                    members.share_of(slot).into_iter().for_each(|share| bits.add(share));
                }
            });
        });
        if sent {
            cx.kernel.metrics.sieves += 1;
            let asked = &mut self.sieves.asked;
            if asked.is_full() {
                asked.remove(0);
            }
            let _ = asked.push((nonce, id));
        }
    }

    /// Sends what a sieve lacks, from a random place of its range on.
    #[inline(never)]
    pub(crate) fn answer_sieve(&mut self, cx: &mut Context<'_, '_>, to: Peer, sieve: &Sieve<'_>) {
        if !SIEVES {
            return;
        }
        let (now, max) = (cx.now(), u32::from(cx.kernel.config.max_datagram));
        if !cx.kernel.budgets.admit(Traffic::Sync, now, ROOM_FOR_ANSWER * max) {
            cx.kernel.metrics.dropped_over_budget += 1;
            return;
        }
        let width = u64::from(sieve.until - sieve.from) + 1;
        let start = sieve.from + cx.kernel.rng.below_u64(width) as u32;
        let members = &cx.tables.members;
        let (late, early) = (Place { tag: start, id: 0 }, Place { tag: sieve.from, id: 0 });
        let view = members.as_view();
        let before = start.checked_sub(1).filter(|&before| before >= sieve.from);
        let early = before.map(|before| view.after(early, before)).into_iter().flatten();
        let mut lacked = heapless::Vec::<SlotId, MAX_SIFTED>::new();
        let mut scanned = 0;
        for (_, slot) in view.after(late, sieve.until).chain(early) {
            scanned += 1;
            let lacks = members.share_of(slot).is_some_and(|share| !sieve.has(share));
            if lacks && lacked.push(slot).is_err() || scanned >= MAX_SCANNED {
                break;
            }
        }
        let now = cx.now();
        cx.kernel.budgets.charge(Traffic::Sync, now, scanned as u32 / SCANNED_PER_BYTE);
        self.send_records(cx, to, &Message::Sifted { nonce: sieve.nonce }, &[], &lacked);
    }
}

impl Context<'_, '_> {
    /// Whether the latest sieves brought nothing any more.
    pub(crate) fn sieves_are_vain(&self) -> bool {
        !self.kernel.pace.is_sieving() || self.kernel.pace.vain > COMPLETE
    }

    /// Whether this node asks with sieves where it would pull: its first view came lately.
    pub(crate) fn is_young(&self) -> bool {
        sends_sieves(&self.kernel.config)
            && self.kernel.view.since.is_some_and(|since| self.now().since(since) < YOUTH)
    }
}
