//! A gossip node in your own mio loop.
//!
//! [`bind`] makes a [`Handle`] to ask and a [`Driver`], a mio source. The `Poll` is yours, and so are the
//! thread and everything else that the loop serves.
//!
//! ```no_run
//! use adapter_mio::{ClusterName, Config, Options, bind};
//! use mio::{Events, Interest, Poll, Token, Waker};
//! use std::{io::ErrorKind, sync::Arc};
//!
//! const WAKER: Token = Token(0);
//! const GOSSIP: Token = Token(1);
//!
//! fn main() -> Result<(), Box<dyn std::error::Error>> {
//!     let mut options = Options::new("db-1", Config::lan(ClusterName::named("prod")?));
//!     options.bind = "10.0.0.1:7946".parse()?;
//!     options.seeds = vec!["seeds.example.com:7946".parse()?];
//!
//!     let mut poll = Poll::new()?;
//!     let waker = Arc::new(Waker::new(poll.registry(), WAKER)?);
//!     let (node, mut driver) = bind(options, waker)?;
//!     poll.registry().register(&mut driver, GOSSIP, Interest::READABLE)?;
//!
//!     let mut ready = Events::with_capacity(64);
//!     loop {
//!         match poll.poll(&mut ready, driver.next_timeout()) {
//!             // What interrupts a wait is a signal, and no reason to stop.
//!             Err(error) if error.kind() != ErrorKind::Interrupted => return Err(error.into()),
//!             _ => {}
//!         }
//!         if ready.iter().any(|event| event.token() == GOSSIP) && driver.on_ready().is_break() {
//!             return Ok(());
//!         }
//!         if driver.on_timeout().is_break() {
//!             return Ok(());
//!         }
//!         println!("{} members", node.members().len());
//!     }
//! }
//! ```
//!
//! # What members publish
//!
//! Each node publishes keys of its own, which all others read: ports, tags, names ([`Handle::publish`], [`Handle::get`],
//! [`Handle::watch_key`]). Flags and settings that belong to no node are set and read with [`Handle::cluster`]. What
//! is of interest only now is sent to all with [`Handle::send_event`]. A member is asked for what it does not publish with
//! [`Handle::ask`].
//!
//! ```
//! # fn run(node: &adapter_mio::Handle) -> Result<(), Box<dyn std::error::Error>> {
//! use adapter_mio::Key;
//!
//! const PORT: Key<u16> = Key::new("port");
//!
//! node.publish(&PORT, &8080)?;
//! if let Some(db) = node.find("db-1") {
//!     let port = node.get(db, &PORT)?.map(|port| port.value);
//!     println!("db-1 serves at {port:?}");
//! }
//! # Ok(())
//! # }
//! ```
//!
//! Everything a user needs of `gossip-host` and `gossip-core` is exported from here.
//!
//! # Features
//!
//! * `log`, `tracing`: diagnostics of the node; through `tracing`, if both are on.
//! * `serde`: ids, records, members, events and notices, metrics and configurations implement `Serialize` and `Deserialize`.
//! * `stream`: [`Events`], [`UserEvents`], [`Questions`], [`KeyWatch`] and [`ClusterWatch`] implement `futures_core::Stream`.
//! * `seal`: datagrams sealed with a cluster's keys: `Options::keys`, `Handle::set_keys`, `KeyFile`.
//! * `identity`: nodes that sign what they say: `Options::credentials`, `Handle::set_identity`, and the files of a node's signing key
//!   (`IdentityFile`) and of the keys that may speak for the members (`TrustSource`).

mod driver;
mod registration;
mod socket;

pub use driver::{Driver, bind, with_socket};
pub use gossip_host::prelude::*;
