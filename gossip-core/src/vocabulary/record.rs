//! The vocabulary of membership and its one law: two records of a member merge as a join.
//!
//! Everything here is pure and total. Merging is commutative, associative and idempotent, so the order,
//! number and route in which news arrives cannot change what a cluster ends up believing.

mod id;
#[cfg(feature = "serde")]
mod serial;

pub use self::id::{NodeId, ParseNodeIdError};

use crate::vocabulary::address::is_unicast;
use bytemuck::{Pod, Zeroable};
use core::{
    cmp::Ordering,
    fmt,
    net::{IpAddr, Ipv6Addr, SocketAddr},
    time::Duration,
};
use siphasher::sip::SipHasher13;

/// Which epoch of a node, and how often it has refuted news about itself in that epoch.
///
/// Ordered by epoch, then refutation; the higher one is the newer. Only the node itself raises it.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Default)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct Incarnation {
    /// Chosen by the host at each start: `max(persisted + 1, Unix seconds)`.
    pub epoch: u32,
    /// Counted by the core within one epoch.
    pub refutation: u32,
}

impl Incarnation {
    /// The highest epoch that is believed. The last 2^16 are left so that a node can always go above
    /// whatever was claimed of it.
    pub const MAX_EPOCH: u32 = u32::MAX - (1 << 16);
    /// The highest refutation, and the highest state version, that is believed.
    pub const MAX_COUNT: u32 = u32::MAX - (1 << 16);

    pub(crate) const fn is_credible(self) -> bool {
        self.epoch <= Self::MAX_EPOCH && self.refutation <= Self::MAX_COUNT
    }
}

/// What the cluster believes of a member. At equal incarnation the later one wins.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[repr(u8)]
pub enum Status {
    /// Running.
    Alive,
    /// Accused of not answering; it can still refute.
    Suspect,
    /// Declared dead by a node that checked.
    Dead,
    /// Has left the cluster, and said so itself.
    Left,
}

impl Status {
    const ALL: [Self; 4] = [Self::Alive, Self::Suspect, Self::Dead, Self::Left];

    /// Alive or suspect: a member that takes part.
    pub const fn is_live(self) -> bool {
        matches!(self, Self::Alive | Self::Suspect)
    }

    pub(crate) fn from_u8(byte: u8) -> Option<Self> {
        Self::ALL.get(usize::from(byte)).copied()
    }
}

/// A member's own statement of its fitness to serve. Gossiped, and decides nothing in the protocol.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Default)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[repr(u8)]
pub enum Health {
    /// Serving.
    #[default]
    Healthy,
    /// Serving, but others should be preferred; still routable.
    Degraded,
    /// Not to be sent requests.
    Unhealthy,
}

impl Health {
    const ALL: [Self; 3] = [Self::Healthy, Self::Degraded, Self::Unhealthy];

    pub(crate) fn from_u8(byte: u8) -> Option<Self> {
        Self::ALL.get(usize::from(byte)).copied()
    }
}

/// What *this* node has observed of a member itself. Never gossiped.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Default)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[repr(u8)]
pub enum Reachability {
    /// Not tried yet since this member (or this epoch of it) became known.
    #[default]
    Unknown,
    /// The last attempt was answered.
    Reachable,
    /// The last probe, direct and through relays, failed.
    Unreachable,
}

/// Where a node runs. Numbers are the operator's.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Default, Zeroable, Pod)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[repr(C)]
pub struct Locality {
    /// A part of the world; latency between regions is tens of milliseconds or more.
    pub region: u8,
    /// A data centre within its region.
    pub zone: u8,
    /// A rack within its zone.
    pub rack: u8,
}

impl Locality {
    /// The failure domain.
    pub const fn domain(self) -> Zone {
        Zone { region: self.region, zone: self.zone }
    }
}

/// A failure domain: a zone of a region. Shown as `region/zone`.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Default)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct Zone {
    /// See [`Locality::region`].
    pub region: u8,
    /// See [`Locality::zone`].
    pub zone: u8,
}

impl fmt::Display for Zone {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.region, self.zone)
    }
}

