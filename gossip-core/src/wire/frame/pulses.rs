//! What a datagram says of pulses.

use super::{Contents, Draft, PULSES, entries};
use crate::{
    tables::pulses::pulse::Pulse,
    wire::pulse::{decode_pulse, encode_pulse},
};

impl<'a> Contents<'a> {
    /// The pulses, in order.
    pub(crate) fn pulses(&self) -> impl Iterator<Item = Pulse<'a>> + use<'a> {
        entries(self.sections, PULSES, decode_pulse)
    }
}

impl Draft<'_> {
    /// Adds a pulse; false when it does not fit.
    pub(crate) fn pulse(&mut self, pulse: &Pulse<'_>) -> bool {
        self.append(PULSES, |writer| encode_pulse(writer, pulse))
    }
}
