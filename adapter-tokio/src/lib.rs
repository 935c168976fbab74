//! A gossip node on tokio.
//!
//! [`bind`] makes a [`Handle`] to ask and a [`Driver`] that does the work: spawn it, or poll it yourself.
//!
//! ```no_run
//! use adapter_tokio::{ClusterName, Config, Options, bind};
//!
//! #[tokio::main(flavor = "current_thread")]
//! async fn main() -> Result<(), Box<dyn std::error::Error>> {
//!     let mut options = Options::new("db-1", Config::lan(ClusterName::named("prod")?));
//!     options.bind = "10.0.0.1:7946".parse()?;
//!     options.seeds = vec!["seeds.example.com:7946".parse()?];
//!     let (node, driver) = bind(options).await?;
//!     let mut events = node.events();
//!     driver.spawn();
//!
//!     while let Some(notice) = events.next().await {
//!         match notice {
//!             Ok(notice) => println!("{:?}", notice.event),
//!             Err(lagged) => println!("{lagged}"),
//!         }
//!         let routable = node.members().iter().filter(|member| member.routable).count();
//!         println!("{routable} members to route to");
//!     }
//!     Ok(())
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
//! # fn run(node: &adapter_tokio::Handle) -> Result<(), Box<dyn std::error::Error>> {
//! use adapter_tokio::Key;
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
mod socket;

pub use driver::{Driver, bind, with_socket};
pub use gossip_host::prelude::*;

/// The programs in README.md compile.
#[cfg(doctest)]
#[doc = include_str!("../../README.md")]
pub struct Readme;

/// And so does the code in docs/src/state.md.
#[cfg(doctest)]
#[doc = include_str!("../../docs/src/state.md")]
pub struct State;

/// And that in docs/src/sealing.md.
#[cfg(all(doctest, feature = "seal"))]
#[doc = include_str!("../../docs/src/sealing.md")]
pub struct Sealed;

/// And that in docs/src/identities.md.
#[cfg(all(doctest, feature = "identity"))]
#[doc = include_str!("../../docs/src/identities.md")]
pub struct Identities;

/// And that in docs/src/operating.md.
#[cfg(doctest)]
#[doc = include_str!("../../docs/src/operating.md")]
pub struct Operating;