/// The versions of the protocol that a node speaks, both ends included; each 0 to 15.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct Versions {
    /// The oldest.
    pub min: u8,
    /// The newest.
    pub max: u8,
}

impl Versions {
    /// What this release speaks.
    pub const OURS: Self = Self { min: 1, max: 1 };

    pub(crate) const fn to_byte(self) -> u8 {
        self.min << 4 | self.max & 15
    }

    pub(crate) const fn from_byte(byte: u8) -> Option<Self> {
        let (min, max) = (byte >> 4, byte & 15);
        if min == 0 || min > max { None } else { Some(Self { min, max }) }
    }
}

/// Who a node is when it starts; the rest of its [`Record`] follows from it.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct Identity {
    /// The node's id, the same across restarts.
    pub id: NodeId,
    /// The epoch: `max(persisted + 1, Unix seconds)`.
    pub epoch: u32,
    /// Where others reach it.
    pub address: SocketAddr,
    /// Where it runs.
    pub locality: Locality,
}

/// The shared part of a member: what is gossiped, merged and remembered. 44 bytes, `Copy`.
///
/// The merge is the join of a product of two orders. One is `(incarnation, status, fields)`, where the
/// fields are address, locality and versions, and break ties only. The other is the owner's state
/// `(epoch, state version, health, pause)`. In each, the higher one wins.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Zeroable, Pod)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "serde", serde(into = "serial::Parts", try_from = "serial::Parts"))]
#[repr(C)]
pub struct Record {
    id: [u8; 8],
    ip: [u8; 16],
    epoch: u32,
    refutation: u32,
    state_version: u32,
    port: u16,
    locality: Locality,
    versions: u8,
    /// Status in the low nibble, health in the high one.
    standing: u8,
    pause_s: u8,
}

const _: () = assert!(size_of::<Record>() == 44);

impl Record {
    /// All zero: what an unused slot holds.
    pub(crate) const EMPTY: Self = Self {
        id: [0; 8],
        ip: [0; 16],
        epoch: 0,
        refutation: 0,
        state_version: 0,
        port: 0,
        locality: Locality { region: 0, zone: 0, rack: 0 },
        versions: 0,
        standing: 0,
        pause_s: 0,
    };
}

/// What merging another record into one did; see [`Record::merge`].
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Default)]
pub struct Merge {
    /// The record changed: the other one knew something newer.
    pub changed: bool,
    /// The record has something newer than the other one: the sender of that should be told.
    pub dominates: bool,
    /// Two different sets of fields under one incarnation: two nodes use one id.
    pub conflict: bool,
}

impl Record {
    /// A node's own record at the start of an epoch.
    pub fn new(identity: Identity, versions: Versions) -> Self {
        Self {
            id: identity.id.to_bytes(),
            epoch: identity.epoch,
            locality: identity.locality,
            versions: versions.to_byte(),
            ..Self::EMPTY
        }
        .with_address(identity.address)
    }

    /// Whose record this is.
    pub fn id(&self) -> NodeId {
        // A record's id is never zero; `max` keeps that true of an empty slot too.
        NodeId::kept_in(self.id)
    }

    /// The epoch, and the refutations in it.
    pub fn incarnation(&self) -> Incarnation {
        Incarnation { epoch: self.epoch, refutation: self.refutation }
    }

    /// What the cluster believes of the member.
    pub fn status(&self) -> Status {
        Status::from_u8(self.standing & 15).unwrap_or(Status::Alive)
    }

    /// Where it is reached. IPv4-mapped IPv6 addresses are shown as IPv4.
    pub fn address(&self) -> SocketAddr {
        SocketAddr::new(IpAddr::V6(Ipv6Addr::from(self.ip)).to_canonical(), self.port)
    }

    /// 32 bits of a hash of the address.
    pub(crate) fn address_hash(&self) -> u32 {
        let mut bytes = [0; 18];
        bytes[..16].copy_from_slice(&self.ip);
        bytes[16..].copy_from_slice(&self.port.to_be_bytes());
        SipHasher13::new_with_keys(0, 0).hash(&bytes) as u32
    }

    /// Where it runs.
    pub fn locality(&self) -> Locality {
        self.locality
    }

