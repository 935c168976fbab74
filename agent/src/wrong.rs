//! What a start of the program cannot mend: arguments, and files that they name.

use std::fmt;

/// What was asked for is wrong, and would be the next time: arguments, or a file that they name.
#[derive(Debug)]
pub(crate) struct Wrong(pub(crate) String);

impl fmt::Display for Wrong {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for Wrong {}
