//! How news spreads: rounds of rumors, sieves, pulls and reconciliation.

pub(crate) mod reconcile;
pub(crate) mod rounds;
pub(crate) mod sieve;
