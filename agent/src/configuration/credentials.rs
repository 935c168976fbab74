//! The key that a node signs with, and which keys it trusts.

use super::Configuration;
use crate::{
    cli::identity::{SigningArg, SigningArgs},
    print::{quoted, with_sources},
    wrong::Wrong,
};
use adapter_tokio::{Credentials, IdentityFile, Options};
use std::error::Error;

impl Configuration {
    /// What the library takes to start a node: its options, and what stands in the files of its key and of those that it trusts. A
    /// list is never freed.
    ///
    /// # Errors
    /// As those of [`options`](Self::options); or one of the files cannot be used, or is not named.
    pub(crate) fn options_to_start(&self) -> Result<Options, Wrong> {
        let credentials = self.credentials()?;
        Ok(self.options()?.with(|o| o.credentials = credentials))
    }

    fn credentials(&self) -> Result<Option<Credentials>, Wrong> {
        let SigningArgs { identity, trust, signing } = &self.args.signing;
        let (file, source) = match (identity, trust) {
            (Some(file), Some(source)) => (file, source),
            (None, None) if signing.is_none() => return Ok(None),
            (None, _) => {
                let advice = "--trust and --signing need a key to sign with: give its file with --identity, or leave them out";
                return Err(Wrong(advice.to_owned()));
            }
            (Some(_), None) => {
                let advice = "--identity needs --trust, which says whom to believe: give own, an authority's public key, or a file \
                              with a list of ids and keys";
                return Err(Wrong(advice.to_owned()));
            }
        };
        let own = IdentityFile::new(file).load().map_err(|error| wrong(&error))?;
        let trusted = source.load().map_err(|error| wrong(&error))?;
        Ok(Some(Credentials {
            key: own.key,
            certificate: own.certificate,
            trust: trusted.leak(),
            signing: signing.unwrap_or(SigningArg::Require).into(),
        }))
    }
}

fn wrong(error: &(dyn Error + 'static)) -> Wrong {
    Wrong(quoted(&with_sources(error)).into_owned())
}
