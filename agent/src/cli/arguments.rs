//! Arguments from text: what is wrong with one, it says at once, and how to write it.

use crate::print::with_sources;
use adapter_tokio::{ClusterName, Incarnation, NameError, NodeId, Seed};
use anyhow::Result;
use std::{net::SocketAddr, time::UNIX_EPOCH};

/// A node's name.
pub(crate) fn name(text: &str) -> Result<String, NameError> {
    NodeId::from_name(text).map(|_| text.to_owned())
}

/// A cluster's name.
pub(crate) fn cluster_name(text: &str) -> Result<String, String> {
    ClusterName::named(text).map(|_| text.to_owned()).map_err(|error| with_sources(&error))
}

/// An address and a port.
pub(crate) fn address(text: &str) -> Result<SocketAddr, &'static str> {
    text.parse().map_err(|_| "give an IP address and a port, like 127.0.0.1:7946 or [::1]:7946")
}

/// A seed: an address or a DNS name, and a port.
pub(crate) fn seed(text: &str) -> Result<Seed, String> {
    text.parse().map_err(|error| format!("{error}"))
}

/// A seed that can be parsed, as it was given.
pub(crate) fn seed_text(text: &str) -> Result<String, String> {
    seed(text).map(|_| text.to_owned())
}

/// An epoch: a number, or a date or a time in UTC, whose Unix seconds it is; of a date its last.
pub(crate) fn epoch(text: &str) -> Result<u32, String> {
    let time = if text.len() == "2027-12-31".len() { format!("{text}T23:59:59Z") } else { text.to_owned() };
    let time =
        humantime::parse_rfc3339_weak(&time).ok().and_then(|time| time.duration_since(UNIX_EPOCH).ok());
    let epoch = text.parse().ok().or_else(|| time.map(|since| since.as_secs()));
    let epoch = epoch.ok_or("give a date as 2027-12-31, a time as 2027-12-31T12:00:00Z, or a number")?;
    let epoch = u32::try_from(epoch).ok().filter(|epoch| *epoch <= Incarnation::MAX_EPOCH);
    epoch.ok_or_else(|| format!("epochs end with {}, in 2106: give an earlier one", Incarnation::MAX_EPOCH))
}

/// A key and its value, as `--tag` takes them.
pub(crate) fn tag(text: &str) -> Result<(String, String)> {
    match text.split_once('=') {
        Some((key, value)) if !key.is_empty() => Ok((key.to_owned(), value.to_owned())),
        _ => Err(anyhow::anyhow!("a tag is KEY=VALUE, as role=db")),
    }
}
