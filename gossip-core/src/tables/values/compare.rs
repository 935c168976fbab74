//! Repair: what a node lists of its versions, and what another one makes of the list.

use super::{
    store::{Values, View},
    value::{Value, Version},
};
use crate::{tables::state::entry::Seconds, vocabulary::key::ValueKey};
use core::cmp::Ordering;

/// Where a list ends, if not with the first key and the last.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub(crate) struct Span {
    /// It says nothing of keys before its first.
    pub(crate) late: bool,
    /// It says nothing of keys after its last.
    pub(crate) early: bool,
}

/// What two nodes do not agree about.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Difference<'a> {
    /// The lister has something newer of this key.
    Lacked(ValueKey),
    /// The lister lacks this.
    Ahead(Value<'a>),
}

impl<'a> View<'a> {
    /// What a list has, from the `first` of the keys on.
    pub(crate) fn list(
        self,
        first: usize,
        now: Seconds,
    ) -> impl Iterator<Item = (ValueKey, Version)> + Clone {
        let values = self.entries().skip(first).map(move |entry| entry.value(now));
        values.filter(|value| !value.is_over()).map(|value| (value.key, value.version))
    }

    /// How many keys are held.
    pub(crate) fn keys(self) -> usize {
        usize::from(self.books.keys)
    }
}

impl Values<'_> {
    /// Compares what is held with a list, whose keys rise, and tells of each difference in the order of the keys. Nothing is lacked
    /// that would be refused for its prefix, or for want of a slot: asking for it would never end.
    pub(crate) fn compare(
        &self,
        span: Span,
        listed: impl Iterator<Item = (ValueKey, Version)>,
        now: Seconds,
        mut tell: impl FnMut(Difference<'_>),
    ) {
        let view = self.view();
        let mut held =
            view.entries().map(|entry| entry.value(now)).filter(|value| !value.is_over()).peekable();
        let mut is_first = true;
        for (key, version) in listed {
            while let Some(ahead) = held.next_if(|held| held.key < key) {
                if !(is_first && span.late) {
                    tell(Difference::Ahead(ahead));
                }
            }
            is_first = false;
            let ours = held.next_if(|held| held.key == key);
            let has_room = ours.is_some() || !view.is_full();
            match ours.map_or(Ordering::Less, |ours| ours.version.cmp(&version)) {
                Ordering::Less if has_room && self.rules.allow(&key, version.rank) => {
                    tell(Difference::Lacked(key));
                }
                Ordering::Less | Ordering::Equal => {}
                Ordering::Greater => ours.into_iter().for_each(|ours| tell(Difference::Ahead(ours))),
            }
        }
        if !span.early {
            held.for_each(|ahead| tell(Difference::Ahead(ahead)));
        }
    }
}
