//! What a host is told of a member: the one table of which event follows which.
//!
//! ```text
//!              Up             Suspected
//! (unknown) ────────▶ Up ────────────────▶ Suspected
//!                     ▲ ▲ ◀──────────────── │
//!                     │ │     Cleared       │
//!                  Up │ │ Up                │
//!                     │ └──── Down ◀────────┤ Down
//!                     │        │ Left       │
//!                     └────── Left ◀────────┘ Left
//! ```
//!
//! `Down` and `Left` follow `Up` the same way. `Updated` comes while a member is up or suspected: after the event of
//! its status, if its address, locality, versions, health or epoch changed as well; and where its record changed in any
//! other way. `Reaped` ends a row. A
//! member that was never told of as up has no other events: its tombstone came as history.

use crate::{
    kernel::outbox::Event,
    vocabulary::record::{Record, Status},
};

/// At most two events tell of one change of a record.
pub(crate) type Events = heapless::Vec<Event, 2>;

/// The events for a member's change from `was` to `is`. `told`: the host knows the member. `was`
/// is `None` for a member that was unknown.
pub(crate) fn events(told: bool, was: Option<&Record>, is: &Record) -> Events {
    let before = was.filter(|_| told).map(Record::status);
    let mut events = status_events(before, is);
    let was_live = before.is_some_and(Status::is_live);
    if let Some(was) = was.filter(|_| was_live && is.status().is_live())
        && (events.is_empty() || is_seen_to_differ(was, is))
    {
        let _ = events.push(Event::Updated(is.id()));
    }
    events
}

/// The table above; `before` is the status that the host was told of, if it was told of the member.
fn status_events(before: Option<Status>, is: &Record) -> Events {
    use Status::{Alive, Dead, Left, Suspect};
    let id = is.id();
    let events: &[Event] = match (before, is.status()) {
        (None | Some(Dead | Left), Alive) => &[Event::Up(id)],
        (None | Some(Dead | Left), Suspect) => &[Event::Up(id), Event::Suspected(id)],
        (Some(Alive), Suspect) => &[Event::Suspected(id)],
        (Some(Suspect), Alive) => &[Event::Cleared(id)],
        (Some(Alive | Suspect), Dead) => &[Event::Down(id)],
        (Some(Alive | Suspect | Dead), Left) => &[Event::Left(id)],
        (None | Some(Left), Dead | Left)
        | (Some(Alive), Alive)
        | (Some(Suspect), Suspect)
        | (Some(Dead), Dead) => &[],
    };
    events.iter().copied().collect()
}

/// Whether a host sees more than another status: where the member is, what it speaks, how fit it is, its epoch.
fn is_seen_to_differ(was: &Record, is: &Record) -> bool {
    !was.same_fields(is) || was.health() != is.health() || was.incarnation().epoch != is.incarnation().epoch
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::vocabulary::record::{Health, Identity, Incarnation, Locality, NodeId, Versions};
    use Status::{Alive, Dead, Left, Suspect};
    use std::string::String;

    fn record(status: Status) -> Record {
        let identity = Identity {
            id: NodeId::from_u64(7).unwrap(),
            epoch: 10,
            address: ([10, 0, 0, 1], 7946).into(),
            locality: Locality::default(),
        };
        Record::new(identity, Versions::OURS).with_status(status)
    }

    fn names(told: bool, was: Option<Status>, is: Status) -> String {
        let was = was.map(record);
        let events = events(told, was.as_ref(), &record(is).with_incarnation(later()));
        events
            .iter()
            .map(|event| format!("{event:?} ").replace(&format!("{:?}", record(is).id()), ""))
            .collect()
    }

    fn later() -> Incarnation {
        Incarnation { epoch: 10, refutation: 1 }
    }

    #[test]
    fn every_pair_of_statuses_is_told_as_the_table_says() {
        let statuses = [Alive, Suspect, Dead, Left];
        let row = |told, was| statuses.map(|is| names(told, was, is).replace("()", ""));
        assert_eq!(row(false, None), ["Up ", "Up Suspected ", "", ""]);
        assert_eq!(row(false, Some(Dead)), ["Up ", "Up Suspected ", "", ""]);
        assert_eq!(row(false, Some(Left)), ["Up ", "Up Suspected ", "", ""]);
        assert_eq!(row(true, Some(Alive)), ["Updated ", "Suspected ", "Down ", "Left "]);
        assert_eq!(row(true, Some(Suspect)), ["Cleared ", "Updated ", "Down ", "Left "]);
        assert_eq!(row(true, Some(Dead)), ["Up ", "Up Suspected ", "", "Left "]);
        assert_eq!(row(true, Some(Left)), ["Up ", "Up Suspected ", "", ""]);
    }

    #[test]
    fn a_change_that_a_host_sees_is_told_beside_any_change_of_status() {
        let was = record(Suspect);
        let moved = record(Alive).with_address(([10, 0, 0, 2], 7946).into());
        let elsewhere = record(Alive).with_locality(Locality { zone: 3, ..Locality::default() });
        let ill = record(Alive).with_state(1, Health::Unhealthy, 0);
        let restarted = record(Alive).with_incarnation(Incarnation { epoch: 11, refutation: 0 });
        let it = was.id();
        for is in [moved, elsewhere, ill, restarted] {
            assert_eq!(events(true, Some(&was), &is), [Event::Cleared(it), Event::Updated(it)], "{is:?}");
            let suspect = is.with_status(Suspect);
            let told = events(true, Some(&record(Alive)), &suspect);
            assert_eq!(told, [Event::Suspected(it), Event::Updated(it)], "{is:?}");
        }
        let plea = record(Alive).with_state(1, Health::Healthy, 5);
        assert_eq!(events(true, Some(&was), &plea), [Event::Cleared(it)]);
    }
}
