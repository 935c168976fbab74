//! The end of a node: by its own leave, or with its driver.

use std::fmt;

/// The node left by its own word.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct Left {
    /// How many others have acknowledged it, and tell the rest. Three are enough, or all if they are fewer; fewer of
    /// them if the time was over before. Where all leave together, those that leave count. None: there was no other node.
    pub acknowledged: u32,
}

impl fmt::Display for Left {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.acknowledged {
            0 => f.write_str("left; nobody else was there"),
            1 => f.write_str("left; one other has acknowledged it, and tells the rest"),
            n => write!(f, "left; {n} others have acknowledged it, and tell the rest"),
        }
    }
}

/// Why a node stopped without a leave that others know of. They see a crash.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[non_exhaustive]
pub enum LeaveError {
    /// Others were there when it left, and none acknowledged it in time.
    Unacknowledged,
    /// The driver was dropped.
    DriverDropped,
}

impl fmt::Display for LeaveError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Unacknowledged => "nobody acknowledged the leave: the others see a crash",
            Self::DriverDropped => "the driver was dropped before the node had left: the others see a crash",
        })
    }
}

impl std::error::Error for LeaveError {}

/// How a node stopped: what its driver and its [`Leave`](crate::Leave) end with.
pub type Stopped = Result<Left, LeaveError>;
