//! The store: laws over random histories, and what single operations promise.

mod bytes;
mod expiry;
mod laws;
mod limits;
mod rig;
mod sharing;
mod telling;
mod world;
mod writing;
