//! What a step says about its input, and why a configuration was refused.

use crate::vocabulary::name::NameError;
use core::{fmt, time::Duration};

/// What a datagram (or a tick) was. Hostile input is data: it is never an `Err`.
///
/// "No effect" means that no table, timer or counter of the protocol changed, apart from the metrics.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
#[non_exhaustive]
pub enum Verdict {
    /// Understood, and acted on where it said something new.
    Accepted,
    /// From a sender that is not a member. It got its ack and was asked, at a bounded rate, to introduce
    /// itself; no effect.
    NonMember,
    /// Not a datagram of this protocol; no effect.
    Malformed(Malformed),
    /// From another cluster: the cluster names differ; no effect.
    ForeignCluster,
    /// Of a protocol version that this release does not speak; no effect.
    UnknownVersion(u8),
    /// Sealed with a key that this node does not have, or does not use since its sealing is off; no effect.
    UnknownKey(u8),
    /// Sealed with a key of this node, but it does not open: it was changed, made without the key, or sealed for another node;
    /// no effect.
    Forged,
    /// Sealed, and heard before; no effect.
    Replayed,
    /// In the clear, where this node hears sealed datagrams alone; no effect.
    NotSealed,
    /// Sent by this node itself, or by another one under its id; no effect.
    OwnEcho,
    /// From a node that the host [denies](crate::Node::deny); no effect.
    Denied,
    /// From a sender that is no member, over the limit on such input; no effect.
    Limited,
    /// This node has left; no effect.
    Inactive,
    /// The outbox has no room for one datagram of `max_datagram` bytes, or for the events that it can raise; no effect.
    /// Enlarge the `Buffer`, or configure smaller datagrams.
    OutboxTooSmall,
}

/// What is wrong with a malformed datagram.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
#[non_exhaustive]
pub enum Malformed {
    /// Longer than `max_datagram`.
    TooLong,
    /// It ends within the header, a section or a value.
    Truncated,
    /// A section's body does not decode, or has bytes left over.
    Section(u8),
    /// More sections, records or accusations than a datagram may carry.
    TooMany,
    /// A value that no correct node sends: a zero id, an incarnation near its end, an address that
    /// no node can be reached at. Or it came from such an address.
    Value,
}

impl fmt::Display for Malformed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::TooLong => f.write_str("longer than max_datagram"),
            Self::Truncated => f.write_str("truncated"),
            Self::Section(tag) => write!(f, "section {tag} does not decode"),
            Self::TooMany => f.write_str("too many entries"),
            Self::Value => f.write_str("a value that no correct node sends"),
        }
    }
}

impl core::error::Error for Malformed {}

/// The knob that may be 0 beside its range.
pub(crate) const PULSES: &str = "budgets.pulses";

/// Why a configuration or a start was refused, and what to do. Nothing has changed.
#[derive(Clone, Copy, PartialEq, Debug)]
#[non_exhaustive]
pub enum ConfigError {
    /// The cluster's name breaks the rule for names.
    ClusterName(NameError),
    /// The node's name breaks the rule for names.
    NodeName(NameError),
    /// A knob is outside its range.
    Range {
        /// The field of `Config`.
        field: &'static str,
        /// The least allowed, in the field's unit (seconds for durations).
        min: f64,
        /// The most allowed.
        max: f64,
        /// What was given.
        given: f64,
    },
    /// Two knobs contradict each other.
    Order {
        /// This one must not be above ...
        smaller: &'static str,
        /// ... this one.
        larger: &'static str,
    },
    /// The node's own address cannot be gossiped: port 0, unspecified, multicast or broadcast.
    Address,
    /// The epoch is above `Incarnation::MAX_EPOCH`.
    Epoch,
    /// The memory has room for fewer than two members, or for more than 2^20.
    Memory,
    /// The memory for kept state is for another number of members than that beside it.
    StateMemory,
    /// An outbox has no room for what one step may put into it: [`Buffer::outbox_for`](crate::Buffer::outbox_for).
    Outbox {
        /// The events that one step may raise.
        events: usize,
        /// The bytes of one datagram.
        bytes: usize,
    },
    /// The field cannot be changed while running.
    Fixed {
        /// The field of `Config`.
        field: &'static str,
    },
}

