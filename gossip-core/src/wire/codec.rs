//! Reading addresses, and writing values.

pub(super) use crate::vocabulary::codec::Reader;
use crate::vocabulary::{
    address::{is_mapped, is_one_node},
    codec::put_count,
    error::Malformed,
};
use core::net::{IpAddr, SocketAddr};

impl Reader<'_> {
    /// The IP address, of 4 or 16 bytes, of a single node; IPv4 comes as IPv4-mapped.
    #[inline]
    pub(super) fn ip(&mut self, v6: bool) -> Result<[u8; 16], Malformed> {
        let ip = if v6 {
            self.bytes()?
        } else {
            let [a, b, c, d] = self.bytes()?;
            [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xFF, 0xFF, a, b, c, d]
        };
        // An IPv4 address has a shorter form.
        if v6 && is_mapped(&ip) || !is_one_node(&ip) { Err(Malformed::Value) } else { Ok(ip) }
    }

    /// The port and IP address of a place that a datagram can be sent to.
    pub(super) fn address(&mut self, v6: bool) -> Result<SocketAddr, Malformed> {
        let port = self.u16()?;
        let ip = self.ip(v6)?;
        if port == 0 {
            return Err(Malformed::Value);
        }
        Ok(SocketAddr::new(IpAddr::V6(ip.into()).to_canonical(), port))
    }
}

/// Writes values into a slice; once one does not fit, it and all later ones are left out.
pub(super) struct Writer<'a> {
    bytes: &'a mut [u8],
    at: usize,
    /// Bytes at the end that are kept for later.
    reserved: usize,
    overflow: bool,
}

impl<'a> Writer<'a> {
    pub(super) fn new(bytes: &'a mut [u8]) -> Self {
        Self { bytes, at: 0, reserved: 0, overflow: false }
    }

    pub(super) fn len(&self) -> usize {
        self.at
    }

    /// Bytes that are free.
    pub(super) fn room(&self) -> usize {
        self.bytes.len().saturating_sub(self.reserved + self.at)
    }

    /// Writes with `write`, or nothing if that does not fit as a whole.
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
        let (end, limit) = (self.at + bytes.len(), self.bytes.len().saturating_sub(self.reserved));
        let free = self.bytes.get_mut(..limit).and_then(|bytes| bytes.get_mut(self.at..end));
        match free {
            Some(place) if !self.overflow => {
                place.copy_from_slice(bytes);
                self.at = end;
            }
            _ => self.overflow = true,
        }
    }

    /// Writes this many zeros and lends them to be changed; `None` when they do not fit.
    pub(super) fn zeros(&mut self, len: usize) -> Option<&mut [u8]> {
        let (start, limit) = (self.at, self.bytes.len().saturating_sub(self.reserved));
        let free = self.bytes.get_mut(..limit).and_then(|bytes| bytes.get_mut(start..start + len));
        let zeros = free.filter(|_| !self.overflow);
        self.overflow |= zeros.is_none();
        let zeros = zeros?;
        zeros.fill(0);
        self.at += len;
        Some(zeros)
    }

    /// Writes with `write`, which is lent the free room and says how much of it it took; if it took nothing, nothing fits.
    pub(super) fn in_room(&mut self, write: impl FnOnce(&mut [u8]) -> Option<usize>) -> Option<usize> {
        let (start, limit) = (self.at, self.bytes.len().saturating_sub(self.reserved));
        let room = self.bytes.get_mut(..limit).and_then(|bytes| bytes.get_mut(start..));
        let taken = room.filter(|_| !self.overflow).and_then(write);
        match taken {
            Some(length) => self.at += length,
            None => self.overflow = true,
        }
        taken
    }

    /// Keeps `more` bytes for later; false, and nothing kept, when there are not as many.
    pub(super) fn reserve(&mut self, more: usize) -> bool {
        let fits = self.at + self.reserved + more <= self.bytes.len();
        if fits {
            self.reserved += more;
        }
        fits
    }

    /// Gives `bytes` of what was kept free again.
    pub(super) fn release(&mut self, bytes: usize) {
        self.reserved = self.reserved.saturating_sub(bytes);
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

    pub(super) fn count(&mut self, value: u32) {
        put_count(value, |byte| self.u8(byte));
    }

    pub(super) fn address(&mut self, address: SocketAddr) {
        self.u16(address.port());
        self.ip(address);
    }

    pub(super) fn ip(&mut self, address: SocketAddr) {
        match address.ip().to_canonical() {
            IpAddr::V4(ip) => self.put(&ip.octets()),
            IpAddr::V6(ip) => self.put(&ip.octets()),
        }
    }

    /// Moves what was written from `from` on to `to`, in front of what stands there.
    pub(super) fn move_back(&mut self, from: usize, to: usize) {
        if let Some(bytes) = self.bytes.get_mut(to..self.at) {
            bytes.rotate_left(from.saturating_sub(to).min(bytes.len()));
        }
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
