//! What requests and answers hold, as JSON: the same types for the agent and for those who ask it.

use crate::print;
use adapter_tokio::Health;
use serde::{Deserialize, Serialize};
use std::{collections::BTreeMap, fmt, net::SocketAddr};
use utoipa::{IntoParams, ToSchema};

/// The agent's own node.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub(crate) struct Info {
    pub(crate) name: String,
    pub(crate) id: String,
    pub(crate) cluster: String,
    pub(crate) version: String,
    #[schema(value_type = String)]
    pub(crate) address: SocketAddr,
    /// As region/zone/rack, in numbers.
    pub(crate) locality: String,
    /// The same in the words of `--locality`.
    pub(crate) place: String,
    #[schema(pattern = "^(healthy|degraded|unhealthy)$")]
    pub(crate) health: String,
    /// Whether its view is as complete as it gets.
    pub(crate) joined: bool,
    pub(crate) epoch: u32,
    /// Members that are alive or suspect, itself included; and those that it remembers as dead or left.
    pub(crate) live: usize,
    pub(crate) gone: usize,
    /// 0: it is well. The more, the more time it gives others before it accuses them.
    pub(crate) local_health: u8,
    /// Equal on two agents that know the same, in hexadecimal digits.
    pub(crate) fingerprint: String,
    /// Whether it signs what it says of itself, and whether it hears what others have not signed.
    #[schema(pattern = "^(off|accept|require)$")]
    pub(crate) signing: String,
    /// Live members that have not signed what it knows of them.
    pub(crate) not_signed: u32,
    /// Ids of nodes that it keeps out.
    pub(crate) denied: Vec<String>,
    /// Where it can be asked.
    pub(crate) answers_at: AnswersAt,
    /// Names of seeds that cannot be found, and why.
    pub(crate) unresolved_seeds: Vec<String>,
}

/// Where an agent can be asked.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, ToSchema)]
pub(crate) struct AnswersAt {
    /// The path of its control socket.
    pub(crate) control: Option<String>,
    /// Its address for HTTP over TCP.
    #[schema(value_type = Option<String>)]
    pub(crate) http: Option<SocketAddr>,
}

impl fmt::Display for AnswersAt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (&self.control, self.http) {
            (Some(control), Some(http)) => write!(f, "answers at {control} and http://{http}"),
            (Some(control), None) => write!(f, "answers at {control}"),
            (None, Some(http)) => write!(f, "answers at http://{http}"),
            (None, None) => f.write_str("answers nobody"),
        }
    }
}

/// A member, the agent's own node included.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub(crate) struct Member {
    /// Its name; none until it has arrived.
    pub(crate) name: Option<String>,
    pub(crate) id: String,
    #[schema(value_type = String)]
    pub(crate) address: SocketAddr,
    /// As region/zone/rack, in numbers.
    pub(crate) locality: String,
    /// The same, with the agent's own words for what is in its region, zone and rack.
    pub(crate) place: String,
    #[schema(pattern = "^(alive|suspect|dead|left)$")]
    pub(crate) status: String,
    /// Of others only.
    pub(crate) reachability: Option<String>,
    #[schema(pattern = "^(healthy|degraded|unhealthy)$")]
    pub(crate) health: String,
    pub(crate) routable: bool,
    /// Who suspects it, by name if that is known, the first accuser first; of others only.
    pub(crate) accusers: Vec<String>,
    pub(crate) epoch: u32,
    /// What it publishes beside its name; bytes that are no visible ASCII are escaped as in Rust.
    pub(crate) tags: BTreeMap<String, String>,
}

/// The round trips between this agent and the members of a zone: of all of them together.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub(crate) struct RoundTrip {
    /// As region/zone, in numbers.
    pub(crate) zone: String,
    /// The smoothed round trip, in milliseconds.
    pub(crate) smoothed_ms: f64,
    /// By how much round trips differ from the smoothed one, in milliseconds.
    pub(crate) variation_ms: f64,
    /// The 99th percentile, rounded up to the next of two steps an octave, in milliseconds.
    pub(crate) p99_ms: f64,
    /// How long a ping to the zone waits for its ack at the least, in milliseconds.
    pub(crate) ack_timeout_ms: f64,
}

/// Who reaches a member, as several members say.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub(crate) struct Reach {
    /// The member's name; none until it has arrived.
    pub(crate) name: Option<String>,
    pub(crate) id: String,
    /// In a sentence.
    pub(crate) verdict: String,
    /// How many of them reach it.
    pub(crate) reaching: usize,
    /// What each says, the agent's own node first, unless it is the member itself.
    pub(crate) views: Vec<ReachView>,
}

