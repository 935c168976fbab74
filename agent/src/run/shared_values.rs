//! What is told of cluster-wide values and of events to all, as lines.

use crate::print::Line;
use adapter_tokio::{Bytes, Handle, NodeId, UserEvent, ValueTag};
use std::{collections::BTreeMap, time::SystemTime};

/// The keys of all cluster-wide values, by what events call them: one that is gone has no key any more.
pub(crate) struct Keys(BTreeMap<ValueTag, String>);

impl Keys {
    /// Those of now.
    pub(crate) fn known_to(handle: &Handle) -> Self {
        let keys = handle.cluster().values().into_iter().map(|(key, _)| key);
        Self(keys.map(|key| (ValueTag::of(&key), key)).collect())
    }

    /// A value was set, or is gone.
    pub(crate) fn changed(&mut self, handle: &Handle, tag: ValueTag, at: SystemTime) -> Line {
        match handle.cluster().tagged(tag) {
            Some((key, found)) => {
                let note = shown(&key, &found.value);
                self.0.insert(tag, key);
                about("value", handle, found.writer, at).noted(note)
            }
            None => {
                let key = self.0.remove(&tag).unwrap_or_else(|| String::from("a key"));
                Line::bare("value", at).noted(format!("{key} is deleted"))
            }
        }
    }

    /// Of two values of a key that were set without knowledge of each other, that of `loser` has lost.
    pub(crate) fn conflict(&self, handle: &Handle, (tag, loser): (ValueTag, NodeId), at: SystemTime) -> Line {
        let key = self.0.get(&tag).map_or("a key", String::as_str);
        let note = format!("{key} was set by others at the same time: what {loser} set has lost");
        about("value_conflict", handle, loser, at).noted(note)
    }
}

/// A member has sent an event to all.
pub(crate) fn said(handle: &Handle, event: &UserEvent) -> Line {
    about("user_event", handle, event.origin, event.at).noted(shown(&event.name, &event.bytes))
}

/// This many events were missed.
pub(crate) fn unheard(missed: u64) -> Line {
    let note = format!("{missed} user events were not printed, since too many came at once");
    Line::bare("lagged", SystemTime::now()).noted(note)
}

fn about(event: &'static str, handle: &Handle, id: NodeId, at: SystemTime) -> Line {
    Line::of_member(event, at, id, handle.member(id).as_ref())
}

fn shown(key: &str, value: &Bytes) -> String {
    format!("{key}={}", value.escape_ascii())
}
