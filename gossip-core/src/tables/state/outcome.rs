//! What applying an item did.

use super::limits::Refusal;

/// What happened to a key, as a reader sees it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Change {
    /// It has a value now, and had none.
    New,
    /// It has another value.
    Changed,
    /// It has no value any more.
    Gone,
}

impl Change {
    /// What happened to a key that had one value, or none, and now has another; `None` if a reader sees no difference.
    pub(crate) fn between(before: Option<&[u8]>, after: Option<&[u8]>) -> Option<Self> {
        match (before, after) {
            (None, Some(_)) => Some(Self::New),
            (Some(_), None) => Some(Self::Gone),
            (Some(before), Some(after)) if before != after => Some(Self::Changed),
            _ => None,
        }
    }
}

/// Told of each change that a reader sees, in the order in which they come.
pub(crate) type Observer<'o> = dyn FnMut(&[u8], Change) + 'o;

/// What became of an item.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Outcome {
    /// It is of an earlier epoch of its owner: ignored.
    Past,
    /// It is of a later epoch than the one that is known: ignored. Ask for the owner's record, then for its state.
    Later,
    /// It was applied.
    Applied(Applied),
}

/// What applying an item of the owner's present epoch did.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Applied {
    /// Changes that the observer was told of.
    pub(crate) changes: u32,
    /// Entries that were stored, with visible changes or without: none means that nothing of it was news.
    pub(crate) stored: u32,
    /// What was not, if anything.
    pub(crate) refused: Option<Refused>,
    /// What is missing now.
    pub(crate) gap: Gap,
}

/// Entries that were refused.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Refused {
    /// How many.
    pub(crate) entries: u32,
    /// The version of the first; `known` stays below it.
    pub(crate) first: u32,
    /// Why that one was.
    pub(crate) reason: Refusal,
}

/// What is missing of an owner's map.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Gap {
    /// Nothing.
    None,
    /// What is above `known`.
    After {
        /// What to ask for: all above this. It is `known`, except for one case. Where an entry was refused, an old value may be
        /// in its way whose shorter successor comes later; so what is above the refused ones is asked for, too, item by item
        /// up to the owner's state version, before it starts over.
        version: u32,
    },
}
