//! The list of places that are pending: doubly linked through the places, the newest first.

use super::place::{Links, Place};
use crate::tables::table::SlotId;

/// Puts a place to the front. It must not be in the list.
pub(super) fn push_front(places: &mut [Place], first: &mut u32, slot: SlotId) {
    let next = core::mem::replace(first, slot + 1);
    if let Some(next) = at(places, next) {
        next.previous = slot + 1;
    }
    set(places, slot, Links { previous: 0, next });
}

/// Takes a place out, which must be in the list.
pub(super) fn remove(places: &mut [Place], first: &mut u32, slot: SlotId) {
    let Links { previous, next } = set(places, slot, Links::NONE);
    match at(places, previous) {
        Some(previous) => previous.next = next,
        None => *first = next,
    }
    if let Some(next) = at(places, next) {
        next.previous = previous;
    }
}

fn at(places: &mut [Place], link: u32) -> Option<&mut Links> {
    places.get_mut(link.checked_sub(1)? as usize).map(|place| &mut place.links)
}

fn set(places: &mut [Place], slot: SlotId, links: Links) -> Links {
    let place = places.get_mut(slot as usize);
    debug_assert!(place.is_some(), "only places are listed");
    place.map_or(Links::NONE, |place| core::mem::replace(&mut place.links, links))
}
