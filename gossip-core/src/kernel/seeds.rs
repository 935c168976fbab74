//! Seeds: the addresses through which this node joins, and which of them are members.

use crate::vocabulary::{
    address::{canonical, is_unicast},
    bounds::sized,
};
use core::net::SocketAddr;

/// Seeds kept; the rest of a longer list is counted and ignored.
pub(crate) const MAX_SEEDS: usize = sized(16, 4);
/// Addresses of members that answered lately, kept for when all members are lost.
const MAX_GOOD: usize = 4;
/// This many contacts of seeds that are no members come early, after `join_retry`, doubling each time. From then on
/// one may just be down, and has every second of the regular contacts.
pub(crate) const EARLY_CONTACTS: u32 = 6;

/// The addresses to join through.
#[derive(Clone)]
pub(crate) struct Seeds {
    /// Those that the host gave.
    pub(crate) list: heapless::Vec<SocketAddr, MAX_SEEDS>,
    pub(crate) next: usize,
    good: [Option<SocketAddr>; MAX_GOOD],
    next_good: usize,
    /// The seeds at whose addresses no member is known: a bit for each.
    pub(crate) unmet: u16,
    /// Contacts made with those.
    pub(crate) unmet_contacts: u32,
}

const _: () = assert!(MAX_SEEDS <= u16::BITS as usize);

impl Seeds {
    pub(crate) const NONE: Self = Self {
        list: heapless::Vec::new(),
        next: 0,
        good: [None; MAX_GOOD],
        next_good: 0,
        unmet: 0,
        unmet_contacts: 0,
    };

    /// Takes over what the host gives instead of what it gave before, without this node's `own` address. Where
    /// members are is not forgotten. Returns how many did not fit, or cannot be a node's.
    pub(crate) fn replace(&mut self, seeds: &[SocketAddr], own: SocketAddr) -> u64 {
        let unmet = self.unmet;
        let met = |&(at, _): &(usize, &SocketAddr)| unmet & 1 << at == 0;
        let met: heapless::Vec<SocketAddr, MAX_SEEDS> =
            self.list.iter().enumerate().filter(met).map(|(_, &seed)| seed).collect();
        let mut dropped = 0;
        self.list.clear();
        for seed in seeds.iter().copied().map(canonical).filter(|&seed| seed != own) {
            let kept = self.list.contains(&seed) || is_unicast(seed) && self.list.push(seed).is_ok();
            dropped += u64::from(!kept);
        }
        (self.next, self.unmet, self.unmet_contacts) = (0, all(&self.list), 0);
        met.into_iter().for_each(|seed| self.note_member_at(seed));
        dropped
    }

    /// No member is known any more; the addresses to ask are kept.
    pub(crate) fn start_over(&mut self) {
        (self.next, self.next_good) = (0, 0);
        (self.unmet, self.unmet_contacts) = (all(&self.list), 0);
    }

    /// Whether members have answered at addresses that are remembered.
    pub(crate) fn has_good(&self) -> bool {
        self.good.iter().any(Option::is_some)
    }

    /// A member is at this address.
    pub(crate) fn note_member_at(&mut self, address: SocketAddr) {
        if self.unmet != 0
            && let Some(seed) = self.list.iter().position(|&seed| seed == address)
        {
            self.unmet &= !(1 << seed);
        }
    }

    /// No member is at this address any more. It may come back, but that is not urgent.
    pub(crate) fn note_gone_from(&mut self, address: SocketAddr) {
        if let Some(seed) = self.list.iter().position(|&seed| seed == address) {
            self.unmet |= 1 << seed;
            self.unmet_contacts = self.unmet_contacts.max(EARLY_CONTACTS);
        }
    }

    /// A seed at whose address no member is known, if there is one: each in turn.
    pub(crate) fn unmet_seed(&self) -> Option<SocketAddr> {
        let unmet = || self.list.iter().enumerate().filter(|&(at, _)| self.unmet & 1 << at != 0);
        let which = self.unmet_contacts as usize % unmet().count().max(1);
        unmet().nth(which).map(|(_, &seed)| seed)
    }

    /// A member answered at this address.
    pub(crate) fn note_good(&mut self, address: SocketAddr) {
        if !self.good.contains(&Some(address)) {
            self.good[self.next_good] = Some(address);
            self.next_good = (self.next_good + 1) % MAX_GOOD;
        }
    }

    /// The address to ask next: the seeds in turn; when all members are `lost`, the addresses that were good as well.
    /// Otherwise those would only welcome us to where we are.
    pub(crate) fn next_to_ask(&mut self, lost: bool) -> Option<SocketAddr> {
        let good = self.good.iter().copied().flatten().filter(|_| lost);
        let known = self.list.iter().copied().chain(good);
        let count = known.clone().count();
        let next = known.clone().nth(self.next % count.max(1));
        self.next = (self.next + 1) % count.max(1);
        next
    }

    pub(crate) fn knows_whom_to_ask(&self) -> bool {
        !self.list.is_empty() || self.good.iter().any(Option::is_some)
    }
}

/// A bit for each seed.
fn all(seeds: &[SocketAddr]) -> u16 {
    seeds.iter().enumerate().fold(0, |all, (at, _)| all | 1 << at)
}
