//! A node's two keys: the secret one that it signs with, and the public one that others verify with.

use super::{
    super::hex,
    error::IdentityError,
    text::{KEY, OWN_ID, PUBLIC_PREFIX, SIGNATURE, SIGNING_PREFIX, text},
};
use crate::vocabulary::record::NodeId;
use core::fmt;
use ed25519_dalek::{Digest as _, Sha512, Signature, Signer as _, VerifyingKey};

/// What a node, or an authority, signs with: 32 secret bytes. It is zeroed when it is dropped, and shown by its public key alone.
///
/// ```
/// # use gossip_core::{IdentityError, SigningKey};
/// let text = "gossip-identity-1-8f0c1d7a53e2b94460aa1f3e7c5d92b8e4f60713a2c9d58b1e6f70432d8c9ba5";
/// let public = SigningKey::parse(text)?.public();
/// assert_eq!(
///     public.to_string(),
///     "gossip-node-1-e9d7181e9883bc60b55fd36fca10d85dd8c4412137b630c67547b5e4d404ad4c"
/// );
/// # Ok::<(), IdentityError>(())
/// ```
#[derive(Clone)]
pub struct SigningKey(ed25519_dalek::SigningKey);

impl SigningKey {
    /// A key of these bytes, which are to come from a source of entropy.
    ///
    /// # Errors
    /// [`IdentityError::Placeholder`].
    pub fn from_bytes(bytes: &[u8; KEY]) -> Result<Self, IdentityError> {
        let [first, rest @ ..] = bytes;
        if rest.iter().all(|byte| byte == first) {
            return Err(IdentityError::Placeholder);
        }
        Ok(Self(ed25519_dalek::SigningKey::from_bytes(bytes)))
    }

    /// A key as it is written; white space around it does not count.
    ///
    /// # Errors
    /// [`IdentityError::SigningKeyFormat`] or [`IdentityError::Placeholder`]; neither shows what was given.
    pub fn parse(text: &str) -> Result<Self, IdentityError> {
        let bytes = hex::parse(SIGNING_PREFIX, text).ok_or(IdentityError::SigningKeyFormat)?;
        Self::from_bytes(&bytes)
    }

    /// The key that others verify with.
    pub fn public(&self) -> PublicKey {
        PublicKey(self.0.verifying_key().to_bytes())
    }

    /// The signature of a text. The same text has the same one: signing takes no randomness.
    pub(super) fn sign(&self, text: &[u8]) -> [u8; SIGNATURE] {
        self.0.sign(text).to_bytes()
    }
}

impl fmt::Debug for SigningKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SigningKey({})", self.public())
    }
}

/// What others verify a node's signatures with: 32 bytes that are no secret, and that are a key.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PublicKey([u8; KEY]);

impl PublicKey {
    /// The key of these bytes.
    ///
    /// # Errors
    /// [`IdentityError::NoKey`] or [`IdentityError::WeakKey`].
    pub fn from_bytes(bytes: [u8; KEY]) -> Result<Self, IdentityError> {
        let key = VerifyingKey::from_bytes(&bytes).map_err(|_| IdentityError::NoKey)?;
        if key.is_weak() {
            Err(IdentityError::WeakKey)
        } else if is_reduced(&bytes) {
            Ok(Self(bytes))
        } else {
            Err(IdentityError::NoKey)
        }
    }

    /// A key as it is written; white space around it does not count.
    ///
    /// # Errors
    /// [`IdentityError::PublicKeyFormat`], [`IdentityError::NoKey`] or [`IdentityError::WeakKey`].
    pub fn parse(text: &str) -> Result<Self, IdentityError> {
        let bytes = hex::parse(PUBLIC_PREFIX, text).ok_or(IdentityError::PublicKeyFormat)?;
        Self::from_bytes(*bytes)
    }

    /// The key's bytes.
    pub const fn to_bytes(self) -> [u8; KEY] {
        self.0
    }

    /// The id that follows from the key: the first eight bytes of a SHA-512 of a label and the key. A key that has a given id takes
    /// about 2^64 tries.
    pub fn own_id(&self) -> NodeId {
        let hash = Sha512::digest(text::<{ 16 + KEY }>(OWN_ID, &[&self.0]));
        let [a, b, c, d, e, f, g, h, ..]: [u8; 64] = hash.into();
        NodeId::kept_in([a, b, c, d, e, f, g, h])
    }

    /// Whether the owner of this key has signed this text.
    pub(super) fn verify(&self, text: &[u8], signature: &[u8; SIGNATURE]) -> bool {
        #[cfg(test)]
        tests::VERIFIED.set(tests::VERIFIED.get() + 1);
        VerifyingKey::from_bytes(&self.0)
            .is_ok_and(|key| key.verify_strict(text, &Signature::from_bytes(signature)).is_ok())
    }
}

/// Whether the number in these bytes, little-endian below the sign, is less than 2^255 - 19. Of the few others some are read as
/// the key of a smaller number: a key has one form, and so one id.
fn is_reduced(bytes: &[u8; KEY]) -> bool {
    let [first, middle @ .., last] = bytes;
    *first < 0xED || middle.iter().any(|byte| *byte != 0xFF) || last | 0x80 != 0xFF
}

impl fmt::Display for PublicKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        hex::write(f, PUBLIC_PREFIX, &self.0)
    }
}

