//! Everything that a user of an adapter needs of this crate and of the core: adapters export it as their own.

pub use crate::{
    EpochError, EpochFile, Events, Handle, HostMetrics, Lagged, Leave, LeaveError, Left, MemberView,
    NotJoined, Notice, Options, ParseSeedError, Restored, Seed, StartError, Stopped, UnresolvedSeed,
    ViewError, WaitJoined, Watch,
};
pub use gossip_core::{
    Budgets, ClusterName, Config, ConfigError, Endpoint, Event, Fingerprint, Health, Histogram, Identity,
    Incarnation, Locality, Mechanisms, Member, Metrics, Mode, NameError, NodeId, ParseNodeIdError,
    Reachability, Record, Sighting, Status, Versions, Zone,
};
