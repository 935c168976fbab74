//! What the loopback device carried.

use anyhow::{Context as _, Result};
use std::{fs, ops::Sub};

/// Where the kernel counts what devices carried, in this process's network namespace.
const DEVICES: &str = "/proc/net/dev";
/// The link header that the loopback device adds to each packet, and counts.
const LINK_HEADER: u64 = 14;

/// Packets, and their bytes with IP headers.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub(crate) struct Traffic {
    pub(crate) bytes: u64,
    pub(crate) packets: u64,
}

impl Traffic {
    /// All since the namespace was made.
    ///
    /// # Errors
    /// The counters cannot be read.
    pub(crate) fn read() -> Result<Self> {
        let devices = fs::read_to_string(DEVICES).context(DEVICES)?;
        Self::parse(&devices).with_context(|| format!("{DEVICES} does not list the loopback device"))
    }

    /// What is received on loopback is all that was sent there.
    fn parse(devices: &str) -> Option<Self> {
        let counters = devices.lines().find_map(|line| line.trim_start().strip_prefix("lo:"))?;
        let mut counters = counters.split_whitespace().map(str::parse);
        let (bytes, packets): (u64, u64) = (counters.next()?.ok()?, counters.next()?.ok()?);
        Some(Self { bytes: bytes.saturating_sub(LINK_HEADER * packets), packets })
    }
}

impl Sub for Traffic {
    type Output = Self;

    fn sub(self, before: Self) -> Self {
        Self {
            bytes: self.bytes.saturating_sub(before.bytes),
            packets: self.packets.saturating_sub(before.packets),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn link_headers_do_not_count() {
        let devices =
            "Inter-|   Receive\n face |bytes    packets errs\n  eth0: 9 9 9\n    lo:  1140      10    0\n";
        assert_eq!(Traffic::parse(devices), Some(Traffic { bytes: 1_000, packets: 10 }));
        assert_eq!(Traffic::parse("eth0: 9 9"), None);
    }
}
