//! What must be unguessable, and what a seed becomes: separate streams by purpose, each a one-way function of the seed.
//!
//! ```text
//! seed ──SipHash-2-4, by purpose──┬─▶ choices: a fast generator that decides, and is never sent
//!                                 └─▶ secret ──SipHash-2-4──▶ nonces, tokens
//! ```
//!
//! Everyone on the path can read nonces and tokens. Any number of them are only the results of
//! a keyed hash: they give away neither its key nor any other nonce or token. Nor does the state of the choices, which
//! can be worked out from what a node does: it is hashed from the seed as well, so that running it backwards leads
//! nowhere.

use crate::{
    vocabulary::rng::Rng,
    wire::message::{Nonce, Token},
};
use core::net::{IpAddr, SocketAddr};
use siphasher::sip::SipHasher24;

/// What a stream of the seed is for.
#[derive(Clone, Copy)]
enum Purpose {
    Choices = 1,
    Secret = 2,
}

/// What is hashed under the secret: no input of one is one of another.
#[derive(Clone, Copy)]
enum Domain {
    Nonce = 1,
    Token = 2,
    #[cfg(feature = "seal")]
    Source = 3,
}

/// A part of a seed's stream for a purpose. The seed's first half is the key; the second half is hashed in, so that it
/// is enough for a seed to be unguessable as a whole.
fn derive(seed: &[u8; 32], purpose: Purpose, part: u8) -> u64 {
    let [a, b, c, d, e, f, g, h, i, j, k, l, m, n, o, p, rest @ ..] = *seed;
    let (k0, k1) = ([a, b, c, d, e, f, g, h], [i, j, k, l, m, n, o, p]);
    let mut input = [0; 18];
    input[..16].copy_from_slice(&rest);
    (input[16], input[17]) = (purpose as u8, part);
    SipHasher24::new_with_keys(u64::from_le_bytes(k0), u64::from_le_bytes(k1)).hash(&input)
}

/// The generator of a node's choices.
pub(crate) fn choices(seed: &[u8; 32]) -> Rng {
    let mut state = [0; 32];
    for (part, word) in (0..).zip(state.as_chunks_mut::<8>().0) {
        *word = derive(seed, Purpose::Choices, part).to_le_bytes();
    }
    Rng::new(state)
}

/// The key of what others read and must not guess.
#[derive(Clone)]
pub(crate) struct Secret(u64, u64);

impl Secret {
    pub(crate) fn new(seed: &[u8; 32]) -> Self {
        Self(derive(seed, Purpose::Secret, 0), derive(seed, Purpose::Secret, 1))
    }

    /// Of what belongs to one domain, which is its first byte.
    fn hash(&self, input: &[u8]) -> u64 {
        SipHasher24::new_with_keys(self.0, self.1).hash(input)
    }

    /// The nonce of a draw, which itself stays unknown. Never 0: that is the nonce of an unsolicited challenge,
    /// and of an introduction.
    pub(crate) fn nonce(&self, draw: u64) -> Nonce {
        let mut input = [Domain::Nonce as u8; 9];
        input[1..].copy_from_slice(&draw.to_le_bytes());
        (self.hash(&input) as Nonce).max(1)
    }

    /// The token of an address in a period. Never 0: that is none.
    pub(crate) fn token(&self, address: SocketAddr, period: u64) -> Token {
        let mut input = [Domain::Token as u8; 27];
        let ip = match address.ip() {
            IpAddr::V4(ip) => ip.to_ipv6_mapped().octets(),
            IpAddr::V6(ip) => ip.octets(),
        };
        input[1..17].copy_from_slice(&ip);
        input[17..19].copy_from_slice(&address.port().to_be_bytes());
        input[19..].copy_from_slice(&period.to_be_bytes());
        self.hash(&input).max(1)
    }

    /// A number for the network of an address: all of an IPv4 address, or the first 64 bits of one of IPv6, since a sender chooses
    /// the rest as it likes.
    #[cfg(feature = "seal")]
    pub(super) fn source(&self, ip: IpAddr) -> u64 {
        let mut input = [Domain::Source as u8; 9];
        let network = match ip {
            IpAddr::V4(ip) => u64::from(ip.to_bits()),
            IpAddr::V6(ip) => (ip.to_bits() >> 64) as u64,
        };
        input[1..].copy_from_slice(&network.to_be_bytes());
        self.hash(&input)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::vec::Vec;

    const SEED: [u8; 32] = *b"32 bytes of entropy, for a test.";
    const PERIOD: u64 = 7;

    fn here() -> SocketAddr {
        ([10, 0, 0, 1], 7_946).into()
    }

    /// All that follows from the state of the choices: what they gave before, the seed's way into them
    /// included, and what they will give.
    fn all_outputs() -> Vec<u64> {
        let mut choices = choices(&SEED);
        choices.rewind(64);
        (0..256).map(|_| choices.next()).collect()
    }

    #[test]
    fn the_state_of_the_choices_gives_no_token_away() {
        let token = Secret::new(&SEED).token(here(), PERIOD);
        let outputs = all_outputs();
        for key in outputs.windows(2).chain(choices(&SEED).state().windows(2)) {
            assert_ne!(Secret(key[0], key[1]).token(here(), PERIOD), token);
        }
    }

    #[test]
    fn the_state_of_the_choices_is_no_seed_of_another_stream() {
        let mut before = choices(&SEED);
        for _ in 0..64 {
            let mut guess = [0; 32];
            for (bytes, word) in guess.as_chunks_mut::<8>().0.iter_mut().zip(before.state()) {
                *bytes = word.to_le_bytes();
            }
            assert_ne!(guess, SEED);
            assert_ne!(Secret::new(&guess).token(here(), PERIOD), Secret::new(&SEED).token(here(), PERIOD));
            before.rewind(1);
        }
    }

    #[test]
    fn nonces_are_no_outputs_of_the_choices() {
        let (secret, outputs) = (Secret::new(&SEED), all_outputs());
        let mut choices = choices(&SEED);
        for _ in 0..64 {
            let nonce = secret.nonce(choices.next());
            assert!(outputs.iter().all(|&output| output as u32 != nonce && (output >> 32) as u32 != nonce));
        }
    }

    #[test]
    fn every_bit_of_the_seed_decides_every_stream() {
        let token = |seed: &[u8; 32]| Secret::new(seed).token(here(), PERIOD);
        for bit in 0..256 {
            let mut other = SEED;
            other[bit / 8] ^= 1 << (bit % 8);
            assert_ne!(token(&other), token(&SEED), "bit {bit}");
            assert_ne!(choices(&other).next(), choices(&SEED).next(), "bit {bit}");
        }
    }
}
