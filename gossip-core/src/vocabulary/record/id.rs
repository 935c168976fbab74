//! Who a node is, and how that is written.

use crate::vocabulary::name::{self, NameError};
use core::{fmt, str::FromStr};
use siphasher::sip::SipHasher13;

/// Who a node is: 64 bits, never zero, the same across restarts.
///
/// Shown and parsed as 13 characters of [Crockford's base32](https://www.crockford.com/base32.html).
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct NodeId(u64);

const BASE32: &[u8; 32] = b"0123456789ABCDEFGHJKMNPQRSTVWXYZ";

impl NodeId {
    /// The id of a name: SipHash-1-3 of its bytes under the zero key. The same for ever.
    ///
    /// # Errors
    /// The name breaks the [rule for names](NameError).
    pub fn from_name(name: &str) -> Result<Self, NameError> {
        Ok(Self(SipHasher13::new_with_keys(0, 0).hash(name::bytes_of(name)?).max(1)))
    }

    /// An id chosen by the host; `None` for zero, which stands for no node.
    pub const fn from_u64(id: u64) -> Option<Self> {
        if id == 0 { None } else { Some(Self(id)) }
    }

    /// The id as a number.
    pub const fn as_u64(self) -> u64 {
        self.0
    }

    pub(crate) const fn to_bytes(self) -> [u8; 8] {
        self.0.to_be_bytes()
    }

    /// The id that was kept in these bytes; so they are not all zero.
    pub(crate) fn kept_in(bytes: [u8; 8]) -> Self {
        Self(u64::from_be_bytes(bytes).max(1))
    }

    pub(crate) const fn from_bytes(bytes: [u8; 8]) -> Option<Self> {
        Self::from_u64(u64::from_be_bytes(bytes))
    }
}

impl fmt::Display for NodeId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let digits: [u8; 13] =
            core::array::from_fn(|i| BASE32[(self.0 >> (60 - 5 * i as u32)) as usize & 31]);
        f.pad(core::str::from_utf8(&digits).unwrap_or_default())
    }
}

impl fmt::Debug for NodeId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "NodeId({self})")
    }
}

/// A text that is not a [`NodeId`]: it takes 13 characters of Crockford's base32 that make 1 to 2^64 - 1.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct ParseNodeIdError;

impl fmt::Display for ParseNodeIdError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a node id is 13 characters of Crockford base32, as `gossip id NAME` prints them")
    }
}

impl core::error::Error for ParseNodeIdError {}

impl FromStr for NodeId {
    type Err = ParseNodeIdError;

    fn from_str(text: &str) -> Result<Self, ParseNodeIdError> {
        let mut id = 0u64;
        let mut digits = 0;
        for byte in text.bytes() {
            let byte = match byte.to_ascii_uppercase() {
                b'O' => b'0',
                b'I' | b'L' => b'1',
                other => other,
            };
            let digit = BASE32.iter().position(|&b| b == byte).ok_or(ParseNodeIdError)? as u64;
            if digits == 13 || id >> 59 != 0 {
                return Err(ParseNodeIdError);
            }
            id = id << 5 | digit;
            digits += 1;
        }
        if digits == 13 { Self::from_u64(id).ok_or(ParseNodeIdError) } else { Err(ParseNodeIdError) }
    }
}
