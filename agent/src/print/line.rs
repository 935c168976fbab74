//! What happened, as a line of words or as a JSON object.

use super::{events, health, in_columns, reachability, status, without_keys};
use crate::locality;
use adapter_tokio::{Event, MemberView, NodeId, Notice, Record};
use serde::Serialize;
use std::{fmt, net::SocketAddr, time::SystemTime};
use utoipa::ToSchema;

/// How lines are written.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Format {
    /// For people: aligned columns.
    Words,
    /// For programs: one object a line.
    Json,
}

impl Format {
    /// JSON or words.
    pub(crate) fn of(json: bool) -> Self {
        if json { Self::Json } else { Self::Words }
    }

    /// A line as it is written, if it is.
    pub(crate) fn show(self, line: &Line) -> Option<String> {
        match self {
            Self::Words if line.is_warning => None,
            Self::Words => Some(line.to_string()),
            // What consists of strings can always be written as JSON.
            Self::Json => serde_json::to_string(line).ok().map(|json| without_keys(&json).into_owned()),
        }
    }
}

/// One thing that happened, and the member that it happened to. What does not apply is `None`.
#[derive(Debug, Serialize, ToSchema)]
#[schema(description = "Something that happened. What does not apply is null.")]
pub(crate) struct Line {
    /// When, in UTC, as in RFC 3339, with milliseconds.
    #[schema(format = DateTime)]
    at: String,
    event: &'static str,
    id: Option<String>,
    name: Option<String>,
    #[schema(value_type = Option<String>)]
    address: Option<SocketAddr>,
    locality: Option<String>,
    status: Option<&'static str>,
    reachability: Option<&'static str>,
    health: Option<&'static str>,
    /// Who suspected the member first, by name if that is known.
    accuser: Option<String>,
    /// As region/zone, where it is about a zone.
    zone: Option<String>,
    note: Option<String>,
    #[serde(skip)]
    is_warning: bool,
}

impl Line {
    /// Something that happened to a member, or to this node, whose record and name these are.
    pub(crate) fn of_notice(notice: &Notice, (me, name): (&Record, &str)) -> Self {
        let told = Told::from(notice.event);
        let at = notice.at;
        let line = match (told.about, &notice.member) {
            (About::Member(id), member) => Self::of_member(told.event, at, id, member.as_ref()),
            (About::Address(address), _) => Self { address: Some(address), ..Self::bare(told.event, at) },
            (About::Me, _) => Self { name: Some(name.to_owned()), ..Self::of_record(told.event, at, me) },
        };
        let zone = match notice.event {
            Event::ZoneQuarantined(zone) | Event::ZoneReleased { zone, .. } => Some(zone.to_string()),
            _ => None,
        };
        Self { zone, note: told.note, is_warning: told.is_warning, ..line }
    }

    /// The same line with who has accused the member.
    pub(crate) fn accused(self, accuser: Option<String>) -> Self {
        let note = accuser.as_ref().map(|accuser| format!("by {accuser}")).or_else(|| self.note.clone());
        Self { accuser, note, ..self }
    }

    /// Something that happened to a member, or that it did; of one that is forgotten there is only its id.
    pub(crate) fn of_member(
        event: &'static str,
        at: SystemTime,
        id: NodeId,
        member: Option<&MemberView>,
    ) -> Self {
        match member {
            Some(member) => Self {
                name: member.name.clone(),
                reachability: Some(reachability(member.reachability)),
                ..Self::of_record(event, at, &member.record)
            },
            None => Self { id: Some(id.to_string()), ..Self::bare(event, at) },
        }
    }

    /// Something that the program itself did with this node, whose record and name these are.
    pub(crate) fn of_me(event: &'static str, me: &Record, name: &str) -> Self {
        Self { name: Some(name.to_owned()), ..Self::of_record(event, SystemTime::now(), me) }
    }

    /// The same line with a note.
    pub(crate) fn noted(self, note: String) -> Self {
        Self { note: Some(note), ..self }
    }

    /// Whether the name of the member is not known.
    pub(crate) fn has_no_name(&self) -> bool {
        self.name.is_none()
    }

    /// The same line with the member's name, if that is known by now.
    pub(crate) fn named(self, name: Option<String>) -> Self {
        Self { name: name.or(self.name), ..self }
    }

