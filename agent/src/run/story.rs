//! What is told of the members and of the cluster, in the order in which it happens.

use super::{addresses::Addresses, shared_values::Keys};
use crate::{
    output::Output,
    print::{Line, name_of},
};
use adapter_tokio::{Event, Handle, Lagged, NodeId, Notice};

/// What `gossip run` tells, and what it has to remember for that.
pub(super) struct Story<'n> {
    handle: &'n Handle,
    name: &'n str,
    keys: Keys,
    addresses: Addresses,
}

impl<'n> Story<'n> {
    pub(super) fn of(handle: &'n Handle, name: &'n str) -> Self {
        let (keys, addresses) = (Keys::known_to(handle), Addresses::known_to(handle));
        Self { handle, name, keys, addresses }
    }

    pub(super) fn go_on(&mut self, next: Result<Notice, Lagged>, output: &Output) {
        let handle = self.handle;
        match next {
            Ok(notice) => {
                let line = Line::of_notice(&notice, (&handle.me(), self.name));
                output.print(&match notice.event {
                    Event::State(id) => line.noted(tags_of(handle, id)),
                    Event::Suspected(_) => line.accused(accuser(&notice, self.handle, self.name)),
                    Event::Value(tag) => self.keys.changed(handle, tag, notice.at),
                    Event::ValueConflict { value, loser } => {
                        self.keys.conflict(handle, (value, loser), notice.at)
                    }
                    _ => line,
                });
                let doubled = notice.member.and_then(|member| self.addresses.note(&member).zip(Some(member)));
                if let Some((other, member)) = doubled {
                    output.print(&Line::same_address(&member.record, other));
                }
            }
            Err(Lagged(missed)) => {
                output.print(&Line::lagged(missed));
                *self = Self::of(handle, self.name);
            }
        }
    }
}

/// Who suspected a member first, by name if that is known.
fn accuser(notice: &Notice, handle: &Handle, me: &str) -> Option<String> {
    let accuser = *notice.member.as_ref()?.accusers.first()?;
    Some(name_of(accuser, handle, me))
}

/// All tags of a member, as they are printed.
fn tags_of(handle: &Handle, member: NodeId) -> String {
    let tags = handle.state(member).into_iter().filter(|(key, _)| key != "name");
    let shown = tags.map(|(key, value)| format!("{key}={}", value.value.escape_ascii()));
    shown.collect::<Vec<_>>().join(" ")
}