impl fmt::Display for ConfigError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::ClusterName(_) => f.write_str("the cluster's name cannot be used"),
            Self::NodeName(_) => f.write_str("the node's name cannot be used"),
            Self::Range { field, min, max, given } => {
                write!(f, "{field} is {given}: set it to {min} at least and {max} at most")?;
                if *field == PULSES { f.write_str(", or to 0 for none") } else { Ok(()) }
            }
            Self::Order { smaller, larger } => {
                write!(f, "{smaller} is above {larger}: lower the one or raise the other")
            }
            Self::Address => f.write_str(
                "others cannot reach this address: advertise a unicast address with a port, not 0.0.0.0 or port 0",
            ),
            Self::Epoch => f.write_str(
                "the epoch is too high: use max(persisted + 1, Unix seconds), and mend the file that it was read from",
            ),
            Self::Memory => f.write_str("the memory must have room for 2 to 1,048,576 members"),
            Self::StateMemory => f.write_str("the memory for kept state must be for as many members as the one beside it"),
            Self::Outbox { events, bytes } => {
                write!(f, "the outbox is too small: give its buffer room for {events} events and {bytes} bytes")
            }
            Self::Fixed { field } => {
                write!(f, "{field} cannot change while the node runs: restart it with the new value")
            }
        }
    }
}

impl core::error::Error for ConfigError {
    fn source(&self) -> Option<&(dyn core::error::Error + 'static)> {
        match self {
            Self::ClusterName(error) | Self::NodeName(error) => Some(error),
            _ => None,
        }
    }
}

/// Why something was not published, asked or answered. Nothing has changed.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
#[non_exhaustive]
pub enum StateError {
    /// A key is 1 to 31 visible ASCII characters.
    Key,
    /// The value and its key are longer than one datagram takes.
    TooLarge {
        /// The most bytes of key and value together.
        most: usize,
    },
    /// This node has the most keys that it may, including recently deleted ones.
    TooMany {
        /// The most keys.
        most: usize,
    },
    /// This node has the most bytes of keys and values that it may.
    Full {
        /// The most bytes: `Config::state_per_member`.
        most: usize,
    },
    /// The memory for kept state is full, and this node has its share of it.
    NoRoom,
    /// A time to live is 1 to 16,777,216 seconds.
    Ttl,
    /// This node's memory has no room for kept state at all.
    NoMemory,
    /// The payload of an event is longer than this.
    EventTooLarge {
        /// The most bytes.
        most: usize,
    },
    /// This node has sent the most events that it may for now.
    Busy {
        /// How long until it may send the next.
        wait: Duration,
    },
    /// A question is for this node itself, or for no live member.
    NoMember,
    /// This node waits for the most answers that it may.
    TooManyAsked {
        /// The most questions at a time.
        most: usize,
    },
    /// A pulse is longer than this.
    PulseTooLarge {
        /// The most bytes.
        most: usize,
    },
    /// Pulses are off: `Budgets::pulses` is 0.
    PulsesOff,
    /// An answer is longer than what reaches the member that asks.
    AnswerTooLarge {
        /// The most bytes.
        most: usize,
    },
    /// The outbox has no room for a step: see [`Verdict::OutboxTooSmall`].
    OutboxTooSmall,
    /// This node has left, or is leaving.
    Inactive,
    /// The counter of this node's writes has come to its end: only a new epoch helps.
    Exhausted,
}

impl fmt::Display for StateError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Key => {
                f.write_str("a key is 1 to 31 visible ASCII characters: choose a shorter or plainer one")
            }
            Self::TooLarge { most } => {
                write!(
                    f,
                    "key and value have more than {most} bytes: publish where it can be fetched instead"
                )
            }
            Self::TooMany { most } => {
                write!(
                    f,
                    "a node has {most} keys at the most: withdraw some, or put several values under one key"
                )
            }
            Self::Full { most } => {
                write!(
                    f,
                    "a node has {most} bytes of keys and values at the most: withdraw some, or raise state_per_member"
                )
            }
            Self::NoRoom => {
                f.write_str("the memory for kept state is full: give the node more, or publish less")
            }
            Self::Ttl => f.write_str("a time to live is 1 to 16,777,216 seconds"),
            Self::NoMemory => f.write_str("this node's memory keeps no state: give it some"),
            Self::EventTooLarge { most } => {
                write!(f, "an event has {most} bytes at the most: send where more can be fetched")
            }
            Self::Busy { wait } => {
                write!(f, "a node sends one event a second, and eight at once: wait for {wait:?}")
            }
            Self::NoMember => f.write_str("only another live member can be asked"),
            Self::TooManyAsked { most } => {
                write!(f, "{most} questions wait for their answers: ask again when one has ended")
            }
            Self::PulseTooLarge { most } => {
                write!(f, "a pulse has {most} bytes at the most: say the rest when asked")
            }
            Self::PulsesOff => f.write_str("pulses are off: set budgets.pulses, to 6,000 say, on all nodes"),
            Self::AnswerTooLarge { most } => {
                write!(
                    f,
                    "an answer to this member has {most} bytes at the most: say where more can be fetched"
                )
            }
            Self::OutboxTooSmall => f.write_str("the outbox has no room for a step: enlarge its buffer"),
            Self::Inactive => f.write_str("this node has left, or is leaving"),
            Self::Exhausted => f.write_str("this node has written too often in this epoch: restart it"),
        }
    }
}

