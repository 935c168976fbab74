//! Which addresses a node can have, and their one form.

use core::net::{IpAddr, SocketAddr};

/// An address as records store it: an IPv4-mapped IPv6 address is the IPv4 address in it.
pub(crate) fn canonical(address: SocketAddr) -> SocketAddr {
    SocketAddr::new(address.ip().to_canonical(), address.port())
}

/// Whether a single node can be reached there.
pub(crate) fn is_unicast(address: SocketAddr) -> bool {
    let ip = match address.ip() {
        IpAddr::V4(ip) => ip.to_ipv6_mapped(),
        IpAddr::V6(ip) => ip,
    };
    address.port() != 0 && is_one_node(&ip.octets())
}

pub(crate) fn is_mapped(ip: &[u8; 16]) -> bool {
    ip.starts_with(&[0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xFF, 0xFF])
}

/// Whether an address (IPv4 ones mapped) can belong to a single node: not unspecified, "this network",
/// multicast or broadcast.
pub(crate) fn is_one_node(ip: &[u8; 16]) -> bool {
    if is_mapped(ip) {
        !matches!(ip[12], 0 | 224..=239) && ip[12..] != [0xFF; 4]
    } else {
        ip[0] != 0xFF && *ip != [0; 16]
    }
}
