//! The table of pulses against a plain model, and its laws.

mod laws;
mod model;
mod places;
