//! Everything that a user of an adapter needs of the core: adapters export it as their own.

pub use super::{
    EpochError, Events, Handle, HostMetrics, Lagged, Leave, LeaveError, Left, MemberView, NotJoined, Notice,
    Options, ParseSeedError, Restored, Seed, StartError, Stopped, UnresolvedSeed, ViewError, WaitJoined,
    Watch,
};
pub use crate::{
    Budgets, Cluster, Config, ConfigError, Endpoint, Event, Fingerprint, Health, Histogram, Incarnation,
    Locality, Mechanisms, Metrics, Mode, NameError, NodeId, ParseNodeIdError, Reachability, Record, Sighting,
    Status, Versions, Zone,
};
