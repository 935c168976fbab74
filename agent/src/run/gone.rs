//! The names of members that are dead or have left: when they are forgotten, the node knows nothing of them any more.

use adapter_tokio::{Event, NodeId, Notice};
use std::collections::BTreeMap;

/// Names that are kept; members beyond them are told by their ids alone.
const MAX: usize = 4_096;

/// Names of members that are gone.
#[derive(Default)]
pub(super) struct Gone(BTreeMap<NodeId, String>);

impl Gone {
    /// Takes in what happened; the name of a member that was forgotten.
    pub(super) fn hear(&mut self, notice: &Notice) -> Option<String> {
        match notice.event {
            Event::Down(id) | Event::Left(id) => {
                let name = notice.member.as_ref().and_then(|member| member.name.clone());
                if let Some(name) = name.filter(|_| self.0.len() < MAX) {
                    self.0.insert(id, name);
                }
                None
            }
            Event::Up(id) | Event::Reaped(id) => self.0.remove(&id),
            Event::Reset => {
                self.0.clear();
                None
            }
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use adapter_tokio::{Identity, Locality, MemberView, Reachability, Record, Versions};
    use std::time::SystemTime;

    fn notice(n: u64, event: fn(NodeId) -> Event, is_known: bool) -> Notice {
        let id = NodeId::from_u64(n).unwrap();
        let identity =
            Identity { id, epoch: 1, address: ([10, 0, 0, 1], 7).into(), locality: Locality::default() };
        let member = MemberView {
            id,
            name: Some(format!("node-{n}")),
            record: Record::new(identity, Versions::OURS),
            reachability: Reachability::Unreachable,
            routable: false,
            accusers: Vec::new(),
        };
        Notice { event: event(id), member: Some(member).filter(|_| is_known), at: SystemTime::UNIX_EPOCH }
    }

    #[test]
    fn a_member_that_is_forgotten_still_has_its_name() {
        let mut gone = Gone::default();
        assert_eq!(gone.hear(&notice(1, Event::Down, true)), None);
        assert_eq!(gone.hear(&notice(2, Event::Left, true)), None);
        assert_eq!(gone.hear(&notice(1, Event::Reaped, false)).as_deref(), Some("node-1"));
        assert_eq!(gone.hear(&notice(1, Event::Reaped, false)), None);
        let _ = gone.hear(&notice(2, Event::Up, true));
        assert_eq!(gone.hear(&notice(2, Event::Reaped, false)), None, "it was back meanwhile");
    }

    #[test]
    fn no_more_names_are_kept_than_may_be() {
        let mut gone = Gone::default();
        (1..=MAX as u64 + 5).for_each(|n| drop(gone.hear(&notice(n, Event::Down, true))));
        assert_eq!(gone.0.len(), MAX);
    }
}
