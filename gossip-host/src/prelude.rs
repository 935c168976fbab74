//! Everything that a user of an adapter needs of this crate and of the core: adapters export it as their own.

#[cfg(feature = "prometheus")]
pub use crate::prometheus;
pub use crate::{
    Ask, AskError, Bytes, Change, Cluster, ClusterChange, ClusterValue, ClusterWatch, DecodeError, DenyError,
    EpochError, EpochFile, Events, ForgetError, Handle, HostMetrics, Key, KeyWatch, Lagged, Leave,
    LeaveError, Left, MemberView, NotJoined, Notice, Options, ParseSeedError, PublishError, Pulse, Question,
    Questions, Restored, Seed, StartError, Stopped, UnresolvedSeed, UserEvent, UserEvents, Value, ViewError,
    WaitJoined, Watch, WatchError,
};
#[cfg(feature = "seal")]
pub use crate::{FileError, FileFault, KeyFile, KeyFileError, Keys, KeysError, KeysView, SetKeysError};
#[cfg(feature = "identity")]
pub use crate::{
    IdentityFile, IdentityFileError, IdentityKey, ListLineError, ParseTrustError, SetIdentityError,
    SigningView, TrustError, TrustSource, TrustedKeys,
};
/// The core calls it `Key`, which here is a key of what members publish.
#[cfg(feature = "seal")]
pub use gossip_core::Key as SealingKey;
pub use gossip_core::{
    AfterDeath, AskFailure, Authority, Budgets, ClusterName, Config, ConfigError, Endpoint, Event,
    Fingerprint, Health, Histogram, Identity, Incarnation, Locality, Mechanisms, Member, Metrics, Mode,
    NameError, NodeId, NotDenied, NotForgotten, ParseNodeIdError, PulseScope, Reachability, Record,
    RoundTrip, Sighting, StateError, Status, Terms, ValueError, ValueTag, Versions, Zone,
};
#[cfg(feature = "identity")]
pub use gossip_core::{
    Certificate, CertificateError, Credentials, CredentialsError, Distrust, IdentityError, Listed, PublicKey,
    Signing, SigningKey, Trust,
};
#[cfg(feature = "seal")]
pub use gossip_core::{KeyError, KeyId, KeyRing, MAX_KEYS, Sealing};
