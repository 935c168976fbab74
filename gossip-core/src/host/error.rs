//! Why a node did not start, and what to do.

use super::epoch::EpochError;
use crate::ConfigError;
use std::{fmt, io, net::SocketAddr};

/// Why a node did not start, and what to do. Nothing is left behind: no socket, no task.
#[derive(Debug)]
#[non_exhaustive]
pub enum StartError {
    /// The address to bind is "any interface", and no address to advertise was given.
    Advertise(SocketAddr),
    /// Another socket has the address.
    AddressInUse(SocketAddr),
    /// The address cannot be bound for another reason.
    Bind {
        /// The address.
        address: SocketAddr,
        /// What the system said.
        source: io::Error,
    },
    /// The name, the configuration, the advertised address or the capacity was refused.
    Config(ConfigError),
    /// The epoch file cannot be used.
    Epoch(EpochError),
}

impl StartError {
    /// The error of a socket that could not be bound to `address`.
    pub fn bind(address: SocketAddr, source: io::Error) -> Self {
        match source.kind() {
            io::ErrorKind::AddrInUse => Self::AddressInUse(address),
            _ => Self::Bind { address, source },
        }
    }
}

impl fmt::Display for StartError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Advertise(bind) => write!(
                f,
                "{bind} means every interface, which others cannot reach: advertise one of this machine's addresses"
            ),
            Self::AddressInUse(address) => write!(
                f,
                "{address} is in use: stop the program that has it, or bind another port (0 takes any free one)"
            ),
            Self::Bind { address, source } => {
                write!(f, "cannot bind {address}: {source}; bind an address of this machine")
            }
            Self::Config(error) => error.fmt(f),
            Self::Epoch(error) => error.fmt(f),
        }
    }
}

impl std::error::Error for StartError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::Advertise(_) | Self::AddressInUse(_) => None,
            Self::Bind { source, .. } => Some(source),
            Self::Config(error) => Some(error),
            Self::Epoch(error) => Some(error),
        }
    }
}

impl From<ConfigError> for StartError {
    fn from(error: ConfigError) -> Self {
        Self::Config(error)
    }
}

impl From<EpochError> for StartError {
    fn from(error: EpochError) -> Self {
        Self::Epoch(error)
    }
}
