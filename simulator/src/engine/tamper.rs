//! What someone on the way does to packets: changes them, joins pieces of two, sends them again.

use super::{packets::Packet, rule::Rule};
use crate::rng::Rng;

/// Packets that a rule remembers, to send them or pieces of them again.
const REMEMBERED: usize = 256;
/// Once it remembers this many, one in this many takes the place of another: some are old then.
const REPLACES: u32 = 16;
/// The most bytes that are changed in a packet.
const MAX_CHANGED: u32 = 8;

/// What one rule remembers.
#[derive(Default)]
pub(super) struct Tampering(Vec<Packet>);

impl Tampering {
    /// A changed packet, if the rule changes this one.
    pub(super) fn change(&self, rng: &mut Rng, rule: &Rule, bytes: &[u8]) -> Option<Vec<u8>> {
        let (splices, corrupts) = (happens(rng, rule.splice), happens(rng, rule.corrupt));
        let mut changed = None;
        if let Some(other) = self.0.get(rng_index(rng, self.0.len(), splices)).filter(|_| splices) {
            let (head, tail) = (rng.index(bytes.len() + 1), rng.index(other.bytes.len() + 1));
            changed = Some([&bytes[..head], &other.bytes[tail..]].concat());
        }
        if corrupts {
            let changed = changed.get_or_insert_with(|| bytes.to_vec());
            for _ in 0..=rng.below(MAX_CHANGED) {
                let place = rng.index(changed.len());
                if let Some(byte) = changed.get_mut(place) {
                    *byte ^= 1 + rng.below(255) as u8;
                }
            }
        }
        changed
    }

    /// An earlier packet, if the rule sends one again.
    pub(super) fn replay(&self, rng: &mut Rng, rule: &Rule) -> Option<Packet> {
        let replays = happens(rng, rule.replay);
        self.0.get(rng_index(rng, self.0.len(), replays)).filter(|_| replays).cloned()
    }

    pub(super) fn remember(&mut self, rng: &mut Rng, packet: &Packet) {
        if self.0.len() < REMEMBERED {
            self.0.push(packet.clone());
        } else if rng.below(REPLACES) == 0 {
            let place = rng.index(REMEMBERED);
            self.0[place] = packet.clone();
        }
    }
}

fn happens(rng: &mut Rng, share: f64) -> bool {
    share > 0.0 && rng.chance(share)
}

/// A random place, where one is wanted.
fn rng_index(rng: &mut Rng, len: usize, wanted: bool) -> usize {
    if wanted { rng.index(len) } else { 0 }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn packet(byte: u8) -> Packet {
        let address = ([10, 0, 0, byte], 1).into();
        Packet { from: address, to: address, bytes: vec![byte; 100] }
    }

    #[test]
    fn a_share_of_packets_is_changed_spliced_and_sent_again() {
        let (mut tampering, mut rng) = (Tampering::default(), Rng::new(1));
        let rule = Rule { corrupt: 0.2, splice: 0.3, replay: 0.1, ..Rule::default() };
        let (mut changed, mut again) = (0, 0);
        for n in 0..10_000u32 {
            let sent = packet(n as u8);
            changed += u32::from(
                tampering.change(&mut rng, &rule, &sent.bytes).is_some_and(|now| now != sent.bytes),
            );
            again += u32::from(tampering.replay(&mut rng, &rule).is_some());
            tampering.remember(&mut rng, &sent);
        }
        // One of five or three of ten, or both.
        assert!((4_200..4_600).contains(&changed) && (900..1_100).contains(&again), "{changed} {again}");
        assert_eq!(tampering.0.len(), REMEMBERED);
    }

    #[test]
    fn a_splice_is_the_start_of_one_packet_and_the_end_of_another() {
        let (mut tampering, mut rng) = (Tampering::default(), Rng::new(1));
        let rule = Rule { splice: 1.0, ..Rule::default() };
        assert_eq!(tampering.change(&mut rng, &rule, &packet(1).bytes), None, "there is none before");
        tampering.remember(&mut rng, &packet(2));
        for _ in 0..100 {
            let spliced = tampering.change(&mut rng, &rule, &packet(1).bytes).unwrap();
            let head = spliced.iter().take_while(|byte| **byte == 1).count();
            assert!(spliced[head..].iter().all(|byte| *byte == 2) && spliced.len() <= 200);
        }
    }
}
