//! For how long views differ: whose fingerprint was another than ours whenever it was heard, and since when.

use crate::vocabulary::{
    bounds::sized,
    record::NodeId,
    time::{Instant, Stamp},
};
use core::time::Duration;

/// Members whose views are watched at a time. Further ones are not, until one of these agrees or falls silent.
const MAX_WATCHED: usize = sized(16, 4);
/// A member that was not heard for so many ms tells nothing of today's views: in a cluster of a hundred, each hears each about
/// once a minute, by routine probes.
const SILENT_MS: u32 = 60_000;

/// A member whose view differs.
#[derive(Clone, Copy, Debug)]
struct Difference {
    member: NodeId,
    /// When it was first heard with another view, and never with ours since.
    since: Stamp,
    /// When it was last heard.
    heard: Stamp,
}

/// See the module.
#[derive(Clone, Debug)]
pub(crate) struct Agreement(heapless::Vec<Difference, MAX_WATCHED>);

impl Agreement {
    pub(crate) const NONE: Self = Self(heapless::Vec::new());

    /// A member was heard whose view is the same as this node's, or is not.
    pub(crate) fn note(&mut self, now: Instant, member: NodeId, same: bool) {
        if same && self.0.is_empty() {
            return;
        }
        let now = now.stamp();
        let known = self.0.iter().position(|one| one.member == member);
        match (known, same) {
            (Some(at), true) => _ = self.0.swap_remove(at),
            (None, true) => {}
            (Some(at), false) => {
                let one = &mut self.0[at];
                // What happened between is unknown.
                let since = if now.since(one.heard) > SILENT_MS { now } else { one.since };
                *one = Difference { since, heard: now, ..*one };
            }
            (None, false) => {
                let one = Difference { member, since: now, heard: now };
                if self.0.push(one).is_err()
                    && let Some(silent) = self.0.iter_mut().find(|one| now.since(one.heard) > SILENT_MS)
                {
                    *silent = one;
                }
            }
        }
    }

    /// The longest time between the first and the latest sign of a difference, of those with a recent one.
    pub(crate) fn longest(&self, now: Instant) -> Duration {
        let now = now.stamp();
        let recent = self.0.iter().filter(|one| now.since(one.heard) <= SILENT_MS);
        let longest = recent.map(|one| one.heard.since(one.since)).max().unwrap_or(0);
        Duration::from_millis(longest.into())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn member(id: u64) -> NodeId {
        NodeId::from_u64(id).unwrap()
    }

    fn at(seconds: u64) -> Instant {
        Instant::from_millis(seconds * 1_000)
    }

    fn seconds(agreement: &Agreement, now: u64) -> u64 {
        agreement.longest(at(now)).as_secs()
    }

    #[test]
    fn a_difference_lasts_until_the_member_agrees() {
        let mut agreement = Agreement::NONE;
        agreement.note(at(10), member(1), false);
        assert_eq!(seconds(&agreement, 30), 0, "one sign tells no duration");
        agreement.note(at(30), member(2), false);
        agreement.note(at(50), member(1), false);
        assert_eq!(seconds(&agreement, 60), 40);
        agreement.note(at(60), member(2), true);
        assert_eq!(seconds(&agreement, 60), 40, "another's agreement changes nothing");
        agreement.note(at(61), member(1), true);
        assert_eq!(seconds(&agreement, 61), 0);
    }

    #[test]
    fn who_fell_silent_tells_nothing_and_makes_room() {
        let mut agreement = Agreement::NONE;
        for second in [0, 50] {
            (1..=MAX_WATCHED as u64 + 1).for_each(|id| agreement.note(at(second), member(id), false));
        }
        assert_eq!((agreement.0.len(), seconds(&agreement, 50)), (MAX_WATCHED, 50));
        assert_eq!(seconds(&agreement, 111), 0);
        agreement.note(at(111), member(99), false);
        agreement.note(at(141), member(99), false);
        assert_eq!((agreement.0.len(), seconds(&agreement, 141)), (MAX_WATCHED, 30));
        // A long silence between two signs is no difference that lasted.
        agreement.note(at(300), member(99), false);
        assert_eq!(seconds(&agreement, 300), 0);
    }
}