    /// Which versions of the protocol it speaks.
    pub fn versions(&self) -> Versions {
        Versions::from_byte(self.versions).unwrap_or(Versions::OURS)
    }

    /// How often its owner has changed what it says of itself, in this epoch.
    pub fn state_version(&self) -> u32 {
        self.state_version
    }

    /// What its owner says of its fitness to serve.
    pub fn health(&self) -> Health {
        Health::from_u8(self.standing >> 4).unwrap_or_default()
    }

    /// For how long, from the time of this announcement, its owner asked for patience; zero mostly.
    pub fn pause(&self) -> Duration {
        Duration::from_secs(u64::from(self.pause_s))
    }

    /// This record with another incarnation.
    #[must_use]
    pub fn with_incarnation(mut self, incarnation: Incarnation) -> Self {
        (self.epoch, self.refutation) = (incarnation.epoch, incarnation.refutation);
        self
    }

    /// This record with another status.
    #[must_use]
    pub fn with_status(mut self, status: Status) -> Self {
        self.standing = self.standing & 0xF0 | status as u8;
        self
    }

    /// What the member's owner says: nobody says of itself that it is suspect or dead.
    #[must_use]
    pub(crate) fn without_verdict(self) -> Self {
        if self.status() == Status::Left { self } else { self.with_status(Status::Alive) }
    }

    /// This record, which its owner has said, with what others say of it in the same incarnation.
    #[must_use]
    pub(crate) fn with_verdict_of(self, known: &Self) -> Self {
        let applies = self.incarnation() == known.incarnation();
        if applies { self.with_status(self.status().max(known.status())) } else { self }
    }

    /// This record with another address.
    #[must_use]
    pub fn with_address(mut self, address: SocketAddr) -> Self {
        self.ip = match address.ip() {
            IpAddr::V4(ip) => ip.to_ipv6_mapped().octets(),
            IpAddr::V6(ip) => ip.octets(),
        };
        self.port = address.port();
        self
    }

    /// This record with another locality.
    #[must_use]
    pub fn with_locality(mut self, locality: Locality) -> Self {
        self.locality = locality;
        self
    }

    /// This record with other versions.
    #[must_use]
    pub fn with_versions(mut self, versions: Versions) -> Self {
        self.versions = versions.to_byte();
        self
    }

    /// This record with another owner's state.
    #[must_use]
    pub fn with_state(mut self, state_version: u32, health: Health, pause_s: u8) -> Self {
        self.state_version = state_version;
        self.standing = self.standing & 0x0F | (health as u8) << 4;
        self.pause_s = pause_s;
        self
    }

    /// A record from what the wire carries; the address as an IPv6 or IPv4-mapped one.
    #[allow(clippy::too_many_arguments)]
    pub(crate) fn from_parts(
        id: NodeId,
        incarnation: Incarnation,
        status: Status,
        (ip, port): ([u8; 16], u16),
        locality: Locality,
        versions: Versions,
        (state_version, health, pause_s): (u32, Health, u8),
    ) -> Self {
        Self {
            id: id.to_bytes(),
            ip,
            epoch: incarnation.epoch,
            refutation: incarnation.refutation,
            state_version,
            port,
            locality,
            versions: versions.to_byte(),
            standing: status as u8 | (health as u8) << 4,
            pause_s,
        }
    }

    /// Whether a correct node could have said it: no count is near the end of its range, the versions are in order, and
    /// a single node can be reached at its address. For hosts that keep records and read them again:
    /// [`Node::restore`](crate::Node::restore) passes over those that are not credible.
    pub fn is_credible(&self) -> bool {
        self.incarnation().is_credible()
            && self.state_version <= Incarnation::MAX_COUNT
            && Versions::from_byte(self.versions).is_some()
            && is_unicast(self.address())
    }

    pub(crate) fn pause_seconds(&self) -> u8 {
        self.pause_s
    }

    /// What decides in the first order: incarnation, then status.
    pub(crate) fn rank(&self) -> (Incarnation, Status) {
        (self.incarnation(), self.status())
    }

