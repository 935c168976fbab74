//! A configuration file: TOML, taken apart into single values, each with the line that it stands on.

use std::{
    fs,
    io::{self, Read as _},
    ops::Range,
    path::Path,
};
use toml::{
    Spanned,
    de::{DeInteger, DeTable, DeValue},
};

/// The most bytes read of a file. Every key, with a comment, is far less.
const MAX_FILE_BYTES: u64 = 1 << 16;

/// One value of a file.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct Given {
    /// The key at the top of the file.
    pub(crate) key: String,
    /// Where the key is a table: the name in it, with dots where there are tables in the table.
    pub(crate) name: Option<String>,
    /// The value as text: of a list each has one of its own.
    pub(crate) text: String,
    /// Counted from 1.
    pub(crate) line: usize,
}

/// All values of a file.
///
/// # Errors
/// It cannot be read, or is no TOML; the line is named.
pub(crate) fn read(path: &Path) -> Result<Vec<Given>, String> {
    let text = read_text(path).map_err(|error| format!("cannot read {}: {error}", path.display()))?;
    parse(&text).map_err(|error| format!("{}: {}", path.display(), error.trim_end()))
}

fn read_text(path: &Path) -> io::Result<String> {
    let mut text = String::new();
    let file = fs::File::open(path)?;
    if file.take(MAX_FILE_BYTES + 1).read_to_string(&mut text)? as u64 > MAX_FILE_BYTES {
        return Err(io::ErrorKind::FileTooLarge.into());
    }
    Ok(text)
}

fn parse(text: &str) -> Result<Vec<Given>, String> {
    let table = DeTable::parse(text).map_err(|error| error.to_string())?;
    let mut reader = Reader { text, given: Vec::new() };
    for (key, value) in table.get_ref() {
        reader.add(key.get_ref(), None, (key.span(), value))?;
    }
    Ok(reader.given)
}

struct Reader<'t> {
    text: &'t str,
    given: Vec<Given>,
}

impl Reader<'_> {
    fn line(&self, place: &Range<usize>) -> usize {
        self.text.bytes().take(place.start).filter(|&byte| byte == b'\n').count() + 1
    }

    fn add(
        &mut self,
        key: &str,
        name: Option<&str>,
        (place, value): (Range<usize>, &Spanned<DeValue<'_>>),
    ) -> Result<(), String> {
        match value.get_ref() {
            DeValue::Table(table) => {
                for (inner, value) in table {
                    let inner_name = inner.get_ref();
                    let name =
                        name.map_or_else(|| inner_name.to_string(), |outer| format!("{outer}.{inner_name}"));
                    self.add(key, Some(&name), (inner.span(), value))?;
                }
            }
            DeValue::Array(items) => {
                for item in items.iter() {
                    if matches!(item.get_ref(), DeValue::Array(_) | DeValue::Table(_)) {
                        let line = self.line(&item.span());
                        return Err(format!(
                            "line {line}: {key} is a list of values, with nothing nested in it"
                        ));
                    }
                    self.add(key, name, (item.span(), item))?;
                }
            }
            single => {
                let (text, line) = (as_text(single), self.line(&place));
                self.given.push(Given { key: key.to_owned(), name: name.map(str::to_owned), text, line });
            }
        }
        Ok(())
    }
}

fn as_text(value: &DeValue<'_>) -> String {
    match value {
        DeValue::String(text) => text.to_string(),
        DeValue::Integer(number) => decimal(number),
        DeValue::Float(number) => number.as_str().to_owned(),
        DeValue::Boolean(is_so) => is_so.to_string(),
        DeValue::Datetime(time) => time.to_string(),
        // Those are taken apart before.
        DeValue::Array(_) | DeValue::Table(_) => String::new(),
    }
}

/// As the parsers of single values read it; one that is too large stays as it is, for them to refuse.
fn decimal(number: &DeInteger<'_>) -> String {
    let digits = number.as_str();
    i64::from_str_radix(digits, number.radix())
        .map_or_else(|_| digits.to_owned(), |number| number.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(text: &str) -> Vec<(String, Option<String>, String, usize)> {
        let given = parse(text).unwrap().into_iter();
        given.map(|given| (given.key, given.name, given.text, given.line)).collect()
    }

    #[test]
    fn every_value_has_its_text_and_its_line() {
        let text = "name = 'a'\n\njoin = ['b:1',\n 'c:1']\ncapacity = 0x10\njson = true\n[config]\nfanout = 3\n\
                    budgets.total = 1\n[on]\nup = ['x',\n'y']\n";
        let mut found = of(text);
        found.sort_by_key(|(.., line)| *line);
        let own = |key: &str, name: Option<&str>, text: &str, line| {
            (key.to_owned(), name.map(str::to_owned), text.to_owned(), line)
        };
        let expected = [
            own("name", None, "a", 1),
            own("join", None, "b:1", 3),
            own("join", None, "c:1", 4),
            own("capacity", None, "16", 5),
            own("json", None, "true", 6),
            own("config", Some("fanout"), "3", 8),
            own("config", Some("budgets.total"), "1", 9),
            own("on", Some("up"), "x", 11),
            own("on", Some("up"), "y", 12),
        ];
        assert_eq!(found, expected);
    }

    #[test]
    fn what_is_no_toml_or_too_nested_is_refused_with_its_line() {
        for (text, said) in [
            ("name = 'a'\nname = 'b'", "line 2"),
            ("name = 'a'\njoin = [\n['b']]", "line 3: join is a list of values"),
            ("name", "line 1"),
        ] {
            let refused = parse(text).unwrap_err();
            assert!(refused.contains(said), "{text}: {refused}");
        }
        assert!(read(Path::new("/dev/zero")).unwrap_err().contains("/dev/zero"));
    }
}
