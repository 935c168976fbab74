//! From bytes to what may be believed, and what proves an address.

pub(crate) mod open;
pub(crate) mod token;
