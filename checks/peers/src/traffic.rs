//! What the loopback device carried.

use anyhow::{Context as _, Result};
use std::{fs, ops::Sub};

/// Where the kernel counts what devices carried, in this process's network namespace.
const DEVICES: &str = "/proc/net/dev";

/// Packets, and their bytes with IP headers. The loopback device counts no link headers.
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
        Some(Self { bytes, packets })
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
    use std::net::{Ipv4Addr, UdpSocket};

    #[test]
    fn the_loopback_device_is_found_among_others() {
        let devices =
            "Inter-|   Receive\n face |bytes    packets errs\n  eth0: 9 9 9\n    lo:  1140      10    0\n";
        assert_eq!(Traffic::parse(devices), Some(Traffic { bytes: 1_140, packets: 10 }));
        assert_eq!(Traffic::parse("eth0: 9 9"), None);
    }

    #[test]
    fn a_datagram_counts_with_its_headers() {
        let socket = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let before = Traffic::read().unwrap();
        assert_eq!(socket.send_to(&[0; 60_000], socket.local_addr().unwrap()).unwrap(), 60_000);
        let carried = Traffic::read().unwrap() - before;
        assert!(carried.bytes >= 60_028 && carried.packets >= 1, "{carried:?}");
    }
}
