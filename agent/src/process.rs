//! What the program is to its machine: signals that end it, the service manager that looks after it, commands that it runs.

pub(crate) mod shell;
pub(crate) mod signals;
pub(crate) mod systemd;
