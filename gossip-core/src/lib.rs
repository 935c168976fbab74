//! SWIM membership and epidemic dissemination as a pure state machine.
//!
//! A [`Node`] knows which members of a cluster are alive, and spreads changes among them fast and without a
//! coordinator. It is *sans-IO*: bytes and time go in; packets, events and a deadline come out. Sockets, clocks,
//! threads and randomness are the host's. The same code runs under tokio, in your own event loop, in a simulator
//! with thousands of nodes in virtual time, under a fuzzer, and on a microcontroller without an allocator.
//!
//! ```text
//!                    now, from, &mut [u8]                         now
//!                            │                                     │
//!                     handle_datagram                             tick
//!                            ▼                                     ▼
//!   Frame ─▶ Authentic ─▶ news and messages ─▶ tables ◀─ timers: probes, suspicions, quarantines, rounds, reconnects
//!                                                │
//!                                             Intent ─▶ Packet
//!                                                ▼
//!             Output { verdict, next_tick, packets(), events() }   in the caller's Outbox
//! ```
//!
//! # The contract
//!
//! * Every call that changes anything is a *step*: it takes the time and an [`Outbox`], and returns an [`Output`].
//! * Send the packets, in order, or lose them; a lost one does no harm that the protocol does not expect.
//! * Call [`Node::tick`] at [`Output::next_tick`] at the latest. Earlier is allowed, and does what is due, if anything.
//! * Time is monotonic and the same clock for all calls to one node. Nothing else is asked of it.
//! * Each step is bounded: in time, packets, events and bytes. After construction none allocates.
//! * One seed and one sequence of inputs give one sequence of outputs, byte for byte, on every machine.
//!
//! # What is known of a member
//!
//! [`Member`] keeps three things apart: [`Status`], which the cluster agrees on by gossip; [`Reachability`], which is
//! what this node has found out itself; and [`Health`], which is the member's own statement. Death takes evidence: a
//! node declares a member dead only when others accuse it as well and a check of its own has just failed. A [`Zone`]
//! that is silent as a whole is quarantined first ([`Event::ZoneQuarantined`]), since the path to it may be broken.
//!
//! # A run loop
//!
//! Two nodes meet, each driven by hand. A real host sends the packets through its socket instead, and waits for
//! the next datagram or for `next_tick`, whichever comes first.
//!
//! ```
//! # #[cfg(feature = "alloc")] {
//! use gossip_core::{
//!     Buffer, ClusterName, Config, Event, Heap, Identity, Instant, Locality, Node, NodeId, Output,
//! };
//! use std::{collections::VecDeque, net::SocketAddr};
//!
//! let config = Config::local(ClusterName::named("doc")?);
//! let node = |name: &str, port: u16| {
//!     let address = ([127, 0, 0, 1], port).into();
//!     let identity = Identity { id: NodeId::from_name(name)?, epoch: 1, address, locality: Locality::default() };
//!     Node::new(config, identity, [port as u8; 32], Heap::for_members(16), Instant::ZERO)
//! };
//! let mut nodes = [node("a", 1)?, node("b", 2)?];
//! let mut buffer = Buffer::<16, 128, 19_200>::new();
//! let mut out = buffer.outbox_for(&config)?;
//!
//! // What is on its way: from, to, bytes.
//! let mut wire: VecDeque<(SocketAddr, SocketAddr, Vec<u8>)> = VecDeque::new();
//! let send = |wire: &mut VecDeque<_>, from, output: &Output<'_>| {
//!     wire.extend(output.packets().map(|packet| (from, packet.to, packet.bytes.to_vec())));
//! };
//!
//! let (a, b) = (nodes[0].me().address(), nodes[1].me().address());
//! let mut joined = false;
//! send(&mut wire, b, &nodes[1].join(Instant::ZERO, &[a], &mut out));
//! for millis in 0..1_000 {
//!     let now = Instant::from_millis(millis);
//!     while let Some((from, to, mut bytes)) = wire.pop_front() {
//!         let node = &mut nodes[usize::from(to == b)];
//!         let output = node.handle_datagram(now, from, &mut bytes, &mut out);
//!         joined |= output.events().contains(&Event::Joined);
//!         send(&mut wire, to, &output);
//!     }
//!     for node in &mut nodes {
//!         if node.next_tick() <= now {
//!             let me = node.me().address();
//!             send(&mut wire, me, &node.tick(now, &mut out));
//!         }
//!     }
//! }
//! assert!(joined);
//! assert_eq!(nodes[0].members().len(), 1);
//! assert_eq!(nodes[0].fingerprint(), nodes[1].fingerprint());
//! # }
//! # Ok::<(), gossip_core::ConfigError>(())
//! ```
//!
//! # Features
//!
//! * `alloc` (default): [`Heap`], tables sized once at construction. Without it there is [`Inline`].
//! * `tracing`, `defmt`, `log`: diagnostics, through the first of them that is on.
//! * `seal`: datagrams sealed with a cluster's key, so that nobody without it is heard: `Node::set_keys`. 16 bytes a member more.
//! * `identity`: what nodes sign, so that no member is believed what it says of another: `Node::set_identity`. 244 bytes a member
//!   more.
//! * `serde`: ids, records, events, metrics and configurations implement `Serialize` and `Deserialize`.

