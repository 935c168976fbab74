//! Addresses as tables and events keep them.

use crate::vocabulary::{address::is_unicast, record::NodeId};
use core::{
    fmt,
    net::{IpAddr, Ipv6Addr, SocketAddr},
};

/// An IP address and a port in 18 bytes: `SocketAddr` takes 32. IPv4-mapped IPv6 addresses are IPv4 ones here.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "serde", serde(into = "SocketAddr", from = "SocketAddr"))]
pub struct Endpoint {
    /// IPv4 ones mapped into IPv6.
    ip: [u8; 16],
    port: u16,
}

impl Endpoint {
    /// Port 0 of nowhere.
    pub(crate) const NOWHERE: Self = Self { ip: [0; 16], port: 0 };

    /// One value for each address.
    pub(crate) fn to_bytes(self) -> [u8; 18] {
        let mut bytes = [0; 18];
        let (ip, port) = bytes.split_at_mut(16);
        ip.copy_from_slice(&self.ip);
        port.copy_from_slice(&self.port.to_be_bytes());
        bytes
    }

    /// Whether a single node can be reached there: the port is not 0, and the address is not unspecified, of "this
    /// network" (0.0.0.0/8), multicast or broadcast. Nodes accept no other address, for themselves or for others.
    pub fn is_unicast(self) -> bool {
        is_unicast(self.socket_addr())
    }

    /// The same as a socket's address.
    pub fn socket_addr(self) -> SocketAddr {
        SocketAddr::new(IpAddr::V6(Ipv6Addr::from(self.ip)).to_canonical(), self.port)
    }
}

impl From<SocketAddr> for Endpoint {
    fn from(address: SocketAddr) -> Self {
        let ip = match address.ip() {
            IpAddr::V4(ip) => ip.to_ipv6_mapped(),
            IpAddr::V6(ip) => ip,
        };
        Self { ip: ip.octets(), port: address.port() }
    }
}

#[cfg(feature = "serde")]
impl From<Sighting> for (NodeId, Endpoint) {
    fn from(sighting: Sighting) -> Self {
        (sighting.member(), sighting.observed)
    }
}

#[cfg(feature = "serde")]
impl From<(NodeId, Endpoint)> for Sighting {
    fn from((member, observed): (NodeId, Endpoint)) -> Self {
        Self::new(member, observed)
    }
}

impl From<Endpoint> for SocketAddr {
    fn from(endpoint: Endpoint) -> Self {
        endpoint.socket_addr()
    }
}

impl fmt::Display for Endpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.socket_addr().fmt(f)
    }
}

impl fmt::Debug for Endpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// A member, and where its datagrams were seen to come from. Aligned to two bytes, so that an event with it is as
/// small as the others.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "serde", serde(into = "(NodeId, Endpoint)", from = "(NodeId, Endpoint)"))]
pub struct Sighting {
    member: [u8; 8],
    observed: Endpoint,
}

impl Sighting {
    /// That of a member at an address.
    pub fn new(member: NodeId, observed: impl Into<Endpoint>) -> Self {
        Self { member: member.to_bytes(), observed: observed.into() }
    }

    /// Which member; what it advertises is in its record.
    pub fn member(self) -> NodeId {
        NodeId::kept_in(self.member)
    }

    /// Where its datagrams come from.
    pub fn observed(self) -> Endpoint {
        self.observed
    }
}

impl fmt::Debug for Sighting {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?} at {}", self.member(), self.observed)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::string::ToString as _;

    #[test]
    fn a_sighting_is_of_the_member_and_the_address_that_it_was_made_of() {
        let (member, address) = (NodeId::from_u64(7).unwrap(), SocketAddr::from(([10, 0, 0, 1], 7)));
        let sighting = Sighting::new(member, address);
        assert_eq!((sighting.member(), sighting.observed().socket_addr()), (member, address));
        assert!(align_of::<Sighting>() <= 2);
    }

    #[test]
    fn an_endpoint_is_unicast_where_a_single_node_can_be() {
        let is_unicast = |text: &str| Endpoint::from(text.parse::<SocketAddr>().unwrap()).is_unicast();
        for text in
            ["10.0.0.1:7946", "127.0.0.1:1", "[::ffff:10.0.0.1]:7946", "[2001:db8::1]:7946", "[::1]:65535"]
        {
            assert!(is_unicast(text), "{text}");
        }
        for text in ["10.0.0.1:0", "0.0.0.0:7946", "0.1.2.3:7946", "224.0.0.1:7946", "255.255.255.255:7946"] {
            assert!(!is_unicast(text), "{text}");
        }
        for text in ["[2001:db8::1]:0", "[::]:7946", "[ff02::1]:7946", "[::ffff:239.0.0.1]:7946"] {
            assert!(!is_unicast(text), "{text}");
        }
    }

    #[test]
    fn an_endpoint_is_the_address_that_it_was_made_of() {
        for text in ["10.0.0.1:7946", "[2001:db8::1]:7946", "0.0.0.0:0"] {
            let address: SocketAddr = text.parse().unwrap();
            assert_eq!(SocketAddr::from(Endpoint::from(address)), address);
            assert_eq!(Endpoint::from(address).to_string(), text);
        }
        let mapped: SocketAddr = "[::ffff:10.0.0.1]:7946".parse().unwrap();
        assert_eq!(Endpoint::from(mapped).to_string(), "10.0.0.1:7946");
    }
}