    /// This many lines are missing here.
    pub(crate) fn lagged(missed: u64) -> Self {
        let note = format!("{missed} lines were not printed, since output is read too slowly");
        Self { note: Some(note), ..Self::bare("lagged", SystemTime::now()) }
    }

    /// A live member that says it is where another one is.
    pub(crate) fn same_address(record: &Record, other: NodeId) -> Self {
        let note = format!(
            "{other} is at {} as well, where only one of the two can be reached: if neither took the other's place, look \
             at their --advertise",
            record.address()
        );
        let at = SystemTime::now();
        Self { note: Some(note), is_warning: true, ..Self::of_record("same_address", at, record) }
    }

    /// What an operator should look at, if this is it.
    pub(crate) fn as_warning(&self) -> Option<&str> {
        self.note.as_deref().filter(|_| self.is_warning)
    }

    /// The event's name.
    pub(crate) fn event(&self) -> &'static str {
        self.event
    }

    /// The name, the id and the address of the member that it happened to.
    pub(crate) fn member(&self) -> [Option<String>; 3] {
        [self.name.clone(), self.id.clone(), self.address.map(|address| address.to_string())]
    }

    /// Something that an operator should look at, about nobody.
    pub(crate) fn warning(note: String) -> Self {
        let line = Self::bare("warning", SystemTime::now()).noted(note);
        Self { is_warning: true, ..line }
    }

    /// Something that is about nobody.
    pub(crate) fn bare(event: &'static str, at: SystemTime) -> Self {
        debug_assert!(events::is_known(event), "{event} has no name and no schema");
        Self {
            at: humantime::format_rfc3339_millis(at).to_string(),
            event,
            id: None,
            name: None,
            address: None,
            locality: None,
            status: None,
            reachability: None,
            health: None,
            accuser: None,
            zone: None,
            note: None,
            is_warning: false,
        }
    }

    fn of_record(event: &'static str, at: SystemTime, record: &Record) -> Self {
        Self {
            id: Some(record.id().to_string()),
            address: Some(record.address()),
            locality: Some(locality::show(record.locality())),
            status: Some(status(record.status())),
            health: Some(health(record.health())),
            ..Self::bare(event, at)
        }
    }
}

impl fmt::Display for Line {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let address = self.address.map(|address| address.to_string());
        let fields = [
            Some(self.at.as_str()),
            Some(self.event),
            self.name.as_deref().or(self.id.as_deref()),
            address.as_deref(),
            self.locality.as_deref(),
            self.status,
            self.reachability,
            self.health,
        ];
        f.write_str(&in_columns(fields, self.note.as_deref()))
    }
}

/// Whom an event is about.
#[derive(Clone, Copy)]
enum About {
    Me,
    Member(NodeId),
    Address(SocketAddr),
}

/// An event in words.
struct Told {
    event: &'static str,
    about: About,
    note: Option<String>,
    is_warning: bool,
}

impl Told {
    fn plain(event: &'static str, about: About) -> Self {
        Self { event, about, note: None, is_warning: false }
    }

    fn noted(event: &'static str, about: About, note: String) -> Self {
        Self { note: Some(note), ..Self::plain(event, about) }
    }

    fn warning(event: &'static str, about: About, note: String) -> Self {
        Self { is_warning: true, ..Self::noted(event, about, note) }
    }

    /// An event about another member.
    fn of_member(id: NodeId, event: Event) -> Self {
        let about = About::Member(id);
        match event {
            Event::Up(_) => Self::plain("up", about),
            Event::Suspected(_) => Self::plain("suspected", about),
            Event::Cleared(_) => Self::plain("cleared", about),
            Event::Down(_) => Self::plain("down", about),
            Event::Left(_) => Self::plain("left", about),
            Event::Updated(_) => Self::plain("updated", about),
            Event::State(_) => Self::plain("state", about),
            Event::Unreachable(_) => Self::plain("unreachable", about),
            Event::Reachable(_) => Self::plain("reachable", about),
            Event::Reaped(_) => Self::plain("reaped", about),
            Event::Conflict(_) => Self::warning(
                "conflict",
                about,
                format!("two nodes use the id {id}: give one of them another --name"),
            ),
            Event::MemberObserved(sighting) => Self::warning(
                "member_observed",
                about,
                format!(
                    "datagrams of {id} come from {}, which is not the address that it advertises: look at its --advertise, or \
                     at what translates addresses on the way",
                    sighting.observed(),
                ),
            ),
            other => Self::other(about, other),
        }
    }

