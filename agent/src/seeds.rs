//! Seeds: what the operator is told of those that are given, and how further ones are found while the node runs.

mod check;
pub(crate) mod discovery;

pub(crate) use check::{SeedCheck, Seen};
