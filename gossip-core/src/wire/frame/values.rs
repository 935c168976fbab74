//! What a datagram being written says of cluster-wide values.

use super::{Draft, KEYS, SECTION, SUM, VALUES, VERSIONS};
#[cfg(any(fuzzing, test))]
use crate::tables::values::compare::Span;
use crate::{
    tables::values::value::{Value, Version},
    vocabulary::key::ValueKey,
    wire::value::{self, encode_key, encode_list, encode_sum, encode_value},
};

impl Draft<'_> {
    /// Adds a cluster-wide value; false when it does not fit or the datagram has its entries.
    pub(crate) fn value(&mut self, value: &Value<'_>) -> bool {
        self.entry(VALUES, |writer| encode_value(writer, value))
    }

    /// Tells the sum over all values; false when it does not fit, or was told already.
    pub(crate) fn sum(&mut self, sum: u32) -> bool {
        !self.has(SUM) && self.append(SUM, |writer| encode_sum(writer, sum))
    }

    /// Lists as many versions of values, from the first, as fit, and says whether the list begins late; false when there is
    /// a list already, or none of them fits, or there is none in the part of the keys that is left.
    pub(crate) fn versions(
        &mut self,
        late: bool,
        versions: impl Iterator<Item = (ValueKey, Version)> + Clone,
    ) -> bool {
        let room = self.room().saturating_sub(SECTION);
        let fitting = value::fitting(late, versions.clone(), room).filter(|_| !self.has(VERSIONS));
        fitting.is_some_and(|(span, count)| {
            self.append(VERSIONS, |writer| encode_list(writer, span, versions.take(count)))
        })
    }

    /// Whether a list of all these versions fits.
    pub(crate) fn lists_all(&self, versions: impl Iterator<Item = (ValueKey, Version)>) -> bool {
        value::fitting(false, versions, self.room().saturating_sub(SECTION))
            .is_some_and(|(span, _)| !span.early)
    }

    /// Adds a list as it was decoded.
    #[cfg(any(fuzzing, test))]
    pub(crate) fn listed(&mut self, span: Span, versions: impl Iterator<Item = (ValueKey, Version)>) -> bool {
        !self.has(VERSIONS) && self.append(VERSIONS, |writer| encode_list(writer, span, versions))
    }

    /// Asks for the value of a key; false when it does not fit.
    pub(crate) fn key(&mut self, key: &ValueKey) -> bool {
        self.append(KEYS, |writer| encode_key(writer, key))
    }
}
