//! The token that whoever changes something over TCP must show.

use crate::wrong::Wrong;
use std::{fmt, fs::File, io::Read as _, os::unix::fs::PermissionsExt as _, path::Path};
use subtle::ConstantTimeEq as _;

/// Bytes of a token, at least: 16 random ones in letters and digits cannot be guessed over a network.
const MIN_TOKEN: usize = 16;
/// Bytes of a token, at most.
const MAX_TOKEN: usize = 1_024;

/// A secret that is never printed.
#[derive(Clone)]
pub(crate) struct Token(String);

impl fmt::Debug for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Token")
    }
}

impl Token {
    /// Reads a token from a file that holds nothing else.
    ///
    /// # Errors
    /// The file cannot be read, or holds no token; [`Wrong`] says what to do.
    pub(crate) fn read(path: &Path) -> Result<Self, Wrong> {
        let wrong = |why: String| Wrong(format!("--token-file {}: {why}", path.display()));
        let mut text = String::new();
        let file = File::open(path).map_err(|error| wrong(format!("it cannot be opened: {error}")))?;
        // One more than a token and its line end may have.
        let read = file.take(MAX_TOKEN as u64 + 3).read_to_string(&mut text);
        read.map_err(|error| wrong(format!("it cannot be read: {error}")))?;
        Self::of(text.trim_end_matches(['\r', '\n'])).map_err(wrong)
    }

    /// A token, if it can be one.
    pub(super) fn of(text: &str) -> Result<Self, String> {
        if !(MIN_TOKEN..=MAX_TOKEN).contains(&text.len()) || !text.bytes().all(|byte| byte.is_ascii_graphic())
        {
            return Err(format!(
                "a token is one line of {MIN_TOKEN} to {MAX_TOKEN} visible ASCII characters, as `openssl rand -hex 32` prints"
            ));
        }
        Ok(Self(text.to_owned()))
    }

    /// Whether the two are the same; how long that takes says nothing of the token but its length.
    pub(super) fn is(&self, shown: &str) -> bool {
        self.0.as_bytes().ct_eq(shown.as_bytes()).into()
    }

    /// As a header shows it.
    pub(crate) fn bearer(&self) -> String {
        format!("Bearer {}", self.0)
    }
}

/// Whether users other than its owner can read a file; one that cannot be looked at is somebody else's problem.
pub(super) fn others_can_read(path: &Path) -> bool {
    path.metadata().is_ok_and(|file| file.permissions().mode() & 0o007 != 0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_that_holds_no_token_is_refused_with_advice() {
        let directory = tempfile::TempDir::new().unwrap();
        let path = directory.path().join("token");
        for (text, good) in [
            ("0123456789abcdef", true),
            ("0123456789abcdef\n", true),
            ("0123456789abcdef\r\n", true),
            (&"x".repeat(1_024), true),
            (&"x".repeat(1_025), false),
            ("0123456789abcde", false),
            ("0123456789abcdef\nmore", false),
            ("0123456789 abcdef", false),
            ("", false),
        ] {
            std::fs::write(&path, text).unwrap();
            match Token::read(&path) {
                Ok(token) => assert!(good && token.is(text.trim_end()), "{text:?}"),
                Err(error) => {
                    assert!(!good && error.to_string().contains("openssl rand"), "{text:?}: {error}")
                }
            }
        }
        let missing = Token::read(&directory.path().join("none")).unwrap_err();
        assert!(missing.to_string().contains("cannot be opened"), "{missing}");
    }

    #[test]
    fn a_token_is_never_printed() {
        let token = Token::of("0123456789abcdef").unwrap();
        assert_eq!(format!("{token:?}"), "Token");
    }
}
