//! The texts that are signed: a label of 16 bytes, then fields of fixed lengths, numbers big-endian. And how what is kept in files
//! begins there.

/// Bytes of a key, signing or public.
pub(super) const KEY: usize = 32;
/// Bytes of a signature.
pub(super) const SIGNATURE: usize = 64;
/// Bytes of a certificate that is written in full: cluster, id, key, last epoch, signature.
pub(super) const WRITTEN: usize = 8 + 8 + KEY + 4 + SIGNATURE;

/// How a signing key begins where it is written. Public keys begin in another way, so that neither is taken for the other.
pub(super) const SIGNING_PREFIX: &str = "gossip-identity-1-";
/// How a public key begins where it is written.
pub(super) const PUBLIC_PREFIX: &str = "gossip-node-1-";
/// How a certificate begins where it is written.
pub(super) const CERTIFICATE_PREFIX: &str = "gossip-certificate-1-";

/// Each kind of text has its own label, so that no signature of one counts for another.
pub(super) type Label = [u8; 16];

/// What a node's own id follows from. It is hashed, not signed.
pub(super) const OWN_ID: &Label = b"gossip 1 node id";
/// What an owner says of itself.
pub(super) const CLAIM: &Label = b"gossip 1 claim..";
/// What a member says of another that it could not reach.
pub(super) const ACCUSATION: &Label = b"gossip 1 accused";
/// What an authority says of a node's key.
pub(super) const CERTIFICATE: &Label = b"gossip 1 certify";

/// The text of this label and these fields, which together have `N` bytes.
pub(super) fn text<const N: usize>(label: &Label, fields: &[&[u8]]) -> [u8; N] {
    debug_assert_eq!(label.len() + fields.iter().map(|field| field.len()).sum::<usize>(), N);
    let mut text = [0; N];
    let bytes = label.iter().chain(fields.iter().copied().flatten());
    text.iter_mut().zip(bytes).for_each(|(to, from)| *to = *from);
    text
}