    /// An event of this node's own life.
    fn of_life(event: Event) -> Self {
        match event {
            Event::Joined => Self::plain("joined", About::Me),
            Event::LeaveDone { acknowledged } => {
                Self::noted("leave_done", About::Me, format!("acknowledged by {acknowledged}"))
            }
            Event::EpochBumped { epoch } => Self::noted(
                "epoch_bumped",
                About::Me,
                format!("the cluster knew this name under a later epoch: going on under epoch {epoch}"),
            ),
            Event::IdInUse { at } => Self::warning(
                "id_in_use",
                About::Me,
                format!("another node uses this name at {at}: give one of the two another --name"),
            ),
            Event::DuplicateId => Self::warning(
                "duplicate_id",
                About::Me,
                String::from(
                    "another node runs under this name, and this one gives way: give one of them another --name",
                ),
            ),
            Event::LocalPause { late } => Self::noted(
                "local_pause",
                About::Me,
                format!("this node itself was paused for {:.1} s", late.as_secs_f64()),
            ),
            other => Self::of_network(other),
        }
    }

    /// An event of the network between this node and the others.
    fn of_network(event: Event) -> Self {
        match event {
            Event::ZoneQuarantined(zone) => Self::warning(
                "zone_quarantined",
                About::Me,
                format!(
                    "nobody in zone {zone} answers: its members count as unreachable, and none is accused for now; \
                 look at the network between here and there"
                ),
            ),
            Event::ZoneReleased { zone, answered: true } => {
                Self::noted("zone_released", About::Me, format!("zone {zone} answers again"))
            }
            Event::ZoneReleased { zone, answered: false } => Self::warning(
                "zone_released",
                About::Me,
                format!(
                    "zone {zone} was silent for the whole quarantine: its members are judged like anybody from now on"
                ),
            ),
            Event::NarrowPath { passes, configured } => Self::warning(
                "narrow_path",
                About::Me,
                format!(
                    "datagrams of {configured} bytes, as configured, do not pass between here and other nodes; up to \
                 {passes} bytes do, and are what this node uses now: set max_datagram to {passes} on all nodes, or \
                 mend the MTU on the way"
                ),
            ),
            Event::ObservedAddress { observed } => Self::warning(
                "observed_address",
                About::Me,
                format!(
                    "others see this node's datagrams come from {observed}, and nobody finds it at the address that it \
                     advertises: give the one that they come from with --advertise"
                ),
            ),
            Event::ForeignCluster { from } => Self::warning(
                "foreign_cluster",
                About::Address(from),
                format!(
                    "{from} belongs to another cluster and is ignored: if it should not, \
                 start both with the same --cluster; if it should, take its address out of --join"
                ),
            ),
            Event::UnknownKey { key, from } => Self::warning(
                "unknown_key",
                About::Address(from.into()),
                format!(
                    "what {from} sends is sealed with the key {key:02x}, which this node does not have, or does not use while its \
                     sealing is off (`gossip keys status`): if the key is the cluster's present one, give this node the cluster's \
                     keys and mode; if it is an old one, give {from} the present file"
                ),
            ),
            Event::NotSealed { from } => Self::warning(
                "not_sealed",
                About::Address(from.into()),
                format!(
                    "what {from} sends is in the clear, and is not heard here, where sealing is required: if it belongs to the \
                     cluster, give it the keys and `--sealing prefer` or `require`; if not, close the port to it"
                ),
            ),
            other => Self::other(About::Me, other),
        }
    }

    /// An event that came to be after these words.
    fn other(about: About, event: Event) -> Self {
        Self::noted("other", about, format!("{event:?}"))
    }
}

