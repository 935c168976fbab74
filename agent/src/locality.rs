//! Localities as people write them: `region/zone/rack`, each a number or a name.

use crate::print::quoted;
use adapter_tokio::{Locality, NodeId};
use anyhow::{Result, bail};

/// Where this node runs, in the numbers that are gossiped and in the words that they were given in.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct Place {
    pub(crate) numbers: Locality,
    words: [String; 3],
}

impl Place {
    /// Another locality, in words as far as it is the same place: words are not gossiped, so that of another region, or of another
    /// zone in the same, only the number is known.
    pub(crate) fn words_for(&self, at: Locality) -> [String; 3] {
        let Locality { region, zone, rack } = self.numbers;
        let mut words = [at.region, at.zone, at.rack].map(|part| part.to_string());
        let same = [at.region == region, at.zone == zone, at.rack == rack];
        let shared = same.iter().take_while(|same| **same).count();
        for (word, own) in words.iter_mut().zip(&self.words).take(shared) {
            word.clone_from(own);
        }
        words
    }

    /// The same as `region/zone/rack`.
    pub(crate) fn show(&self, at: Locality) -> String {
        self.words_for(at).join("/")
    }
}

/// A locality from `region/zone/rack`.
///
/// # Errors
/// What is wrong with the text, and how to write it.
pub(crate) fn parse(text: &str) -> Result<Place> {
    let parts: Vec<&str> = text.split('/').collect();
    let [region, zone, rack] = parts.as_slice() else {
        bail!("a locality has three parts, region/zone/rack, like eu/a/r1 or 1/2/0");
    };
    let numbers = Locality { region: part(region)?, zone: part(zone)?, rack: part(rack)? };
    Ok(Place { numbers, words: [region, zone, rack].map(|&word| word.to_owned()) })
}

/// A region, zone or rack in numbers, from `region`, `region/zone` or `region/zone/rack`.
///
/// # Errors
/// What is wrong with the text, and how to write it.
pub(crate) fn in_numbers(text: &str) -> Result<String> {
    let parts = text.split('/').map(|text| part(text).map(|number| number.to_string()));
    match parts.collect::<Result<Vec<_>>>()? {
        parts if parts.len() > 3 => bail!("a zone is region/zone, or region/zone/rack, like eu/a or 1/2/0"),
        parts => Ok(parts.join("/")),
    }
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

/// A locality in numbers, as it is gossiped; words cannot be had back from it.
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
            assert_eq!(show(parse(text).unwrap().numbers), text);
        }
    }

    #[test]
    fn a_name_always_means_the_same_number_and_never_zero() {
        let eu = parse("eu/a/r1").unwrap();
        assert_eq!(eu, parse("eu/a/r1").unwrap());
        assert_ne!(eu.numbers.region, parse("us/a/r1").unwrap().numbers.region);
        assert!((0..2_000).all(|n| part(&format!("rack-{n}")).unwrap() != 0));
    }

    #[test]
    fn words_are_shown_as_far_as_the_place_is_the_same() {
        let here = parse("eu/a/r1").unwrap();
        let shown = |text: &str| here.show(parse(text).unwrap().numbers);
        let numbers = |text: &str| show(parse(text).unwrap().numbers);
        let [rack, zone] =
            ["eu/a/r2", "eu/b/r1"].map(|text| numbers(text).split_once('/').unwrap().1.to_owned());
        assert_eq!(shown("eu/a/r1"), "eu/a/r1");
        assert_eq!(shown("eu/a/r2"), format!("eu/a/{}", rack.split_once('/').unwrap().1));
        assert_eq!(shown("eu/b/r1"), format!("eu/{zone}"), "another zone's racks are others");
        assert_eq!(shown("us/a/r1"), numbers("us/a/r1"));
        assert_eq!(parse("1/2/3").unwrap().show(Locality { region: 1, zone: 2, rack: 9 }), "1/2/9");
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
