//! What a node keeps of others: members, what is to be sent of them, suspicions, contacts and round trips.

pub(crate) mod contacts;
pub(crate) mod memory;
pub(crate) mod queue;
pub(crate) mod rtt;
pub(crate) mod table;
