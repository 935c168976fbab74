//! What a host logs and keeps comes back as it was, and what no node could have said does not.

#![allow(clippy::unwrap_used, reason = "a test may panic")]

use gossip_core::{
    ClusterName, Config, Event, Health, Identity, Incarnation, Locality, Metrics, NodeId, Record, Sighting,
    Status, Versions,
};
use serde::{Serialize, de::DeserializeOwned};
use std::{fmt::Debug, net::SocketAddr};

fn returns<T: Serialize + DeserializeOwned + PartialEq + Debug>(value: &T) -> String {
    let text = serde_json::to_string(value).unwrap();
    assert_eq!(&serde_json::from_str::<T>(&text).unwrap(), value, "{text}");
    text
}

fn record() -> Record {
    let address = SocketAddr::from(([192, 0, 2, 7], 7_946));
    let locality = Locality { region: 1, zone: 2, rack: 3 };
    let identity = Identity { id: NodeId::from_name("db-1").unwrap(), epoch: 9, address, locality };
    returns(&identity);
    Record::new(identity, Versions { min: 1, max: 1 })
        .with_incarnation(Incarnation { epoch: 9, refutation: 4 })
        .with_status(Status::Suspect)
        .with_state(5, Health::Degraded, 6)
}

#[test]
fn what_is_written_is_read_as_it_was() {
    let record = record();
    let (id, address) = (record.id(), record.address());
    assert_eq!(returns(&id), format!("\"{id}\""));
    assert!(returns(&record).contains("\"status\":\"Suspect\",\"address\":\"192.0.2.7:7946\""));
    for event in [Event::Up(id), Event::Joined, Event::ObservedAddress { observed: address.into() }] {
        returns(&event);
    }
    returns(&Event::MemberObserved(Sighting::new(id, address)));
    returns(&Metrics::default());
    returns(&Config::wan(ClusterName::named("prod").unwrap()).with(|config| config.fanout = 3));
}

#[test]
fn what_no_node_could_have_said_is_refused() {
    let text = serde_json::to_string(&record()).unwrap();
    for (old, new) in [("7946", "0"), ("\"epoch\":9", "\"epoch\":4294967295"), ("\"min\":1", "\"min\":2")] {
        let changed = text.replace(old, new);
        assert_ne!(changed, text);
        assert!(serde_json::from_str::<Record>(&changed).is_err(), "{changed}");
    }
    assert!(serde_json::from_str::<NodeId>("\"db-1\"").is_err());
}
