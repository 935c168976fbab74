//! A cluster's keys: how they are written, told apart, and what they become.
//!
//! ```text
//! key ──HChaCha20, by label──┬─▶ id: 1 to 127, in each header
//!                            ├─▶ sealing: the key of XChaCha20-Poly1305
//!                            └─▶ hedging: the key of SipHash-2-4
//! ```
//!
//! HChaCha20 is a pseudorandom function of 16 bytes (Arciszewski, draft-irtf-cfrg-xchacha-03, section 2.2): what follows from a
//! key for one use says nothing of what follows for another.

use super::hex;
use crate::vocabulary::sealing::{KeyId, Sealing};
use chacha20::{R20, hchacha};
use chacha20poly1305::{KeyInit as _, XChaCha20Poly1305};
use core::fmt;
use siphasher::sip::SipHasher24;
use zeroize::{Zeroize as _, Zeroizing};

/// How a key begins where it is written: it names the suite, so that a key says all that there is to agree on.
const PREFIX: &str = "gossip-key-1-";
/// Hexadecimal digits behind that.
const DIGITS: usize = 64;

/// Why a key or a ring is refused. Nothing has changed.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
#[non_exhaustive]
pub enum KeyError {
    /// It is not `gossip-key-1-` and 64 hexadecimal digits.
    Format,
    /// All of its bytes are equal: it is a placeholder, and no secret.
    Placeholder,
    /// Two different keys of a ring have this id. One in 127 pairs has.
    SameId(KeyId),
    /// A key is there twice.
    SameKey(KeyId),
    /// There are more keys than a ring may have.
    TooMany {
        /// The most keys.
        most: usize,
    },
    /// There is no key.
    None,
    /// So many live members need this key, which the new ring lacks: they seal with it, or share no other with the ring.
    InUse {
        /// The key.
        key: KeyId,
        /// The members.
        members: u32,
    },
    /// So many live members understand this node now, and would not in the new mode of sealing: they are more than one step from
    /// it.
    NotUnderstood {
        /// The new mode.
        sealing: Sealing,
        /// The mode that all nodes have to be in before.
        first: Sealing,
        /// The members.
        members: u32,
    },
}

impl fmt::Display for KeyError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Format => write!(
                f,
                "a key is {PREFIX} and {DIGITS} hexadecimal digits: copy it again, all of it, or generate one"
            ),
            Self::Placeholder => f.write_str("all bytes of the key are equal: generate one"),
            Self::SameId(id) => {
                write!(f, "two different keys have the id {id}, as one pair in 127 has: generate another")
            }
            Self::SameKey(id) => write!(f, "the key {id} is there twice: once is enough"),
            Self::TooMany { most } => write!(f, "a ring has {most} keys at the most: remove an old one"),
            Self::None => f.write_str("a ring has one key at least"),
            Self::InUse { key, members } => {
                let needs = if *members == 1 { "member needs" } else { "members need" };
                write!(
                    f,
                    "{members} live {needs} the key {key}: let all seal with the new key first, or force it"
                )
            }
            Self::NotUnderstood { sealing, first, members } => {
                let noun = if *members == 1 { "member" } else { "members" };
                write!(
                    f,
                    "{members} live {noun} would not understand this node in the mode {sealing}: take all nodes to {first} \
                     first, or force it"
                )
            }
        }
    }
}

impl core::error::Error for KeyError {}

/// A cluster's key: 32 secret bytes, the same on all nodes. It is zeroed when it is dropped, and shown by its id alone.
///
/// ```
/// # use gossip_core::{Key, KeyError};
/// let text = "gossip-key-1-8f0c1d7a53e2b94460aa1f3e7c5d92b8e4f60713a2c9d58b1e6f70432d8c9ba5";
/// let key = Key::parse(text)?;
/// assert_eq!(format!("{key:?}"), "Key(09)");
/// # Ok::<(), KeyError>(())
/// ```
#[derive(Clone)]
pub struct Key(Zeroizing<[u8; 32]>);

impl Key {
    /// A key of these bytes, which are to come from a source of entropy.
    ///
    /// # Errors
    /// [`KeyError::Placeholder`].
    pub fn from_bytes(mut bytes: [u8; 32]) -> Result<Self, KeyError> {
        let secret = Zeroizing::new(bytes);
        bytes.zeroize();
        Self::from_secret(secret)
    }

    fn from_secret(bytes: Zeroizing<[u8; 32]>) -> Result<Self, KeyError> {
        let [first, rest @ ..] = &*bytes;
        if rest.iter().all(|byte| byte == first) { Err(KeyError::Placeholder) } else { Ok(Self(bytes)) }
    }

    /// A key as it is written; white space around it does not count.
    ///
    /// # Errors
    /// [`KeyError::Format`] or [`KeyError::Placeholder`]; neither shows what was given.
    pub fn parse(text: &str) -> Result<Self, KeyError> {
        Self::from_secret(hex::parse(PREFIX, text).ok_or(KeyError::Format)?)
    }

    /// Which key it is.
    pub fn id(&self) -> KeyId {
        let [first, ..] = *self.derive(b"gossip 1 key id.");
        KeyId(first % KeyId::MAX + 1)
    }

    /// What the key becomes for one use.
    fn derive(&self, label: &[u8; 16]) -> Zeroizing<[u8; 32]> {
        let mut output = hchacha::<R20>((&*self.0).into(), label.into());
        let mut derived = Zeroizing::new([0; 32]);
        derived.copy_from_slice(&output);
        output.as_mut_slice().zeroize();
        derived
    }
}

impl PartialEq for Key {
    /// How long it takes says nothing of where two keys differ.
    fn eq(&self, other: &Self) -> bool {
        self.0.iter().zip(&*other.0).fold(0, |differing, (one, other)| differing | (one ^ other)) == 0
    }
}

impl Eq for Key {}

impl fmt::Debug for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Key({})", self.id())
    }
}

/// What sealing needs of a key, derived once.
#[derive(Clone)]
pub(super) struct Derived {
    pub(super) id: KeyId,
    /// Zeroes itself.
    pub(super) aead: XChaCha20Poly1305,
    hedge: [u64; 2],
}

impl Derived {
    pub(super) fn new(key: &Key) -> Self {
        let (sealing, hedging) = (key.derive(b"gossip 1 sealing"), key.derive(b"gossip 1 hedging"));
        let half = |at: usize| u64::from_le_bytes(core::array::from_fn(|byte| hedging[at + byte]));
        let aead = XChaCha20Poly1305::new((&*sealing).into());
        Self { id: key.id(), aead, hedge: [half(0), half(8)] }
    }

    /// The keyed hash that hedges nonces.
    pub(super) fn hedge(&self) -> SipHasher24 {
        let [a, b] = self.hedge;
        SipHasher24::new_with_keys(a, b)
    }
}

impl Drop for Derived {
    fn drop(&mut self) {
        self.hedge.zeroize();
    }
}

impl fmt::Debug for Derived {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Derived({})", self.id)
    }
}
