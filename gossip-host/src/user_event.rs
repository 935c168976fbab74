//! What members send to all: how a name and a value become the payload of an event.
//!
//! ```text
//! payload   length 1 · name · value as its key encodes it
//! ```

use crate::key::{DecodeError, Key, is_name};
use bytes::Bytes;
use gossip_core::{Event, NodeId};
use std::{fmt, time::SystemTime};

/// An event that a member has sent to all, from [`Handle::user_events`](crate::Handle::user_events).
#[derive(Clone, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[non_exhaustive]
pub struct UserEvent {
    /// The member that sent it.
    pub origin: NodeId,
    /// The member's epoch.
    pub epoch: u32,
    /// The number of the event, from 1 on in each epoch: one that is missing may come yet, or was lost.
    pub sequence: u32,
    /// The name of its key; empty if a node sent something else on the bare core.
    pub name: String,
    /// Its value in encoded form, which begins with its schema if the key is typed; or all bytes of an event without a name.
    pub bytes: Bytes,
    /// When it came, by this machine's clock.
    pub at: SystemTime,
}

impl UserEvent {
    /// An event of the core, if it is of this kind.
    pub(crate) fn of(event: &Event, payload: &[u8], at: SystemTime) -> Option<Self> {
        let &Event::UserEvent { origin, epoch, sequence, .. } = event else { return None };
        let (name, bytes) = split(payload).unwrap_or(("", payload));
        let bytes = Bytes::copy_from_slice(bytes);
        Some(Self { origin, epoch, sequence, name: name.to_owned(), bytes, at })
    }

    /// The value of an event of this key; `None` if it is one of another key.
    ///
    /// # Errors
    /// The member has sent a value of another type or schema under this name.
    pub fn value<T>(&self, key: &Key<T>) -> Result<Option<T>, DecodeError> {
        if self.name != key.name() {
            return Ok(None);
        }
        key.decode(&self.bytes).map(Some)
    }
}

impl fmt::Debug for UserEvent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("UserEvent")
            .field("origin", &self.origin)
            .field("sequence", &self.sequence)
            .field("name", &self.name)
            .field("bytes", &self.bytes.len())
            .finish_non_exhaustive()
    }
}

/// The payload of an event with this name.
pub(crate) fn payload(name: &str, value: &[u8]) -> Vec<u8> {
    let mut payload = Vec::with_capacity(1 + name.len() + value.len());
    payload.push(name.len() as u8);
    payload.extend_from_slice(name.as_bytes());
    payload.extend_from_slice(value);
    payload
}

/// The name and the value in a payload.
fn split(payload: &[u8]) -> Option<(&str, &[u8])> {
    let (&len, rest) = payload.split_first()?;
    let (name, value) = rest.split_at_checked(len.into())?;
    let name = str::from_utf8(name).ok()?;
    is_name(name).then_some((name, value))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_payload_has_its_name_and_value_and_any_other_bytes_have_none() {
        for (name, value) in [("a", &b""[..]), ("cache/drop", b"users"), (&"k".repeat(31), &[0xFF; 480])] {
            assert_eq!(split(&payload(name, value)), Some((name, value)));
        }
        for other in [&b""[..], b"\0", b"\0rest", b"\x05four", b"\x03a b", b"\x01\xFF", &[32; 40]] {
            assert_eq!(split(other), None, "{other:?}");
        }
    }

    #[cfg(feature = "serde")]
    #[test]
    fn a_user_event_is_logged_as_json_and_read_back() {
        let origin = NodeId::from_name("db-1").unwrap();
        let (name, bytes) = ("cache/drop".to_owned(), Bytes::from_static(b"\0users\xFF"));
        let event = UserEvent { origin, epoch: 9, sequence: 7, name, bytes, at: SystemTime::UNIX_EPOCH };
        let text = serde_json::to_string(&event).unwrap();
        assert_eq!(serde_json::from_str::<UserEvent>(&text).unwrap(), event, "{text}");
    }
}
