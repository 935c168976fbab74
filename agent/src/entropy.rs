//! New secrets.

use anyhow::{Result, anyhow};
use zeroize::Zeroizing;

/// A new secret key as it is written: this prefix, and 32 bytes of the system's entropy in hexadecimal.
///
/// # Errors
/// The system has no entropy to give.
pub(crate) fn secret(prefix: &str) -> Result<Zeroizing<String>> {
    let mut bytes = Zeroizing::new([0; 32]);
    getrandom::fill(&mut *bytes).map_err(|error| anyhow!("the system has no entropy to give: {error}"))?;
    // It has its full length from the start: what grows leaves copies behind.
    let mut text = Zeroizing::new(String::with_capacity(prefix.len() + 2 * bytes.len()));
    text.push_str(prefix);
    let digit = |nibble: u8| char::from_digit(nibble.into(), 16).unwrap_or_default();
    text.extend(bytes.iter().flat_map(|byte| [digit(byte >> 4), digit(byte & 15)]));
    Ok(text)
}
