//! What a scrape finds: a copy, made in one look at the node.

use super::MAX_ZONES;
use crate::{counters::HostMetrics, handle::Handle, lock::lock, view::name_of};
use gossip_core::{Budgets, BudgetsUsed, Health, Metrics, NodeId, Reachability, Status, Zone};
use std::{collections::BTreeMap, time::Duration};

/// What a member is counted by.
pub(super) type Kind = (Status, Reachability);

pub(super) const STATUSES: [Status; 4] = [Status::Alive, Status::Suspect, Status::Dead, Status::Left];
pub(super) const REACHABILITIES: [Reachability; 3] =
    [Reachability::Reachable, Reachability::Unreachable, Reachability::Unknown];

/// The members of a zone, or of all that have no name of their own (`None`), by kind.
pub(super) type Census = BTreeMap<Option<Zone>, Vec<(Kind, u32)>>;

/// See the module.
pub(super) struct Snapshot {
    pub(super) id: NodeId,
    pub(super) name: Option<String>,
    pub(super) joined: bool,
    pub(super) census: Census,
    pub(super) routable: usize,
    pub(super) routable_view: u64,
    pub(super) view: u64,
    pub(super) local_health: u8,
    pub(super) difference: Duration,
    pub(super) quarantined: usize,
    pub(super) self_quarantined: bool,
    pub(super) limits: Budgets,
    pub(super) used: BudgetsUsed,
    #[cfg(feature = "seal")]
    pub(super) keys: crate::KeysView,
    #[cfg(feature = "identity")]
    pub(super) signing: crate::SigningView,
    pub(super) core: Metrics,
    pub(super) host: HostMetrics,
}

impl Snapshot {
    pub(super) fn of(handle: &Handle) -> Self {
        let host = handle.host_metrics();
        let node = lock(&handle.0.node);
        let me = node.me();
        // No more is done here than has to be: the protocol waits.
        let mut seen = Vec::with_capacity(node.members().len() + 1);
        let (mut routable, mut routable_view) = (0, 0u64);
        // Others send here as well: without this node itself no two nodes would agree.
        if me.status().is_live() && me.health() != Health::Unhealthy {
            routable_view = stands_for(me.id());
        }
        seen.push((me.locality().domain(), (me.status(), Reachability::Reachable)));
        for member in node.members() {
            if member.is_routable() {
                routable += 1;
                routable_view = routable_view.wrapping_add(stands_for(member.id()));
            }
            seen.push((member.locality().domain(), (member.status(), member.reachability())));
        }
        let mut snapshot = Self {
            id: node.me().id(),
            name: name_of(&node, me.id()),
            joined: node.is_joined(),
            census: Census::new(),
            routable,
            routable_view: shown(routable_view),
            view: shown(node.fingerprint().0),
            local_health: node.local_health(),
            difference: node.longest_difference(),
            quarantined: node.quarantined_zones().count(),
            self_quarantined: node.is_self_quarantined(),
            limits: node.config().budgets,
            used: node.budgets_used(),
            #[cfg(feature = "seal")]
            keys: crate::KeysView { sealing: node.sealing(), keys: node.keys_in_use().collect() },
            #[cfg(feature = "identity")]
            signing: crate::SigningView::of(&node),
            core: *node.metrics(),
            host,
        };
        drop(node);
        snapshot.census = census(&seen);
        snapshot
    }
}

/// A number for an id, such that sums of different sets of ids differ: the finalizer of SplitMix64.
fn stands_for(id: NodeId) -> u64 {
    let mixed = (id.as_u64() ^ (id.as_u64() >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    mixed ^ (mixed >> 31)
}

/// As many bits as Prometheus, whose values are doubles, keeps apart.
fn shown(number: u64) -> u64 {
    number >> (u64::BITS - f64::MANTISSA_DIGITS)
}

/// Counts members by zone, in bounded space: the zones of the lowest numbers have names.
pub(super) fn census(seen: &[(Zone, Kind)]) -> Census {
    let mut zones: BTreeMap<Zone, BTreeMap<usize, u32>> = BTreeMap::new();
    for &(zone, kind) in seen {
        *zones.entry(zone).or_default().entry(at(kind)).or_default() += 1;
    }
    let kinds = || STATUSES.iter().flat_map(|&status| REACHABILITIES.iter().map(move |&seen| (status, seen)));
    let mut census = Census::new();
    for (n, (zone, counted)) in zones.into_iter().enumerate() {
        let named = Some(zone).filter(|_| n < MAX_ZONES);
        let counts = census.entry(named).or_insert_with(|| kinds().map(|kind| (kind, 0)).collect());
        for (kind, count) in counts.iter_mut() {
            *count += counted.get(&at(*kind)).copied().unwrap_or(0);
        }
    }
    census
}

/// A number for a kind.
fn at((status, reachability): Kind) -> usize {
    status as usize * REACHABILITIES.len() + reachability as usize
}
