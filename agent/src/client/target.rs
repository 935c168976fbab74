//! Which agent is meant: a control socket, or an address.

use crate::print::quoted;
use std::{path::PathBuf, str::FromStr};

/// Where an agent listens.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) enum Target {
    /// Its control socket.
    Socket(PathBuf),
    /// Host and port of its `--http`.
    Http(String),
}

impl FromStr for Target {
    type Err = String;

    /// `http://HOST:PORT`, or else a path.
    fn from_str(text: &str) -> Result<Self, String> {
        if text.starts_with("https://") {
            return Err(
                "agents speak plain HTTP: give the address behind what encrypts it, as http://HOST:PORT"
                    .to_owned(),
            );
        }
        let Some(rest) = text.strip_prefix("http://") else { return Ok(Self::Socket(text.into())) };
        let host = rest.strip_suffix('/').unwrap_or(rest);
        let port = host.rsplit_once(':').filter(|(name, _)| !name.is_empty()).map(|(_, port)| port);
        match port.and_then(|port| port.parse::<u16>().ok()) {
            Some(port) if port > 0 && !host.contains('/') => Ok(Self::Http(host.to_owned())),
            _ => {
                let text = quoted(text);
                Err(format!("{text} names no agent: give http://HOST:PORT, or the path of a socket"))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_agent_is_a_path_or_a_host_with_a_port() {
        for path in ["/run/gossip/a.sock", "a.sock", "./http:/x"] {
            assert_eq!(path.parse(), Ok(Target::Socket(path.into())));
        }
        for host in ["127.0.0.1:7980", "[::1]:7980", "agent.example.org:80"] {
            assert_eq!(format!("http://{host}").parse(), Ok(Target::Http(host.to_owned())));
            assert_eq!(format!("http://{host}/").parse(), Ok(Target::Http(host.to_owned())));
        }
        for wrong in
            ["http://", "http://host", "http://:80", "http://host:0", "http://host:80/v1", "http://host:x"]
        {
            let error = wrong.parse::<Target>().unwrap_err();
            assert!(error.contains("http://HOST:PORT"), "{error}");
        }
        assert!("https://host:443".parse::<Target>().unwrap_err().contains("plain HTTP"));
    }
}
