//! What a host logs and keeps comes back as it was, and what no node could have said does not.

#![allow(clippy::unwrap_used, reason = "a test may panic")]

use gossip_core::{
    Buffer, ClusterName, Config, Event, Health, Heap, Identity, Incarnation, Instant, Locality, Metrics,
    Node, NodeId, Record, Sighting, Status, Versions,
};
use serde::{Serialize, de::DeserializeOwned};
use serde_json::Value;
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
fn metrics_that_were_kept_before_a_counter_was_added_are_read() {
    let text = serde_json::to_string(&Metrics::default()).unwrap().replace("\"probes\":0,", "");
    assert!(!text.contains("\"probes\":"), "{text}");
    assert_eq!(serde_json::from_str::<Metrics>(&text).unwrap(), Metrics::default());
}

#[test]
fn what_no_node_could_have_said_is_refused() {
    let text = serde_json::to_string(&record()).unwrap();
    for (old, new) in [
        ("7946", "0"),
        ("\"epoch\":9", "\"epoch\":4294967295"),
        ("\"min\":1", "\"min\":2"),
        ("\"max\":1", "\"max\":17"),
        ("\"min\":1", "\"min\":17"),
    ] {
        let changed = text.replace(old, new);
        assert_ne!(changed, text);
        assert!(serde_json::from_str::<Record>(&changed).is_err(), "{changed}");
    }
    assert!(serde_json::from_str::<NodeId>("\"db-1\"").is_err());
    assert!(serde_json::from_str::<NodeId>("\"0000000000000\"").is_err(), "it stands for no node");
}

/// Replaces each number of a value in turn.
fn with_each_number_replaced(value: &Value, by: &Value, found: &mut Vec<Value>) {
    let leaves = |value: &Value| match value {
        Value::Object(fields) => fields.keys().map(|key| format!("/{key}")).collect(),
        Value::Array(items) => (0..items.len()).map(|at| format!("/{at}")).collect(),
        _ => vec![],
    };
    let mut paths = leaves(value);
    while let Some(path) = paths.pop() {
        let mut changed = value.clone();
        let place = changed.pointer_mut(&path).unwrap();
        if place.is_number() {
            *place = by.clone();
            found.push(changed);
        } else {
            paths.extend(leaves(place).into_iter().map(|leaf| path.clone() + &leaf));
        }
    }
}

#[test]
fn a_configuration_with_nonsense_in_it_is_refused_by_a_node_or_harmless() {
    let config = serde_json::to_value(Config::lan(ClusterName::named("prod").unwrap())).unwrap();
    let mut read = vec![];
    for by in [0u64, 1, 255, 999_999_999, u64::from(u16::MAX), u64::from(u32::MAX), u64::MAX / 2, u64::MAX] {
        with_each_number_replaced(&config, &by.into(), &mut read);
    }
    let identity = Identity {
        id: NodeId::from_name("db-1").unwrap(),
        epoch: 9,
        address: ([192, 0, 2, 7], 7_946).into(),
        locality: Locality::default(),
    };
    let (mut taken, mut refused) = (0, 0);
    for value in &read {
        let Ok(config) = serde_json::from_value::<Config>(value.clone()) else { continue };
        let node = Node::new(config, identity, [7; 32], Heap::for_members(4), Instant::ZERO);
        assert_eq!(node.is_ok(), config.validate().is_ok(), "{value}");
        // Whatever it says of the outbox, it says so.
        let mut buffer = Buffer::<2, 47, 800>::new();
        let _ = buffer.outbox_for(&config).map(drop);
        let Ok(mut node) = node else {
            refused += 1;
            continue;
        };
        taken += 1;
        let mut buffer = Box::new(Buffer::<16, 128, 19_200>::new());
        let mut out = buffer.outbox();
        let _ = node.join(Instant::ZERO, &[([192, 0, 2, 8], 7_946).into()], &mut out);
        for _ in 0..50 {
            let _ = node.tick(node.next_tick(), &mut out);
        }
    }
    assert!(taken > 20 && refused > 100, "{taken} taken, {refused} refused");
}
