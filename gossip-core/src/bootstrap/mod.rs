//! The plane of bootstrap: how this node comes in, and lets others in.
//!
//! ```text
//! join:      seeds ──ask──▶ challenge ──token──▶ welcome ──▶ fetch ranges, or sieve in a crowd ──▶ joined
//! admission: join ──▶ challenge │ refer to others ──token──▶ welcome, pages
//! ```
//!
//! Laws: a node that can reach one member gets a complete view, whatever is lost (`tests/it/joining.rs`); non-members
//! cost a bounded share of the budgets, and change nothing before they are proven (`tests/it/floods.rs`).

pub(crate) mod admission;
pub(crate) mod join;
pub(crate) mod plane;
