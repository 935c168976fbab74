//! Bytes as they are written: a prefix that says what they are, and hexadecimal digits.

use zeroize::Zeroizing;

/// The bytes that a text has behind the prefix; white space around it does not count. `None` if it has another prefix, other
/// characters, or not two digits a byte.
pub(super) fn parse<const N: usize>(prefix: &str, text: &str) -> Option<Zeroizing<[u8; N]>> {
    let digits = text.trim().strip_prefix(prefix)?;
    if digits.len() != 2 * N {
        return None;
    }
    let mut bytes = Zeroizing::new([0; N]);
    for (byte, pair) in bytes.iter_mut().zip(digits.as_bytes().as_chunks::<2>().0) {
        let [high, low] = pair.map(|digit| char::from(digit).to_digit(16));
        *byte = (high? << 4 | low?) as u8;
    }
    Some(bytes)
}

/// Writes bytes that are no secret, so that [`parse`] reads them.
#[cfg(feature = "identity")]
pub(super) fn write(f: &mut core::fmt::Formatter<'_>, prefix: &str, bytes: &[u8]) -> core::fmt::Result {
    f.write_str(prefix)?;
    bytes.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
}
