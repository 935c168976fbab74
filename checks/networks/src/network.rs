//! The network that the agents run on: namespaces on one bridge, three zones, and a router between them. This process is
//! in the namespace with the bridge.

use crate::{sandbox::run, switch::Switch, tun};
use anyhow::{Context as _, Result};
use serde_json::Value;
use std::{
    fmt::{self, Write as _},
    fs,
    net::Ipv4Addr,
};

/// Zones, numbered from 1.
pub(crate) const ZONES: u8 = 3;
/// Nodes in each zone, numbered from 1: the fewest with which a zone can be held.
pub(crate) const NODES: u8 = 4;
/// The TUN device that leads to the switch.
const TUN: &str = "wan";
/// Where the settings of networks are.
const SETTINGS: &str = "/proc/sys/net/ipv4";

/// Where one node runs: a network namespace of its own.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Place {
    pub(crate) zone: u8,
    pub(crate) number: u8,
}

impl Place {
    /// All of them.
    pub(crate) fn all() -> impl Iterator<Item = Self> {
        (1..=ZONES).flat_map(|zone| (1..=NODES).map(move |number| Self { zone, number }))
    }

    /// The address that it has at first.
    pub(crate) fn address(self) -> Ipv4Addr {
        Ipv4Addr::new(10, 77, self.zone, self.number)
    }
}

/// The name of the node and of its namespace.
impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "z{}-{}", self.zone, self.number)
    }
}

/// All addresses of a zone.
pub(crate) fn subnet(zone: u8) -> String {
    format!("10.77.{zone}.0/24")
}

/// What the packet filter does, to every packet once, where it enters the bridge.
#[derive(Clone, Debug)]
pub(crate) enum Fault {
    /// This many percent of all packets are dropped.
    Loss(u8),
    /// What these addresses or subnets send to those is dropped. The way back stays open.
    Cut { from: Vec<String>, to: Vec<String> },
}

impl Fault {
    /// A zone and the others hear nothing of each other.
    pub(crate) fn partition(zone: u8) -> [Self; 2] {
        let inside = vec![subnet(zone)];
        let outside: Vec<_> = (1..=ZONES).filter(|&other| other != zone).map(subnet).collect();
        [Self::Cut { from: inside.clone(), to: outside.clone() }, Self::Cut { from: outside, to: inside }]
    }

    fn rule(&self) -> String {
        match self {
            Self::Loss(percent) => format!("ether type ip numgen random mod 100 < {percent} counter drop"),
            Self::Cut { from, to } => {
                format!("ip saddr {{ {} }} ip daddr {{ {} }} counter drop", from.join(", "), to.join(", "))
            }
        }
    }
}

/// The network at work.
pub(crate) struct Network {
    pub(crate) switch: Switch,
}

impl Network {
    /// Builds it, in this process's own network namespace.
    ///
    /// # Errors
    /// What the kernel or the programs in use have not got.
    pub(crate) fn build(seed: u64) -> Result<Self> {
        let device = tun::create(TUN).context("a TUN device")?;
        ip(None, &bridge())?;
        // What the switch writes comes from addresses to which another device leads.
        for device in ["all", TUN] {
            fs::write(format!("{SETTINGS}/conf/{device}/rp_filter"), "0").context("rp_filter")?;
        }
        fs::write(format!("{SETTINGS}/ip_forward"), "1").context("ip_forward")?;
        for place in Place::all() {
            ip(None, &cable(place))?;
            ip(Some(place), "link set lo up\nlink set eth0 up\n")?;
            set_address(place, place.address())?;
        }
        let network = Self { switch: Switch::start(device, seed) };
        network.filter(&[])?;
        Ok(network)
    }

    /// Sets what the packet filter does from now on.
    ///
    /// # Errors
    /// The packet filter's.
    pub(crate) fn filter(&self, faults: &[Fault]) -> Result<()> {
        let rules: Vec<_> = faults.iter().map(Fault::rule).collect();
        // The first line makes the second one succeed; all of it is taken over at once.
        let table = format!(
            "table bridge faults\ndelete table bridge faults\ntable bridge faults {{\nchain entrance {{\n\
             type filter hook prerouting priority 0;\n{}\n}}\n}}\n",
            rules.join("\n")
        );
        run("nft", &["-f", "-"], &table)?;
        Ok(())
    }

    /// Packets dropped by each of the faults that were set last.
    ///
    /// # Errors
    /// The packet filter's.
    pub(crate) fn dropped(&self) -> Result<Vec<u64>> {
        let listed: Value =
            serde_json::from_str(&run("nft", &["-j", "list", "table", "bridge", "faults"], "")?)?;
        let entries = listed["nftables"].as_array().context("a list of nft")?;
        let expressions = entries.iter().filter_map(|entry| entry["rule"]["expr"].as_array()).flatten();
        Ok(expressions.filter_map(|expression| expression["counter"]["packets"].as_u64()).collect())
    }
}

/// Gives a place an address in its zone, instead of the one that it has.
///
/// # Errors
/// The kernel's.
pub(crate) fn set_address(place: Place, address: Ipv4Addr) -> Result<()> {
    let router = router(place.zone);
    ip(
        Some(place),
        &format!("addr flush dev eth0\naddr add {address}/24 dev eth0\nroute add default via {router}\n"),
    )
}

fn router(zone: u8) -> Ipv4Addr {
    Ipv4Addr::new(10, 77, zone, 254)
}

/// The bridge, which is the router's interface as well: what comes in there for another zone goes to the switch.
fn bridge() -> String {
    let mut lines = format!(
        "link set lo up\nlink add br0 type bridge\nlink set br0 up\nlink set {TUN} up\n\
         route add default dev {TUN} table 100\nrule add iif br0 lookup 100\n"
    );
    for zone in 1..=ZONES {
        let _ = writeln!(lines, "addr add {}/24 dev br0", router(zone));
    }
    lines
}

fn cable(place: Place) -> String {
    format!(
        "netns add {place}\nlink add {place} type veth peer name eth0 netns {place}\nlink set {place} master br0 up\n"
    )
}

/// Runs lines of `ip`, in a namespace if one is named.
fn ip(place: Option<Place>, lines: &str) -> Result<()> {
    let name = place.map(|place| place.to_string());
    let arguments: Vec<&str> = name.iter().flat_map(|name| ["-n", name]).chain(["-batch", "-"]).collect();
    run("ip", &arguments, lines)?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_partition_cuts_both_ways_and_nothing_within_a_side() {
        let rules = Fault::partition(2).map(|fault| fault.rule());
        assert_eq!(
            rules,
            [
                "ip saddr { 10.77.2.0/24 } ip daddr { 10.77.1.0/24, 10.77.3.0/24 } counter drop",
                "ip saddr { 10.77.1.0/24, 10.77.3.0/24 } ip daddr { 10.77.2.0/24 } counter drop",
            ]
        );
    }

    #[test]
    fn there_are_twelve_places_and_none_has_the_address_of_another() {
        let addresses: std::collections::BTreeSet<_> = Place::all().map(Place::address).collect();
        assert_eq!((Place::all().count(), addresses.len()), (12, 12));
    }
}
