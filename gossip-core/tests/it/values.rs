//! What a host may do with the public types: values are copied, compared, hashed and printed, and all may go to another
//! thread. A release that takes one of these away breaks hosts.

use gossip_core::{
    Accusation, Budgets, Buffer, ClusterName, Config, ConfigError, Endpoint, Event, Fingerprint, Health,
    Histogram, Identity, Incarnation, Inline, Instant, Locality, Malformed, Mechanisms, Member, Members,
    Merge, Metrics, Mode, NameError, Node, NodeId, Outbox, Output, Packet, ParseNodeIdError, Reachability,
    Record, Sighting, Status, Traffic, Verdict, Versions, Zone,
};
use std::{fmt::Debug, hash::Hash};

/// Names the types that have the traits; one that lacks them does not compile.
macro_rules! have {
    ([$($bound:tt)*] $($type:ty,)*) => {{
        fn has<T: $($bound)*>() {}
        $(has::<$type>();)*
    }};
}

#[test]
fn values_are_copied_compared_hashed_and_printed() {
    have! { [Copy + Eq + Hash + Debug + Send + Sync]
        NodeId, Incarnation, Status, Health, Reachability, Locality, Zone, Versions, Identity, Record, Merge,
        Accusation, Fingerprint, Endpoint, Sighting, Event, Verdict, Malformed, NameError, ParseNodeIdError,
        ClusterName, Config, Mode, Budgets, Mechanisms, Metrics, Histogram, Instant, Traffic, Packet<'_>,
    }
    // Ranges are told as numbers with fractions, which have no `Eq`.
    have! { [Copy + PartialEq + Debug + Send + Sync] ConfigError, }
}

#[test]
fn what_holds_memory_is_printed_and_may_go_to_another_thread() {
    have! { [Debug + Send + Sync]
        Node<Inline<8>>, Inline<8>, Buffer<2, 47, 800>, Outbox<'_>, Output<'_>, Member<'_>, Members<'_>,
    }
    #[cfg(feature = "alloc")]
    have! { [Debug + Send + Sync] gossip_core::Heap, }
}

#[test]
fn memory_is_printed_without_its_bytes() {
    let mut buffer = Buffer::<2, 47, 800>::new();
    assert_eq!(format!("{buffer:?}"), "Buffer { packets: 2, events: 47, bytes: 800, .. }");
    assert_eq!(format!("{:?}", buffer.outbox()), "Outbox { packets: [], events: [], .. }");
}
