//! Arguments from text: what is wrong with one, it says at once, and how to write it.

use crate::print::with_sources;
use adapter_tokio::{ClusterName, NameError, NodeId, Seed};
use anyhow::Result;
use std::net::SocketAddr;

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

/// A key and its value, as `--tag` takes them.
pub(crate) fn tag(text: &str) -> Result<(String, String)> {
    match text.split_once('=') {
        Some((key, value)) if !key.is_empty() => Ok((key.to_owned(), value.to_owned())),
        _ => Err(anyhow::anyhow!("a tag is KEY=VALUE, as role=db")),
    }
}