/// Whether one member reaches another.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub(crate) struct ReachView {
    /// The name of the member that says so; none until it has arrived.
    pub(crate) name: Option<String>,
    pub(crate) id: String,
    /// Where it runs, as region/zone, in numbers.
    pub(crate) zone: String,
    #[schema(inline)]
    pub(crate) answer: ReachAnswer,
}

/// What a member says of whether it reaches another one.
///
/// Agents send the variants to each other by their order: add new ones at the end.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum ReachAnswer {
    /// The member is alive, and has answered when it was last probed.
    Reaches,
    /// It has not answered.
    Unreachable,
    /// It is suspected, and was not found unreachable from there.
    Suspects,
    /// It was declared dead.
    Dead,
    /// It has left.
    Left,
    /// It is alive, and was not probed from there so far.
    NotTried,
    /// No such member is known there.
    Unknown,
    /// The one that is asked is cut off itself, or its answer cannot be read.
    CannotTell,
    /// Nothing came back in time.
    NoAnswer,
    /// The one that is asked does not answer such questions, as older agents do not.
    Refused,
}

/// Which members are asked for: those that fit all that is given.
#[derive(Clone, Debug, Default, Serialize, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub(crate) struct Filter {
    /// `alive`, `suspect`, `dead` or `left`.
    pub(crate) status: Option<String>,
    /// As region/zone, or region/zone/rack, in words or numbers.
    pub(crate) zone: Option<String>,
    /// A name, or its beginning before a `*`.
    pub(crate) name: Option<String>,
    /// A key that it has, or a key and its value, as `role=db`.
    pub(crate) tag: Option<String>,
}

/// Which keys the agent's node has, and what came of the datagrams that reached it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub(crate) struct Keys {
    /// How far the node is on its way from clear to sealed.
    #[schema(pattern = "^(off|accept|prefer|require)$")]
    pub(crate) sealing: String,
    /// Its keys, the first one first.
    pub(crate) keys: Vec<KeyUse>,
    /// Sealed datagrams that opened.
    pub(crate) received_sealed: u64,
    /// Datagrams in the clear that were heard: while there are any, not all nodes seal.
    pub(crate) received_clear: u64,
    /// Sealed datagrams of members that had yet to prove that they speak now.
    pub(crate) unproven: u64,
    /// Refused: sealed with a key that the node does not have.
    pub(crate) unknown_keys: u64,
    /// Refused: sealed with a key of the node, and do not open.
    pub(crate) forged: u64,
    /// Refused: heard before.
    pub(crate) replayed: u64,
    /// Refused: in the clear, where sealed ones alone are heard.
    pub(crate) not_sealed: u64,
}

/// A key of the agent's node; never the key itself.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub(crate) struct KeyUse {
    /// Two hexadecimal digits, which follow from the key.
    pub(crate) id: String,
    /// Whether the node seals with it.
    pub(crate) seals: bool,
    /// Whether it opens what others have sealed with it.
    pub(crate) opens: bool,
    /// Other live members that seal with it; this node itself is not counted.
    pub(crate) members: u32,
}

/// Nodes that the agent's node keeps out.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub(crate) struct Denied {
    /// Their ids.
    pub(crate) denied: Vec<String>,
}

/// Has the file of keys read again.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct ReloadKeys {
    /// Also if it lacks a key that live members need.
    #[serde(default)]
    pub(crate) force: bool,
}

/// Seeds to join.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Join {
    pub(crate) seeds: Vec<String>,
}

/// What the node says of its fitness to serve: healthy, degraded or unhealthy.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct SetHealth {
    #[schema(pattern = "^(healthy|degraded|unhealthy)$")]
    pub(crate) health: String,
}

/// For how long the others shall have patience.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Pause {
    pub(crate) seconds: u8,
}

/// A value for a key of the node's own, or of the cluster.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Set {
    pub(crate) value: String,
    /// How many seconds it lasts; without it, as long as the node. Not for the cluster's keys.
    #[serde(default)]
    pub(crate) ttl: Option<u32>,
}

/// A key of the cluster.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub(crate) struct Shared {
    pub(crate) key: String,
    pub(crate) value: String,
    /// Who set it, by name if that is known.
    pub(crate) writer: String,
    pub(crate) revision: u64,
}

/// An event for all members.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Send {
    pub(crate) name: String,
    #[serde(default)]
    pub(crate) payload: String,
}

/// Why a request was not carried out.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub(crate) struct Problem {
    pub(crate) error: String,
}

/// A health by its word.
pub(crate) fn health_of(word: &str) -> Option<Health> {
    [Health::Healthy, Health::Degraded, Health::Unhealthy]
        .into_iter()
        .find(|&health| print::health(health) == word)
}
