//! What the page may load and run: its own style and program, known by their hashes.

use base64::{Engine as _, engine::general_purpose::STANDARD};
use sha2::{Digest as _, Sha256};

/// A content security policy.
pub(crate) struct Policy {
    meta: String,
}

impl Policy {
    pub(crate) fn new(style: &str, script: &str) -> Self {
        let (style, script) = (hash(style), hash(script));
        Self {
            meta: format!(
                "default-src 'none'; script-src '{script}'; style-src '{style}'; connect-src 'self'; \
                 base-uri 'none'; form-action 'none'; require-trusted-types-for 'script'; trusted-types 'none'"
            ),
        }
    }

    /// For the page itself.
    pub(crate) fn meta(&self) -> &str {
        &self.meta
    }

    /// For the header of an answer.
    pub(crate) fn header(&self) -> String {
        format!("{}; frame-ancestors 'none'", self.meta)
    }
}

fn hash(text: &str) -> String {
    format!("sha256-{}", STANDARD.encode(Sha256::digest(text)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_hash_is_the_one_that_browsers_compute() {
        // RFC 6234's "abc" in base64.
        assert_eq!(hash("abc"), "sha256-ungWv48Bz+pBQUDeXa4iI7ADYaOWF3qctBD/YfIAFa0=");
    }

    #[test]
    fn nothing_is_allowed_without_a_hash() {
        let header = Policy::new("a {}", "1;").header();
        assert!(!header.contains("unsafe"), "{header}");
        assert!(
            header.contains("default-src 'none'") && header.contains("frame-ancestors 'none'"),
            "{header}"
        );
    }
}
