//! What the program is to its machine: signals that end it, and the service manager that looks after it.

pub(crate) mod signals;
pub(crate) mod systemd;
