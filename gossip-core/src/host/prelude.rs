//! Everything that a user of an adapter needs of the core: adapters export it as their own.

pub use super::{
    EpochError, Events, Handle, HostMetrics, Lagged, Leave, LeaveError, Left, MemberView, NotJoined, Notice,
    Options, ParseSeedError, Seed, StartError, Stopped, UnresolvedSeed, WaitJoined, Watch,
};
pub use crate::{
    Budgets, Cluster, Config, ConfigError, Endpoint, Event, Fingerprint, Health, Histogram, Incarnation,
    Locality, Mechanisms, Metrics, Mode, NameError, NodeId, ParseNodeIdError, Reachability, Record, Sighting,
    Status, Versions, Zone,
};
