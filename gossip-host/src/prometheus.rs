//! A node's metrics in a [`Registry`] of `prometheus-client`: the user's own, or one for this alone.
//!
//! What is asked for is collected when it is asked for, in one look at the node. In between nothing is done, so however often it
//! is scraped, the protocol's own path is the same.
//!
//! ```
//! use gossip_host::prometheus::{self, prometheus_client::{encoding::text, registry::Registry}};
//!
//! fn exposition(handle: &gossip_host::Handle) -> Result<String, std::fmt::Error> {
//!     let mut registry = Registry::default();
//!     prometheus::register(&mut registry, handle);
//!     let mut exposition = String::new();
//!     text::encode(&mut exposition, &registry)?;
//!     Ok(exposition)
//! }
//! ```
//!
//! Several nodes in one process need a label each: register each in its own
//! [`sub_registry_with_label`](Registry::sub_registry_with_label).

mod families;
mod snapshot;
#[cfg(test)]
mod tests;

pub use prometheus_client;

use crate::handle::Handle;
use families::Families;
use prometheus_client::{collector::Collector, encoding::DescriptorEncoder, registry::Registry};
use snapshot::Snapshot;
use std::fmt;

/// Zones that `gossip_members` names: those with the lowest numbers, so that all nodes name the same. The members of all others
/// are added up under the zone `other`.
pub const MAX_ZONES: usize = 32;

/// Registers all metrics of a node. What is registered keeps the node's memory as long as the registry lives.
pub fn register(registry: &mut Registry, handle: &Handle) {
    registry.register_collector(Box::new(NodeCollector(handle.clone())));
}

/// Looks at a node whenever its registry is encoded.
#[derive(Debug)]
struct NodeCollector(Handle);

impl Collector for NodeCollector {
    fn encode(&self, encoder: DescriptorEncoder<'_>) -> fmt::Result {
        Families(encoder).put(&Snapshot::of(&self.0))
    }
}
