//! What is told of the members and of the cluster, in the order in which it happens.

use super::{addresses::Addresses, gone::Gone, shared_values::Keys, unnamed::Unnamed};
use crate::{
    output::Output,
    print::{Line, name_of},
};
use adapter_tokio::{Event, Handle, Lagged, NodeId, Notice};
use tokio::time::{Instant, sleep_until};

/// What `gossip run` tells, and what it has to remember for that.
pub(super) struct Story<'n> {
    handle: &'n Handle,
    name: &'n str,
    keys: Keys,
    addresses: Addresses,
    unnamed: Unnamed,
    gone: Gone,
}

impl<'n> Story<'n> {
    pub(super) fn of(handle: &'n Handle, name: &'n str) -> Self {
        let (keys, addresses) = (Keys::known_to(handle), Addresses::known_to(handle));
        Self { handle, name, keys, addresses, unnamed: Unnamed::default(), gone: Gone::default() }
    }

    pub(super) fn go_on(&mut self, next: Result<Notice, Lagged>, output: &Output) {
        let handle = self.handle;
        match next {
            Ok(notice) => {
                let line = Line::of_notice(&notice, (&handle.me(), self.name));
                if let Some(id) = notice.event.member() {
                    let name = notice.member.as_ref().and_then(|member| member.name.as_deref());
                    self.unnamed.of(id, name).iter().for_each(|line| output.handle(line));
                }
                let forgotten = self.gone.hear(&notice);
                let line = match notice.event {
                    Event::Reaped(_) => line.named(forgotten),
                    Event::State(id) => line.noted(tags_of(handle, id)),
                    Event::Suspected(_) => line.accused(accuser(&notice, self.handle, self.name)),
                    Event::Value(tag) => self.keys.changed(handle, tag, notice.at),
                    Event::ValueConflict { value, loser } => {
                        self.keys.conflict(handle, (value, loser), notice.at)
                    }
                    _ => line,
                };
                match notice.event {
                    Event::Up(id) if line.has_no_name() && output.is_handled("up") => {
                        output.show(&line);
                        let oldest = self.unnamed.hold(id, Instant::now(), line);
                        oldest.iter().for_each(|line| output.handle(line));
                    }
                    _ => output.print(&line),
                }
                let doubled = notice.member.and_then(|member| self.addresses.note(&member).zip(Some(member)));
                if let Some((other, member)) = doubled {
                    output.print(&Line::same_address(&member.record, other));
                }
            }
            Err(Lagged(missed)) => {
                output.print(&Line::lagged(missed));
                (self.keys, self.addresses) = (Keys::known_to(handle), Addresses::known_to(handle));
            }
        }
    }

    /// Waits until [`late`](Self::late) has something to do.
    pub(super) async fn until_late(&self) {
        match self.unnamed.due() {
            Some(due) => sleep_until(due).await,
            None => std::future::pending().await,
        }
    }

    /// Runs what is to be run for members that have come, and whose names have not arrived.
    pub(super) fn late(&mut self, output: &Output) {
        let name = |id| self.handle.member(id)?.name;
        self.unnamed.late(Instant::now(), name).iter().for_each(|line| output.handle(line));
    }

    /// The same, without waiting any longer.
    pub(super) fn end(&mut self, output: &Output) {
        self.unnamed.all().iter().for_each(|line| output.handle(line));
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
