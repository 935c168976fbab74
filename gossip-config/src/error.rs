//! What is wrong with a setting, in the words and units in which it was given.

use gossip_core::ConfigError;
use humantime::format_duration;
use std::time::Duration;
use thiserror::Error;

/// What is wrong with a setting: the knob, the value, and what would be right.
#[derive(Clone, PartialEq, Debug, Error)]
#[non_exhaustive]
pub enum SettingsError {
    /// A duration is out of range.
    #[error(
        "{knob} is {given}: give {} ({}) to {} ({})",
        .min.as_millis(), format_duration(*.min), .max.as_millis(), format_duration(*.max)
    )]
    Duration {
        /// Its name, with the unit.
        knob: String,
        /// In ms.
        given: f64,
        /// The least allowed.
        min: Duration,
        /// The most allowed.
        max: Duration,
    },
    /// A number is out of range.
    #[error("{knob} is {given}: give {min} to {max}")]
    Number {
        /// Its name.
        knob: String,
        /// What was given.
        given: f64,
        /// The least allowed.
        min: f64,
        /// The most allowed.
        max: f64,
    },
    /// A number that no range of a knob comes near.
    #[error("{knob} is {given}: no such number fits")]
    Absurd {
        /// Its name.
        knob: String,
        /// What was given.
        given: f64,
    },
    /// A word is none of those that it may be.
    #[error("{knob} is '{given}': give {allowed}")]
    Word {
        /// Its name.
        knob: &'static str,
        /// What was given.
        given: String,
        /// The words that it may be.
        allowed: &'static str,
    },
    /// A knob that does not exist, a value of another kind, or no `knob=value`.
    #[error("{0}")]
    Malformed(String),
    /// Settings contradict each other.
    #[error(transparent)]
    Config(ConfigError),
}