impl From<Event> for Told {
    fn from(event: Event) -> Self {
        match event.member() {
            Some(id) => Self::of_member(id, event),
            None => Self::of_life(event),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use adapter_tokio::{Identity, Locality, Reachability, Status, Versions, Zone};
    use serde_json::Value;

    fn record(address: &str) -> Record {
        let locality = Locality { region: 1, zone: 2, rack: 255 };
        let identity = Identity {
            id: NodeId::from_name("db-1").unwrap(),
            epoch: 7,
            address: address.parse().unwrap(),
            locality,
        };
        Record::new(identity, Versions::OURS)
    }

    fn notice(event: Event, record: Option<Record>) -> Notice {
        let view = |record: Record| MemberView {
            name: Some("db-1".to_owned()),
            id: record.id(),
            record,
            reachability: Reachability::Reachable,
            routable: true,
            accusers: Vec::new(),
        };
        Notice { event, member: record.map(view), at: SystemTime::UNIX_EPOCH }
    }

    fn line(event: Event, about: Option<Record>) -> Line {
        Line::of_notice(&notice(event, about), (&record("10.0.0.9:1"), "me"))
    }

    #[test]
    fn json_says_who_where_how_what_and_when() {
        let member = record("10.0.0.1:7946").with_status(Status::Suspect);
        let json = serde_json::to_value(line(Event::Suspected(member.id()), Some(member))).unwrap();
        let expected = serde_json::json!({
            "at": "1970-01-01T00:00:00.000Z",
            "event": "suspected",
            "id": member.id().to_string(),
            "name": "db-1",
            "address": "10.0.0.1:7946",
            "locality": "1/2/255",
            "status": "suspect",
            "reachability": "reachable",
            "health": "healthy",
            "accuser": null,
            "zone": null,
            "note": null,
        });
        assert_eq!(json, expected);
    }

    #[test]
    fn a_zone_and_an_accuser_have_fields_of_their_own() {
        let zone = adapter_tokio::Zone { region: 1, zone: 2 };
        let quarantined = serde_json::to_value(line(Event::ZoneQuarantined(zone), None)).unwrap();
        assert_eq!(quarantined["zone"], "1/2");
        let member = record("10.0.0.1:7946").with_status(Status::Suspect);
        let suspected = line(Event::Suspected(member.id()), Some(member)).accused(Some("db-2".to_owned()));
        let suspected = serde_json::to_value(suspected).unwrap();
        assert_eq!((&suspected["accuser"], &suspected["note"]), (&"db-2".into(), &"by db-2".into()));
    }

    #[test]
    fn json_has_the_same_fields_whatever_happened() {
        let from = "10.0.0.2:7946".parse().unwrap();
        let id = NodeId::from_name("gone").unwrap();
        let fields = |line: Line| match serde_json::to_value(line).unwrap() {
            Value::Object(fields) => fields.into_iter().map(|(name, _)| name).collect::<Vec<_>>(),
            other => panic!("{other} is no object"),
        };
        let first = fields(line(Event::Joined, None));
        assert_eq!(first, fields(line(Event::ForeignCluster { from }, None)));
        assert_eq!(first, fields(line(Event::Reaped(id), None)));
        assert_eq!(first, fields(Line::lagged(3)));
    }

    #[test]
    fn what_is_forgotten_keeps_its_id_and_what_is_foreign_its_address() {
        let id = NodeId::from_name("gone").unwrap();
        assert_eq!(line(Event::Reaped(id), None).id, Some(id.to_string()));
        let from = "10.0.0.2:7946".parse().unwrap();
        let foreign = line(Event::ForeignCluster { from }, None);
        assert_eq!((foreign.id, foreign.address), (None, Some(from)));
    }

    #[test]
    fn words_stand_in_columns() {
        let member = record("10.0.0.1:7946");
        let words = |event, record: Record| line(event, Some(record)).to_string();
        let (up, down) = (words(Event::Up(member.id()), member), words(Event::Down(member.id()), member));
        for part in ["db-1", "10.0.0.1:7946", "1/2/255", "alive", "healthy"] {
            assert!(up.find(part).is_some_and(|column| down.find(part) == Some(column)), "{part}: {up}");
        }
    }

    #[test]
    fn what_needs_an_operator_is_a_warning() {
        let from = "10.0.0.2:7946".parse().unwrap();
        let zone = Zone { region: 0, zone: 1 };
        for event in [
            Event::ForeignCluster { from },
            Event::UnknownKey { key: 0x58, from: from.into() },
            Event::NotSealed { from: from.into() },
            Event::NarrowPath { passes: 1_052, configured: 1_200 },
            Event::DuplicateId,
            Event::Conflict(NodeId::from_name("a").unwrap()),
            Event::ZoneQuarantined(zone),
            Event::ZoneReleased { zone, answered: false },
        ] {
            let line = line(event, None);
            assert!(line.is_warning && line.note.is_some(), "{event:?}");
        }
        assert!(!line(Event::Joined, None).is_warning);
    }
}
