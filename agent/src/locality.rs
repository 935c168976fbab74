//! Localities as people write them: `region/zone/rack`, each a number or a name.

use crate::print::quoted;
use adapter_tokio::{Locality, NodeId};
use anyhow::{Result, bail};

/// A locality from `region/zone/rack`.
///
/// # Errors
/// What is wrong with the text, and how to write it.
pub(crate) fn parse(text: &str) -> Result<Locality> {
    let parts: Vec<&str> = text.split('/').collect();
    let [region, zone, rack] = parts.as_slice() else {
        bail!("a locality has three parts, region/zone/rack, like eu/a/r1 or 1/2/0");
    };
    Ok(Locality { region: part(region)?, zone: part(zone)?, rack: part(rack)? })
}

/// A number as it is, a name as its hash in 1 to 255. Zero is left to stand for "not said".
fn part(text: &str) -> Result<u8> {
    let is_name_char = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
    if text.is_empty() || !text.chars().all(is_name_char) {
        let text = quoted(text);
        bail!("`{text}` is no part of a locality: use a number from 0 to 255, or letters, digits and - _ .");
    }
    if text.bytes().all(|byte| byte.is_ascii_digit()) {
        return match text.parse() {
            Ok(number) => Ok(number),
            Err(_) => bail!("{text} is too large for a part of a locality: numbers go from 0 to 255"),
        };
    }
    // The ids' hash is the same everywhere and for ever, so that every node maps a name alike.
    Ok((NodeId::from_name(text)?.as_u64() % 255 + 1) as u8)
}

/// A locality in numbers, as it is gossiped; names cannot be had back from it.
pub(crate) fn show(locality: Locality) -> String {
    let Locality { region, zone, rack } = locality;
    format!("{region}/{zone}/{rack}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_taken_exactly_and_shown_alike() {
        for text in ["0/0/0", "1/2/3", "255/255/255"] {
            assert_eq!(show(parse(text).unwrap()), text);
        }
    }

    #[test]
    fn a_name_always_means_the_same_number_and_never_zero() {
        let eu = parse("eu/a/r1").unwrap();
        assert_eq!(eu, parse("eu/a/r1").unwrap());
        assert_ne!(eu.region, parse("us/a/r1").unwrap().region);
        assert!((0..2_000).all(|n| part(&format!("rack-{n}")).unwrap() != 0));
    }

    #[test]
    fn what_is_no_locality_is_refused_with_advice() {
        for (text, advice) in [
            ("eu", "region/zone/rack"),
            ("eu/a/r1/x", "region/zone/rack"),
            ("eu//r1", "0 to 255"),
            ("eu/a b/r1", "0 to 255"),
            ("eu/a/256", "0 to 255"),
        ] {
            let error = parse(text).unwrap_err().to_string();
            assert!(error.contains(advice), "{text}: {error}");
        }
    }
}
