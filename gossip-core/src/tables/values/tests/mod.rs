//! Cluster-wide values: laws over random values and histories, and what single operations promise.

mod deleting;
mod laws;
mod limits;
mod pending;
mod repair;
mod rig;
mod world;
mod writing;