#![forbid(unsafe_code)]
#![warn(missing_copy_implementations)]
#![no_std]
#[cfg(any(feature = "alloc", fuzzing, test))]
extern crate alloc;
#[cfg(test)]
#[macro_use]
extern crate std;

mod bootstrap;
mod dissemination;
mod kernel;
mod membership;
mod node;
mod security;
mod state;
mod tables;
mod vocabulary;
mod wire;

pub use kernel::outbox::{Buffer, Event, Outbox, Output, Packet, Payload};
pub use node::api::Node;
pub use node::members::{Member, Members};
pub use node::pulses::Pulse;
#[cfg(feature = "identity")]
pub use node::signing::SignedRecord;
pub use node::state::{Entry, State, StateKey};
pub use node::values::{Authority, ClusterValue};
#[cfg(feature = "identity")]
pub use security::identity::{
    certificate::{Certificate, CertificateError},
    claim::{Claim, Heard},
    error::IdentityError,
    key::{PublicKey, SigningKey},
    signer::{Credentials, CredentialsError},
    trust::{Distrust, Listed, Trust},
};
#[cfg(feature = "seal")]
pub use security::{
    key::{Key, KeyError},
    keyring::{KeyRing, MAX_KEYS},
};
#[cfg(feature = "alloc")]
pub use tables::memory::Heap;
pub use tables::memory::{Inline, InlineState, Memory, NoState, StateMemory};
pub use tables::rtt::RoundTrip;
pub use tables::state::entry::AfterDeath;
pub use tables::state::write::Terms;
pub use vocabulary::ask::{Answer, AskFailure, AskId, Question};
pub use vocabulary::config::{Budgets, ClusterName, Config, Mechanisms, Mode, PulseScope};
pub use vocabulary::endpoint::{Endpoint, Sighting};
pub use vocabulary::error::{
    ConfigError, Malformed, NotDenied, NotForgotten, StateError, ValueError, Verdict,
};
pub use vocabulary::key::ValueTag;
pub use vocabulary::metrics::{BudgetsUsed, Histogram, Metrics};
pub use vocabulary::name::NameError;
pub use vocabulary::record::{
    Accusation, Fingerprint, Health, Identity, Incarnation, Locality, Merge, NodeId, ParseNodeIdError,
    Reachability, Record, Status, Versions, Zone,
};
#[cfg(feature = "seal")]
pub use vocabulary::sealing::{KeyId, Sealing, UnknownSealing};
#[cfg(feature = "identity")]
pub use vocabulary::signing::{Signing, UnknownSigning};
pub use vocabulary::time::Instant;
pub use vocabulary::traffic::Traffic;

#[cfg(any(fuzzing, test))]
#[doc(hidden)]
pub use node::fuzzing;