impl core::error::Error for StateError {}

/// Why a cluster-wide value was not written. Nothing has changed.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
#[non_exhaustive]
pub enum ValueError {
    /// A key is 1 to 31 visible ASCII characters.
    Key,
    /// The value is longer than one datagram takes.
    TooLarge {
        /// The most bytes.
        most: usize,
    },
    /// The key begins with a prefix that is left to an authority.
    Reserved,
    /// The key has an authority's value, or was deleted by an authority.
    Outranked,
    /// The authority has said something later of the key.
    Outdated,
    /// The cluster has the most keys that it may, including deleted ones until they are forgotten.
    TooMany {
        /// The most keys.
        most: usize,
    },
    /// Keys and values take the most bytes that they may.
    Full {
        /// The most bytes.
        most: usize,
    },
    /// There are more prefixes than can be left to authorities.
    Prefixes {
        /// The most prefixes.
        most: usize,
    },
    /// Someone has used up the revisions of this key.
    Exhausted,
    /// This node's memory has no room for values at all.
    NoMemory,
    /// This node has left, or is leaving.
    Inactive,
}

impl fmt::Display for ValueError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Key => {
                f.write_str("a key is 1 to 31 visible ASCII characters: choose a shorter or plainer one")
            }
            Self::TooLarge { most } => {
                write!(f, "the value has more than {most} bytes: set where it can be fetched instead")
            }
            Self::Reserved => f.write_str("keys with this prefix are an authority's: write it there"),
            Self::Outranked => f.write_str("an authority has written this key: write it there"),
            Self::Outdated => {
                f.write_str("the authority has written this key since: tell its later revision")
            }
            Self::TooMany { most } => write!(
                f,
                "a cluster has {most} keys at the most, and deleted ones count for a day: put several values under one key"
            ),
            Self::Full { most } => {
                write!(f, "keys and values of a cluster have {most} bytes at the most: delete some")
            }
            Self::Prefixes { most } => write!(f, "{most} prefixes can be an authority's at the most"),
            Self::Exhausted => f.write_str(
                "the revisions of this key are used up: have an authority delete it, or use another",
            ),
            Self::NoMemory => f.write_str("this node's memory keeps no values: give it some"),
            Self::Inactive => f.write_str("this node has left, or is leaving"),
        }
    }
}

impl core::error::Error for ValueError {}

/// Why a member was not forgotten. Nothing has changed.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
#[non_exhaustive]
pub enum NotForgotten {
    /// No other member has this id here.
    NoMember,
    /// The member is alive or suspect here.
    Live,
    /// This node has left, or is leaving.
    Inactive,
}

impl fmt::Display for NotForgotten {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::NoMember => "no other member has this id: it may be forgotten already",
            Self::Live => "the member is live: have it leave, or wait until it is found dead",
            Self::Inactive => "this node has left, or is leaving",
        })
    }
}

impl core::error::Error for NotForgotten {}

/// Why a node is not denied. Nothing has changed.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
#[non_exhaustive]
pub enum NotDenied {
    /// It is this node itself.
    Myself,
    /// As many are denied as there is room for.
    Full {
        /// How many.
        most: usize,
    },
    /// This node has left, or is leaving.
    Inactive,
}

impl fmt::Display for NotDenied {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Myself => f.write_str("a node does not deny itself: have it leave"),
            Self::Full { most } => {
                write!(
                    f,
                    "{most} nodes are denied, which is the most: allow one, or change the cluster's key"
                )
            }
            Self::Inactive => f.write_str("this node has left, or is leaving"),
        }
    }
}

impl core::error::Error for NotDenied {}

impl From<NameError> for ConfigError {
    fn from(error: NameError) -> Self {
        Self::NodeName(error)
    }
}
