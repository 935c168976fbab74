//! Reading and writing values.

use crate::error::Malformed;
use core::net::{IpAddr, Ipv6Addr, SocketAddr};

/// Reads values off the front of a slice.
#[derive(Clone, Copy)]
pub(super) struct Reader<'a> {
    pub(super) rest: &'a [u8],
}

impl<'a> Reader<'a> {
    pub(super) fn is_empty(&self) -> bool {
        self.rest.is_empty()
    }

    pub(super) fn slice(&mut self, len: usize) -> Result<&'a [u8], Malformed> {
        let (taken, rest) = self.rest.split_at_checked(len).ok_or(Malformed::Truncated)?;
        self.rest = rest;
        Ok(taken)
    }

    pub(super) fn bytes<const N: usize>(&mut self) -> Result<[u8; N], Malformed> {
        let (taken, rest) = self.rest.split_first_chunk().ok_or(Malformed::Truncated)?;
        self.rest = rest;
        Ok(*taken)
    }

    pub(super) fn u8(&mut self) -> Result<u8, Malformed> {
        self.bytes().map(|[byte]| byte)
    }

    pub(super) fn u16(&mut self) -> Result<u16, Malformed> {
        self.bytes().map(u16::from_be_bytes)
    }

    pub(super) fn u32(&mut self) -> Result<u32, Malformed> {
        self.bytes().map(u32::from_be_bytes)
    }

    pub(super) fn u64(&mut self) -> Result<u64, Malformed> {
        self.bytes().map(u64::from_be_bytes)
    }

    /// An LEB128 number of at most 32 bits, in its shortest form.
    pub(super) fn count(&mut self) -> Result<u32, Malformed> {
        let mut value = 0u32;
        for shift in [0, 7, 14, 21, 28] {
            let byte = self.u8()?;
            let bits = u32::from(byte & 0x7F);
            if shift == 28 && bits > 15 || shift > 0 && byte == 0 {
                return Err(Malformed::Value);
            }
            value |= bits << shift;
            if byte < 0x80 {
                return Ok(value);
            }
        }
        Err(Malformed::Value)
    }

    /// The IP address (4 or 16 bytes) and port of a place that a datagram can be sent to.
    pub(super) fn address(&mut self, v6: bool) -> Result<SocketAddr, Malformed> {
        let ip = if v6 {
            let ip = Ipv6Addr::from(self.bytes::<16>()?);
            if ip.to_ipv4_mapped().is_some() {
                return Err(Malformed::Value); // it has a shorter form
            }
            IpAddr::V6(ip)
        } else {
            IpAddr::from(self.bytes::<4>()?)
        };
        let address = SocketAddr::new(ip, self.u16()?);
        if is_unicast(address) { Ok(address) } else { Err(Malformed::Value) }
    }
}

/// Whether a single node can be reached there.
pub(crate) fn is_unicast(address: SocketAddr) -> bool {
    let ip = address.ip().to_canonical();
    let broadcast = matches!(ip, IpAddr::V4(ip) if ip.is_broadcast() || ip.octets()[0] == 0);
    address.port() != 0 && !ip.is_unspecified() && !ip.is_multicast() && !broadcast
}

/// Writes values into a slice; once one does not fit, it and all later ones are left out.
pub(super) struct Writer<'a> {
    bytes: &'a mut [u8],
    at: usize,
    /// Bytes at the end that are kept for later.
    held: usize,
    overflow: bool,
}

impl<'a> Writer<'a> {
    pub(super) fn new(bytes: &'a mut [u8]) -> Self {
        Self { bytes, at: 0, held: 0, overflow: false }
    }

    pub(super) fn len(&self) -> usize {
        self.at
    }

    /// Writes with `write`, or, when that does not fit whole, nothing at all.
    pub(super) fn whole(&mut self, write: impl FnOnce(&mut Self)) -> bool {
        let start = self.at;
        write(self);
        let fits = !core::mem::take(&mut self.overflow);
        if !fits {
            self.at = start;
        }
        fits
    }

    pub(super) fn put(&mut self, bytes: &[u8]) {
        let (end, limit) = (self.at + bytes.len(), self.bytes.len() - self.held);
        match self.bytes[..limit].get_mut(self.at..end) {
            Some(place) if !self.overflow => {
                place.copy_from_slice(bytes);
                self.at = end;
            }
            _ => self.overflow = true,
        }
    }

    /// Keeps `more` bytes for later; false, and nothing kept, when there are not as many.
    pub(super) fn hold(&mut self, more: usize) -> bool {
        let fits = self.at + self.held + more <= self.bytes.len();
        if fits {
            self.held += more;
        }
        fits
    }

    /// Gives `bytes` of what was kept free again.
    pub(super) fn release(&mut self, bytes: usize) {
        self.held = self.held.saturating_sub(bytes);
    }

    pub(super) fn u8(&mut self, value: u8) {
        self.put(&[value]);
    }

    pub(super) fn u16(&mut self, value: u16) {
        self.put(&value.to_be_bytes());
    }

    pub(super) fn u32(&mut self, value: u32) {
        self.put(&value.to_be_bytes());
    }

    pub(super) fn u64(&mut self, value: u64) {
        self.put(&value.to_be_bytes());
    }

    pub(super) fn count(&mut self, mut value: u32) {
        while value >= 0x80 {
            self.u8(value as u8 | 0x80);
            value >>= 7;
        }
        self.u8(value as u8);
    }

    pub(super) fn address(&mut self, address: SocketAddr) {
        match address.ip().to_canonical() {
            IpAddr::V4(ip) => self.put(&ip.octets()),
            IpAddr::V6(ip) => self.put(&ip.octets()),
        }
        self.u16(address.port());
    }

    /// Overwrites a 16-bit number written earlier.
    pub(super) fn patch(&mut self, at: usize, value: u16) {
        if let Some(place) = self.bytes.get_mut(at..at + 2) {
            place.copy_from_slice(&value.to_be_bytes());
        }
    }
}

/// Whether an address takes 16 bytes on the wire.
pub(super) fn is_v6(address: SocketAddr) -> bool {
    matches!(address.ip().to_canonical(), IpAddr::V6(_))
}
