//! What can be wrong with bytes, and with the room for them.

use core::{error::Error, fmt};

/// Why bytes are not a summary of the expected type.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
#[non_exhaustive]
pub enum DecodeError {
    /// The bytes end within a field.
    Truncated,
    /// There are more bytes than the summary can have.
    TooLong,
    /// The first byte names another kind of summary, or one with another number of buckets or registers.
    OtherKind {
        /// The first byte of this type.
        expected: u8,
        /// The first byte that was found.
        found: u8,
    },
    /// A number has more than 64 bits, or is not in its shortest form.
    BadNumber,
    /// The histogram ends with empty buckets, or describes one gap as two.
    BadGap,
    /// No values in these buckets add up to this sum.
    BadSum,
    /// No hash gives a register this value.
    BadRegister {
        /// Which register.
        index: u16,
        /// Its value.
        rank: u8,
    },
    /// A summary of the top keys with another `K`.
    OtherCapacity {
        /// The `K` of this type.
        expected: u8,
        /// The `K` that was found.
        found: u8,
    },
    /// The entry is out of order, or its key appears twice.
    BadOrder {
        /// The key of the entry.
        key: u64,
    },
    /// The entry counts nothing, or its error is larger than this summary can have.
    BadCount {
        /// The key of the entry.
        key: u64,
    },
    /// The counts do not fit the total.
    BadTotal,
}

impl fmt::Display for DecodeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self {
            Self::Truncated => f.write_str("the bytes end within a field"),
            Self::TooLong => f.write_str("more bytes than the summary can have"),
            Self::OtherKind { expected, found } => {
                write!(f, "the first byte is {found}, not {expected}: another kind or size of summary")
            }
            Self::BadNumber => f.write_str("a number above 64 bits, or not in its shortest form"),
            Self::BadGap => f.write_str("empty buckets at the end, or one gap described as two"),
            Self::BadSum => f.write_str("no values in these buckets add up to this sum"),
            Self::BadRegister { index, rank } => write!(f, "no hash gives register {index} the value {rank}"),
            Self::OtherCapacity { expected, found } => {
                write!(f, "a summary of the top {found} keys, not {expected}")
            }
            Self::BadOrder { key } => {
                write!(f, "the entry of key {key:#x} is out of order, or appears twice")
            }
            Self::BadCount { key } => write!(f, "the count and the error of key {key:#x} are impossible"),
            Self::BadTotal => f.write_str("the counts do not fit the total"),
        }
    }
}

impl Error for DecodeError {}

/// The buffer is too short for the encoding. What it holds now means nothing.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct NoRoom {
    /// How many bytes the encoding takes.
    pub needed: usize,
}

impl fmt::Display for NoRoom {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the encoding takes {} bytes", self.needed)
    }
}

impl Error for NoRoom {}
