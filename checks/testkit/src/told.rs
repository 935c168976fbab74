//! The order of a member's events: what [`Event`]'s documentation says may follow what.

use gossip_core::{Event, NodeId, Status};
use std::collections::BTreeMap;

/// What a host was last told of each member's status.
#[derive(Clone, Debug, Default)]
pub struct Told {
    last: BTreeMap<NodeId, Event>,
}

impl Told {
    /// The host itself gave its node this member, if it was never told of it.
    pub fn given(&mut self, id: NodeId, status: Status) {
        self.last.entry(id).or_insert(match status {
            Status::Alive | Status::Suspect => Event::Up(id),
            Status::Dead => Event::Down(id),
            Status::Left => Event::Left(id),
        });
    }

    /// Takes in an event, and says what is wrong with its place, if anything is.
    pub fn note(&mut self, event: Event) -> Result<(), String> {
        use Event::{Cleared, Down, Left, Reaped, Reset, Suspected, Up, Updated};
        if event == Reset {
            self.last.clear();
        }
        let Some(id) = event.member() else { return Ok(()) };
        let last = self.last.get(&id).copied();
        let may = match (last, event) {
            (None | Some(Down(_) | Left(_)), Up(_)) => true,
            (Some(Up(_) | Cleared(_)), Suspected(_) | Updated(_)) => true,
            (Some(Suspected(_)), Cleared(_) | Updated(_)) => true,
            (Some(Up(_) | Cleared(_) | Suspected(_)), Down(_)) => true,
            (Some(Up(_) | Cleared(_) | Suspected(_) | Down(_)), Left(_)) => true,
            (None | Some(Down(_) | Left(_)), Reaped(_)) => true,
            (_, Up(_) | Suspected(_) | Cleared(_) | Updated(_) | Down(_) | Left(_) | Reaped(_)) => false,
            _ => true,
        };
        match event {
            Reaped(_) => drop(self.last.remove(&id)),
            Up(_) | Suspected(_) | Cleared(_) | Down(_) | Left(_) => drop(self.last.insert(id, event)),
            _ => {}
        }
        if may { Ok(()) } else { Err(format!("{event:?} after {last:?}")) }
    }
}
