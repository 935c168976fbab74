//! Members and zones in the numbers that a recording gives them: in the order of their places.

use super::first_words::zone_number;
use crate::engine::{Host, HostId};
use gossip_core::{Locality, NodeId};
use serde_json::{Value, json};
use std::collections::{BTreeMap, HashMap};

/// The members of one place.
#[derive(Debug)]
struct Place {
    at: Locality,
    /// The number of the first; the others follow.
    first: u32,
    hosts: Vec<HostId>,
}

/// See the module.
#[derive(Debug)]
pub(super) struct Numbers {
    places: Vec<Place>,
    /// By host.
    members: Vec<Option<u32>>,
    /// By what [`zone_number`] makes of them.
    zones: BTreeMap<u32, u32>,
}

/// How some members are called together.
#[derive(Debug)]
pub(super) struct Called {
    pub(super) name: String,
    /// Whether they have no other name than their own.
    pub(super) lists_members: bool,
    /// The place that they are.
    pub(super) keys: Vec<(&'static str, Value)>,
}

impl Numbers {
    /// Hosts that share an id are one member.
    pub(super) fn of(hosts: &[Host]) -> Self {
        let mut firsts: HashMap<NodeId, HostId> = HashMap::new();
        let mut by_place: BTreeMap<Locality, Vec<HostId>> = BTreeMap::new();
        let mut of_ids = Vec::new();
        for (number, host) in (0..).zip(hosts) {
            let first = *firsts.entry(host.id).or_insert(number);
            if first == number {
                by_place.entry(host.locality).or_default().push(number);
            }
            of_ids.push(first);
        }
        let (mut places, mut zones) = (Vec::new(), BTreeMap::new());
        let (mut members, mut next) = (vec![None; hosts.len()], 0);
        for (at, hosts) in by_place {
            let zone = zones.len() as u32;
            let _ = zones.entry(zone_number(at.domain())).or_insert(zone);
            let first = next;
            for &host in &hosts {
                members[host as usize] = Some(next);
                next += 1;
            }
            places.push(Place { at, first, hosts });
        }
        let members = of_ids.into_iter().map(|first: HostId| members[first as usize]).collect();
        Self { places, members, zones }
    }

    /// How many members there are.
    pub(super) fn members(&self) -> usize {
        self.places.iter().map(|place| place.hosts.len()).sum()
    }

    /// The lines of the places.
    pub(super) fn places(&self) -> impl Iterator<Item = Value> {
        self.places.iter().map(|Place { at, hosts, .. }| {
            let words = [at.region, at.zone, at.rack].map(|part| part.to_string());
            let mut line = json!({ "place": words, "n": hosts.len() });
            match even(hosts) {
                Some((first, step)) => {
                    line["name"] = "node-".into();
                    line["first"] = first.into();
                    line["step"] = step.into();
                }
                None => line["names"] = hosts.iter().map(|&host| name(host)).collect(),
            }
            line
        })
    }

    pub(super) fn of_host(&self, host: HostId) -> Option<u32> {
        self.members.get(host as usize).copied().flatten()
    }

    pub(super) fn of_zone(&self, zone: u32) -> Option<u32> {
        self.zones.get(&zone).copied()
    }

    /// All members but these hosts; in order.
    pub(super) fn others(&self, hosts: &[HostId]) -> Vec<u32> {
        let mut is_one = vec![true; self.members()];
        for member in hosts.iter().filter_map(|&host| self.of_host(host)) {
            is_one[member as usize] = false;
        }
        (0..).zip(is_one).filter(|&(_, is_one)| is_one).map(|(member, _)| member).collect()
    }

    /// What some members are called together: the rack, the zone or the zones that they are, or how many.
    pub(super) fn name_of(&self, members: &[u32]) -> Called {
        let mut is_one = vec![false; self.members()];
        members.iter().for_each(|&member| is_one[member as usize] = true);
        let is_whole =
            |place: &Place| (place.first..).zip(&place.hosts).all(|(member, _)| is_one[member as usize]);
        let whole: Vec<usize> = (0..self.places.len()).filter(|&rack| is_whole(&self.places[rack])).collect();
        let covered: usize = whole.iter().map(|&rack| self.places[rack].hosts.len()).sum();
        let called = |name: String, keys| Called { name, lists_members: false, keys };
        let all = is_one.iter().filter(|&&is_one| is_one).count();
        if covered == all && all > 1 && all < self.members() {
            let mut zones: Vec<_> = whole.iter().map(|&rack| self.places[rack].at.domain()).collect();
            zones.dedup();
            let of_zones = self.places.iter().filter(|place| zones.contains(&place.at.domain())).count();
            let numbers: Vec<Option<u32>> =
                zones.iter().map(|&zone| self.of_zone(zone_number(zone))).collect();
            match (whole.as_slice(), zones.as_slice()) {
                (&[rack], &[zone]) if of_zones > 1 => {
                    return called(
                        format!("rack {zone}/{}", self.places[rack].at.rack),
                        vec![("rack", json!(rack))],
                    );
                }
                (racks, &[zone]) if of_zones == racks.len() => {
                    return called(format!("zone {zone}"), vec![("zone", json!(numbers[0]))]);
                }
                (racks, zones) if of_zones == racks.len() => {
                    let region = zones[0].region;
                    let alike = zones.iter().all(|zone| zone.region == region);
                    let of_region = self.zones.keys().filter(|&&zone| zone >> 8 == u32::from(region)).count();
                    let name = match alike && of_region == zones.len() {
                        true => format!("region {region}"),
                        false => format!("{} zones", zones.len()),
                    };
                    return called(name, vec![("zones", json!(numbers))]);
                }
                _ => {}
            }
        }
        let name = match members {
            &[member] => self.name(member),
            _ if all == self.members() => "everybody".into(),
            _ => format!("{all} members"),
        };
        Called { name, lists_members: true, keys: Vec::new() }
    }

    fn name(&self, member: u32) -> String {
        let after = self.places.partition_point(|place| place.first <= member);
        let place = &self.places[after.saturating_sub(1)];
        place.hosts.get((member - place.first) as usize).map_or_else(String::new, |&host| name(host))
    }
}

fn name(host: HostId) -> String {
    format!("node-{host}")
}

/// The first of some numbers, and by how much each is more than the one before, if that is always the same.
fn even(numbers: &[HostId]) -> Option<(HostId, HostId)> {
    let (&first, rest) = numbers.split_first()?;
    let step = rest.first().map_or(1, |next| next.saturating_sub(first));
    let is_even = numbers.windows(2).all(|pair| pair[0] + step == pair[1]);
    is_even.then_some((first, step))
}