    /// Address, locality and versions, in their tie-breaking order.
    fn fields(&self) -> ([u8; 16], u16, Locality, u8) {
        (self.ip, self.port, self.locality, self.versions)
    }

    pub(crate) fn same_fields(&self, other: &Self) -> bool {
        self.fields() == other.fields()
    }

    fn order_of_incarnation(&self, other: &Self) -> Ordering {
        self.rank().cmp(&other.rank()).then_with(|| self.fields().cmp(&other.fields()))
    }

    fn order_of_state(&self, other: &Self) -> Ordering {
        let state = |r: &Self| (r.epoch, r.state_version, r.standing >> 4, r.pause_s);
        state(self).cmp(&state(other))
    }

    /// Whether this one's owner's state would win.
    pub(crate) fn has_later_state_than(&self, other: &Self) -> bool {
        self.order_of_state(other).is_gt()
    }

    /// Whether two records of a member are of one incarnation and status, and of the same fields.
    pub(crate) fn differs_in_state_only(&self, other: &Self) -> bool {
        self.rank() == other.rank() && self.same_fields(other)
    }

    /// Takes in what another record of the same member says: the join of the two.
    ///
    /// ```
    /// # use gossip_core::{Identity, Locality, NodeId, Record, Status, Versions};
    /// # let identity = Identity { id: NodeId::from_name("db-1").unwrap(), epoch: 7, address: ([10, 0, 0, 1], 7946).into(), locality: Locality::default() };
    /// let mut ours = Record::new(identity, Versions::OURS);
    /// let theirs = ours.with_status(Status::Dead);
    /// assert!(ours.merge(&theirs).changed);
    /// assert_eq!(ours.status(), Status::Dead);
    /// assert!(!ours.merge(&theirs).changed);
    /// ```
    pub fn merge(&mut self, other: &Self) -> Merge {
        let (incarnation, state) = (self.order_of_incarnation(other), self.order_of_state(other));
        let conflict = self.incarnation() == other.incarnation() && !self.same_fields(other);
        let was = *self;
        if incarnation.is_lt() {
            *self = Self {
                state_version: was.state_version,
                standing: was.standing & 0xF0 | other.standing & 0x0F,
                pause_s: was.pause_s,
                ..*other
            };
        }
        if state.is_lt() {
            self.state_version = other.state_version;
            self.standing = self.standing & 0x0F | other.standing & 0xF0;
            self.pause_s = other.pause_s;
        }
        Merge {
            changed: incarnation.is_lt() || state.is_lt(),
            dominates: incarnation.is_gt() || state.is_gt(),
            conflict,
        }
    }
}

impl fmt::Debug for Record {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Incarnation { epoch, refutation } = self.incarnation();
        write!(f, "{} {:?}@{epoch}.{refutation} {}", self.id(), self.status(), self.address())?;
        write!(f, " v{} {:?}", self.state_version, self.health())
    }
}

/// "I could not reach `target` in this incarnation." Published by the accuser itself.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct Accusation {
    /// The member accused.
    pub target: NodeId,
    /// The incarnation that it is accused in.
    pub incarnation: Incarnation,
    /// Who accuses it.
    pub accuser: NodeId,
}

/// Two sums of keyed hashes over a set of live records, 32 bits each: of their identities, `(id, incarnation)`, in the
/// upper half, and of their states, `(id, epoch, state version)`, in the lower. Equal sets have equal fingerprints;
/// where sets differ, each half that could tell does so with probability 1 - 2^-32, unless someone who knows the key made
/// them collide.
///
/// Suspicions and forgotten tombstones change nothing.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Default)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct Fingerprint(pub u64);

impl Fingerprint {
    /// From two sums of 64 bits, of which the upper halves count.
    pub(crate) const fn new(identities: u64, states: u64) -> Self {
        Self(identities >> 32 << 32 | states >> 32)
    }

    /// Whether both are of the same members in the same incarnations. Their states may differ.
    pub const fn has_same_identities(self, other: Self) -> bool {
        self.0 >> 32 == other.0 >> 32
    }
}

impl fmt::Display for Fingerprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:016x}", self.0)
    }
}

#[cfg(test)]
mod tests;
