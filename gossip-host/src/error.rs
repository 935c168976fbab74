//! Why a node did not start, and what to do.

use crate::{epoch::EpochError, seeds::MAX_SEEDS};
use gossip_core::{ConfigError, StateError};
use std::{error::Error, fmt, io, net::SocketAddr};

/// Why a node did not start, and what to do. Nothing is left behind: no socket, no task.
#[derive(Debug)]
#[non_exhaustive]
pub enum StartError {
    /// The address to bind is "any interface", and no address to advertise was given.
    Advertise(SocketAddr),
    /// The advertised address, or that of a seed, is of another family than the node's socket, which reaches only its own.
    Family {
        /// Which option has the address: `advertise` or `seeds`.
        option: &'static str,
        /// The address.
        address: SocketAddr,
        /// Where the socket is bound.
        bind: SocketAddr,
    },
    /// Another socket has the address.
    AddressInUse(SocketAddr),
    /// The address cannot be bound for another reason.
    Bind {
        /// The address.
        address: SocketAddr,
        /// What the system said.
        source: io::Error,
    },
    /// The name, the configuration, the advertised address or a capacity was refused.
    Config(ConfigError),
    /// The name cannot be published: the datagrams, or the bytes that a member may keep, are too few for it.
    Name(StateError),
    /// The epoch file cannot be used.
    Epoch(EpochError),
    /// The keys cannot be had.
    #[cfg(feature = "seal")]
    Keys(crate::KeysError),
    /// Datagrams are to be sealed or opened, and there are no keys.
    #[cfg(feature = "seal")]
    NoKeys,
    /// The credentials are not this node's.
    #[cfg(feature = "identity")]
    Credentials(gossip_core::CredentialsError),
    /// More seeds than a node keeps.
    TooManySeeds {
        /// How many were given.
        given: usize,
    },
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
                "{bind} means every interface, which others cannot reach: set `advertise` to one of this machine's \
                 addresses"
            ),
            Self::Family { option, address, bind } => write!(
                f,
                "{address} in `{option}` is of another family than {bind}, where the node is bound, and which cannot \
                 reach it: give addresses of one family, or bind [::], which has both"
            ),
            Self::AddressInUse(address) => write!(
                f,
                "{address} is in use: stop the program that has it, or bind another port (0 takes any free one)"
            ),
            Self::Bind { address, .. } => {
                write!(f, "cannot bind {address}, which must be an address of this machine")
            }
            Self::Config(error) => error.fmt(f),
            Self::Name(_) => f.write_str("the node's name is too long to be published: choose a shorter one"),
            Self::Epoch(error) => error.fmt(f),
            #[cfg(feature = "seal")]
            Self::Keys(error) => error.fmt(f),
            #[cfg(feature = "seal")]
            Self::NoKeys => {
                f.write_str("`sealing` needs `keys`: set them, or leave it out to run in the clear")
            }
            #[cfg(feature = "identity")]
            Self::Credentials(error) => error.fmt(f),
            Self::TooManySeeds { given } => write!(
                f,
                "{given} seeds are too many: give at most {MAX_SEEDS}, or a DNS name that lists them"
            ),
        }
    }
}

impl Error for StartError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        match self {
            Self::Bind { source, .. } => Some(source),
            Self::Name(error) => Some(error),
            #[cfg(feature = "seal")]
            Self::Keys(error) => error.source(),
            // These two are shown as themselves.
            Self::Config(error) => error.source(),
            Self::Epoch(error) => error.source(),
            _ => None,
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Options;
    use gossip_core::{ClusterName, Config};
    use std::net::UdpSocket;

    #[test]
    fn an_error_of_starting_and_its_sources_say_everything_once() {
        let mut options = Options::new("node", Config::lan(ClusterName::named("errors").unwrap()));
        let taken = UdpSocket::bind(options.bind).unwrap();
        let elsewhere = SocketAddr::from(([203, 0, 113, 1], 7_946));
        let mut errors = Vec::new();
        for bind in [taken.local_addr().unwrap(), elsewhere, ([0, 0, 0, 0], 0).into()] {
            options.bind = bind;
            errors.push(options.listen().unwrap_err());
        }
        let unreadable = crate::EpochFile::new("/dev/null/epoch");
        errors.push(unreadable.read().unwrap_err().into());
        for error in errors {
            let error: &dyn Error = &error;
            let sources =
                std::iter::successors(error.source(), |error: &&(dyn Error + 'static)| (*error).source());
            for source in sources {
                let (whole, part) = (error.to_string(), source.to_string());
                assert!(!whole.contains(&part), "{whole}: {part}");
            }
            assert!(!error.to_string().is_empty(), "{error:?}");
        }
        let named = Options::new("", Config::lan(ClusterName::named("errors").unwrap()));
        let refused = named.listen().unwrap_err();
        assert!(refused.source().is_some_and(|source| source.to_string().ends_with("this one is empty")));
    }
}