impl fmt::Debug for PublicKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "PublicKey({self})")
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use core::cell::Cell;
    use quickcheck::QuickCheck;
    use std::{
        format,
        string::{String, ToString as _},
    };

    std::thread_local! {
        /// How many signatures this thread has verified.
        pub(in super::super) static VERIFIED: Cell<u32> = const { Cell::new(0) };
    }

    /// One of many keys.
    pub(in super::super) fn key(n: u64) -> SigningKey {
        let mut bytes = [7; KEY];
        bytes[..8].copy_from_slice(&n.to_be_bytes());
        SigningKey::from_bytes(&bytes).unwrap()
    }

    #[test]
    fn a_signing_key_is_read_as_it_is_written_and_never_shown() {
        let digits = "8f0c1d7a53e2b94460aa1f3e7c5d92b8e4f60713a2c9d58b1e6f70432d8c9ba5";
        let parsed = SigningKey::parse(&format!(" gossip-identity-1-{digits}\n")).unwrap();
        assert_eq!(format!("{parsed:?}"), format!("SigningKey({})", parsed.public()));
        assert!(!parsed.public().to_string().contains(&digits[..8]));
        for wrong in [
            digits.to_string(),
            format!("gossip-identity-2-{digits}"),
            format!("gossip-node-1-{digits}"),
            format!("gossip-identity-1-{}", &digits[1..]),
            format!("gossip-identity-1-{digits}0"),
            format!("gossip-identity-1-{}", digits.replace('8', "g")),
            format!("gossip-identity-1-{}", "ä".repeat(32)),
        ] {
            let error = SigningKey::parse(&wrong).unwrap_err();
            assert_eq!(error, IdentityError::SigningKeyFormat, "{wrong}");
            assert!(!error.to_string().contains(&digits[2..10]));
        }
        let placeholder = format!("gossip-identity-1-{}", "00".repeat(KEY));
        assert_eq!(SigningKey::parse(&placeholder).unwrap_err(), IdentityError::Placeholder);
    }

    #[test]
    fn a_public_key_is_read_as_it_is_written() {
        fn property(n: u64) -> bool {
            let key = key(n).public();
            let text = key.to_string();
            let digits = text.strip_prefix(PUBLIC_PREFIX).unwrap().to_uppercase();
            PublicKey::parse(&text) == Ok(key)
                && PublicKey::parse(&format!(" {PUBLIC_PREFIX}{digits}\n")) == Ok(key)
                && PublicKey::from_bytes(key.to_bytes()) == Ok(key)
        }
        QuickCheck::new().quickcheck(property as fn(u64) -> bool);
        let text = key(1).public().to_string();
        for wrong in [String::new(), text.replace("node", "identity"), text.replace("-1-", "-2-"), text + "0"]
        {
            assert_eq!(PublicKey::parse(&wrong), Err(IdentityError::PublicKeyFormat), "{wrong}");
        }
    }

    #[test]
    fn a_changed_bit_of_text_signature_or_key_is_refused() {
        let signing = key(1);
        let (public, said) = (signing.public(), b"what was signed");
        let signature = signing.sign(said);
        assert!(public.verify(said, &signature));
        for bit in 0..8 * said.len() {
            let mut changed = *said;
            changed[bit / 8] ^= 1 << (bit % 8);
            assert!(!public.verify(&changed, &signature), "bit {bit} of the text");
        }
        for bit in 0..8 * SIGNATURE {
            let mut changed = signature;
            changed[bit / 8] ^= 1 << (bit % 8);
            assert!(!public.verify(said, &changed), "bit {bit} of the signature");
        }
        for bit in 0..8 * KEY {
            let mut changed = public.to_bytes();
            changed[bit / 8] ^= 1 << (bit % 8);
            let verified = PublicKey::from_bytes(changed).is_ok_and(|other| other.verify(said, &signature));
            assert!(!verified, "bit {bit} of the key");
        }
    }

    #[test]
    fn another_keys_signature_is_refused_and_another_key_has_another_id() {
        fn property(a: u64, b: u64, said: std::vec::Vec<u8>) -> bool {
            let (one, other) = (key(a), key(b));
            let (key, signature) = (one.public(), other.sign(&said));
            (a == b) == key.verify(&said, &signature) && (a == b) == (key.own_id() == other.public().own_id())
        }
        QuickCheck::new().quickcheck(property as fn(u64, u64, std::vec::Vec<u8>) -> bool);
    }

    #[test]
    fn no_bytes_panic_and_none_but_a_key_is_one() {
        fn property(bytes: std::vec::Vec<u8>, signature: u64) -> bool {
            let mut key = [0; KEY];
            key.iter_mut().zip(&bytes).for_each(|(to, from)| *to = *from);
            let mut claimed = [0; SIGNATURE];
            claimed[..8].copy_from_slice(&signature.to_be_bytes());
            !PublicKey::from_bytes(key).is_ok_and(|key| key.verify(&bytes, &claimed))
        }
        QuickCheck::new().tests(1_000).quickcheck(property as fn(std::vec::Vec<u8>, u64) -> bool);
        // The number is 2^255 - 1, which is read as 18.
        assert_eq!(PublicKey::from_bytes([0xFF; KEY]), Err(IdentityError::NoKey));
    }
}
