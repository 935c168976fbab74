//! What any plane may use: the clock, budgets, the outbox, the choice of peers, and how an intent becomes a packet.

pub(crate) mod budget;
pub(crate) mod choose;
pub(crate) mod clock;
pub(crate) mod context;
pub(crate) mod outbox;
pub(crate) mod path;
