//! How a node comes in, and how it lets others in.

pub(crate) mod admission;
pub(crate) mod join;
