//! The tags of the agent's own node.

use crate::print::with_sources;
use adapter_tokio::{Bytes, Handle, Key};

/// Tags are bytes as they were given.
const TAG: Key<Bytes> = Key::raw("tag");

/// Tags, each key once, in the order in which they are published.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub(crate) struct Tags(Vec<(String, String)>);

impl Tags {
    /// Tags as they are given.
    ///
    /// # Errors
    /// One is given twice.
    pub(crate) fn of(given: &[(String, String)]) -> Result<Self, String> {
        for (at, (key, _)) in given.iter().enumerate() {
            if given[..at].iter().any(|(before, _)| before == key) {
                return Err(format!("--tag {key} is given twice: give each key once"));
            }
        }
        Ok(Self(given.to_vec()))
    }

    fn get(&self, key: &str) -> Option<&String> {
        self.0.iter().find(|(known, _)| known == key).map(|(_, value)| value)
    }
}

/// Publishes what is new in `now`, and withdraws what was there only before.
///
/// # Errors
/// A tag that cannot be published, with the limit that it breaks.
pub(crate) fn change(handle: &Handle, before: &Tags, now: &Tags) -> Result<(), String> {
    for (key, _) in before.0.iter().filter(|(key, _)| now.get(key).is_none()) {
        handle
            .withdraw(&TAG.named(key.clone()))
            .map_err(|error| format!("--tag {key}: {}", with_sources(&error)))?;
    }
    for (key, value) in now.0.iter().filter(|(key, value)| before.get(key) != Some(value)) {
        let bytes = Bytes::copy_from_slice(value.as_bytes());
        let published = handle.publish(&TAG.named(key.clone()), &bytes);
        published.map_err(|error| format!("--tag {key}: {}", with_sources(&error)))?;
    }
    Ok(())
}
