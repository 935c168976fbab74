//! The keys of hosts: what stands in the file that a host reads its keys from, at its start and whenever that changes.

use gossip_core::{Key, KeyRing, Sealing};
use siphasher::sip::SipHasher13;
use std::sync::LazyLock;

/// The most keys in a ring of the core.
const MOST: usize = gossip_core::MAX_KEYS;
/// Keys are numbered from 1 to this, which is how many ids the core tells apart.
const NUMBERS: u8 = 127;

/// Keys by their numbers, and what is done with them.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Keys {
    /// Zeros follow the last one.
    numbers: [u8; MOST],
    /// How far the host is on its way from clear to sealed.
    pub sealing: Sealing,
}

/// A step of a rotation, on one host.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Turn {
    /// The next key is added as the second: it opens.
    Add,
    /// The second key becomes the first: it seals.
    Promote,
    /// All but the first are removed.
    Remove,
}

impl Keys {
    /// These keys, the first of which seals.
    ///
    /// # Errors
    /// Which of them cannot be, in words.
    pub fn new(numbers: &[u8], sealing: Sealing) -> Result<Self, String> {
        if numbers.len() > MOST {
            return Err(format!("there are {} keys: up to {MOST}", numbers.len()));
        }
        if let Some(number) = numbers.iter().find(|number| !(1..=NUMBERS).contains(*number)) {
            return Err(format!("there is no key {number}: 1 to {NUMBERS}"));
        }
        let is_twice = |(at, number): (usize, &u8)| numbers.iter().take(at).any(|other| other == number);
        if let Some((_, number)) = numbers.iter().enumerate().find(|&one| is_twice(one)) {
            return Err(format!("key {number} is given twice"));
        }
        if numbers.is_empty() && sealing != Sealing::Off {
            return Err(
                "without a key nothing can be sealed or opened: give keys, as [1], or the mode \"off\""
                    .into(),
            );
        }
        let mut keys = Self { numbers: [0; MOST], sealing };
        for (place, number) in keys.numbers.iter_mut().zip(numbers) {
            *place = *number;
        }
        Ok(keys)
    }

    /// Their numbers.
    pub fn numbers(&self) -> &[u8] {
        let len = self.numbers.iter().position(|&number| number == 0).unwrap_or(MOST);
        &self.numbers[..len]
    }

    /// The keys after a step of a rotation.
    ///
    /// # Errors
    /// Why there can be no such step.
    pub fn turned(&self, turn: Turn) -> Result<Self, String> {
        let numbers = match (turn, self.numbers()) {
            (_, []) => return Err("a host without a key has none to rotate".into()),
            (Turn::Add, all @ [first, rest @ ..]) => {
                let newest = all.iter().max().unwrap_or(first);
                [&[*first, newest % NUMBERS + 1], rest].concat()
            }
            (Turn::Promote, [first, second, rest @ ..]) => [&[*second, *first], rest].concat(),
            (Turn::Promote, [_]) => return Err("a host with one key has no second one to promote".into()),
            (Turn::Remove, [first, ..]) => vec![*first],
        };
        Self::new(&numbers, self.sealing)
    }

    /// The ring of these keys, if there are any.
    pub fn ring(&self) -> Option<KeyRing> {
        let keys: Vec<Key> =
            self.numbers().iter().filter_map(|&number| Key::from_bytes(bytes(number)).ok()).collect();
        KeyRing::new(&keys).ok()
    }
}

/// The bytes of a key by its number. Its id is its number, so that no two of a ring have one id.
pub(crate) fn bytes(number: u8) -> [u8; 32] {
    KEYS.get(usize::from(number)).copied().unwrap_or_default()
}

static KEYS: LazyLock<Vec<[u8; 32]>> = LazyLock::new(|| (0..=NUMBERS).map(made).collect());

/// The first of the bytes that follow from a number whose key has this id; one of 127 has.
fn made(number: u8) -> [u8; 32] {
    let with = |attempt: u64| {
        let mut bytes = [0; 32];
        for (part, word) in (0..).zip(bytes.as_chunks_mut::<8>().0) {
            let hash = SipHasher13::new_with_keys(u64::from(number), part).hash(&attempt.to_le_bytes());
            *word = hash.to_le_bytes();
        }
        bytes
    };
    let fits = |bytes: &[u8; 32]| Key::from_bytes(*bytes).is_ok_and(|key| key.id().get() == number);
    let first = (0..1 << 16).map(with).find(fits);
    first.unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_number_has_a_key_whose_id_it_is() {
        for number in 1..=NUMBERS {
            let ring = Keys::new(&[number], Sealing::Require).unwrap().ring().unwrap();
            assert!(ring.ids().map(|id| id.get()).eq([number]));
        }
    }

    #[test]
    fn a_rotation_ends_with_the_next_key_alone_and_goes_around() {
        let mut keys = Keys::new(&[1], Sealing::Prefer).unwrap();
        let mut seen = Vec::new();
        for turn in [Turn::Add, Turn::Promote, Turn::Remove] {
            keys = keys.turned(turn).unwrap();
            seen.push(keys.numbers().to_vec());
        }
        assert_eq!(seen, [vec![1, 2], vec![2, 1], vec![2]]);
        assert_eq!(keys.sealing, Sealing::Prefer);
        let last = Keys::new(&[NUMBERS], Sealing::Off).unwrap();
        assert_eq!(last.turned(Turn::Add).unwrap().numbers(), [NUMBERS, 1]);
        assert!(last.turned(Turn::Promote).is_err() && Keys::default().turned(Turn::Add).is_err());
        let full = Keys::new(&[1, 2, 3, 4], Sealing::Off).unwrap();
        assert!(full.turned(Turn::Add).unwrap_err().contains("up to 4"));
    }
}
