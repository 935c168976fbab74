//! Sealed datagrams by hand: what an insider writes, who has the cluster's key and speaks in any member's name.
//!
//! An implementation apart from the core's, after the layout in PROTOCOL.md: it can say under any header what no node says.

use chacha20::{R20, hchacha};
use chacha20poly1305::{
    KeyInit as _, XChaCha20Poly1305,
    aead::{AeadInOut as _, inout::InOutBuf},
};
use gossip_core::NodeId;

/// Version, key and cluster tag, which the clear and the sealed have alike.
const HEAD: usize = 6;
/// Where the fingerprint stands in a datagram in the clear: all from there on is encrypted.
const BODY: usize = 14;
/// An insider's nonces are its own affair: a receiver takes any.
const HEDGE: [u8; 8] = *b"insider.";

/// Seals what was written in the clear: for `to`, with this key, under a header of this epoch and counter.
pub(crate) fn sealed(
    (number, key): (u8, [u8; 32]),
    clear: &[u8],
    to: NodeId,
    epoch: u32,
    counter: u32,
) -> Vec<u8> {
    let (Some(head), Some(body)) = (clear.get(..BODY), clear.get(BODY..)) else { return Vec::new() };
    let mut datagram = head.to_vec();
    datagram[1] = number;
    datagram.extend(epoch.to_be_bytes());
    datagram.extend(counter.to_be_bytes());
    let bound = [&datagram[..], &to.as_u64().to_be_bytes()].concat();
    datagram.extend(HEDGE);
    let mut nonce = [0; 24];
    nonce.copy_from_slice(&datagram[HEAD..]);
    let mut text = body.to_vec();
    let sealing = hchacha::<R20>((&key).into(), b"gossip 1 sealing".into());
    let aead = XChaCha20Poly1305::new(&sealing);
    let Ok(tag) = aead.encrypt_inout_detached((&nonce).into(), &bound, InOutBuf::from(&mut text[..])) else {
        return Vec::new();
    };
    [&datagram[..], &text, &tag].concat()
}
