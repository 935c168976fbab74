//! What a scenario changes of the core's configuration.

use gossip_core::{Config, Mechanisms, Mode};
use serde::Deserialize;
use std::time::Duration;

/// The knobs of `gossip_core::Config`, by their names; durations in ms. What is not given stays as it is.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
#[allow(missing_docs)]
pub struct Settings {
    pub probe_interval_ms: Option<f64>,
    pub ack_timeout_initial_ms: Option<f64>,
    pub ack_timeout_min_ms: Option<f64>,
    pub ack_timeout_max_ms: Option<f64>,
    pub pause_tolerance_ms: Option<f64>,
    pub hold_ms: Option<f64>,
    pub own_pause_ms: Option<f64>,
    pub gossip_interval_ms: Option<f64>,
    pub anti_entropy_interval_ms: Option<f64>,
    pub join_retry_ms: Option<f64>,
    pub tombstone_ttl_ms: Option<f64>,
    /// `push`, `pull` or `push-pull`.
    pub mode: Option<String>,
    pub direct_pings: Option<u8>,
    pub helpers: Option<u8>,
    pub helper_pings: Option<u8>,
    pub suspicion_factor: Option<u8>,
    pub confirmations: Option<u8>,
    pub accusations_per_accuser: Option<u8>,
    pub fanout: Option<u8>,
    pub retransmit_factor: Option<u8>,
    pub max_datagram: Option<u16>,
    pub admissions_per_second: Option<u16>,
    pub strangers_per_second: Option<u32>,
    pub max_tombstones: Option<u32>,
    pub budgets: BudgetSettings,
    pub mechanisms: MechanismSettings,
}

/// `gossip_core::Budgets`.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
#[allow(missing_docs)]
pub struct BudgetSettings {
    pub total: Option<u32>,
    pub rumor: Option<u32>,
    pub sync: Option<u32>,
    pub suspicion: Option<u32>,
}

/// `gossip_core::Mechanisms`: a base, `all` or `swim`, and what differs from it.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
#[allow(missing_docs)]
pub struct MechanismSettings {
    pub base: Option<String>,
    pub indirect_probes: Option<bool>,
    pub suspicion: Option<bool>,
    pub local_health: Option<bool>,
    pub confirmations: Option<bool>,
    pub tell_suspect: Option<bool>,
    pub own_pause: Option<bool>,
    pub holds: Option<bool>,
    pub earned_death: Option<bool>,
    pub feedback: Option<bool>,
    pub repair: Option<bool>,
}

macro_rules! put {
    ($from:expr => $to:expr; $($field:ident),*) => {
        $(if let Some(value) = $from.$field { $to.$field = value; })*
    };
}

impl Settings {
    pub(super) fn over(&self, mut config: Config) -> Result<Config, String> {
        for (name, given, knob) in [
            ("probe_interval_ms", self.probe_interval_ms, &mut config.probe_interval),
            ("ack_timeout_initial_ms", self.ack_timeout_initial_ms, &mut config.ack_timeout_initial),
            ("ack_timeout_min_ms", self.ack_timeout_min_ms, &mut config.ack_timeout_min),
            ("ack_timeout_max_ms", self.ack_timeout_max_ms, &mut config.ack_timeout_max),
            ("pause_tolerance_ms", self.pause_tolerance_ms, &mut config.pause_tolerance),
            ("hold_ms", self.hold_ms, &mut config.hold),
            ("own_pause_ms", self.own_pause_ms, &mut config.own_pause),
            ("gossip_interval_ms", self.gossip_interval_ms, &mut config.gossip_interval),
            ("anti_entropy_interval_ms", self.anti_entropy_interval_ms, &mut config.anti_entropy_interval),
            ("join_retry_ms", self.join_retry_ms, &mut config.join_retry),
            ("tombstone_ttl_ms", self.tombstone_ttl_ms, &mut config.tombstone_ttl),
        ] {
            let Some(ms) = given else { continue };
            *knob =
                Duration::try_from_secs_f64(ms / 1e3).map_err(|error| format!("config.{name}: {error}"))?;
        }
        config.mode = match self.mode.as_deref() {
            None => config.mode,
            Some("push") => Mode::Push,
            Some("pull") => Mode::Pull,
            Some("push-pull") => Mode::PushPull,
            Some(other) => return Err(format!("config.mode is '{other}': push, pull or push-pull")),
        };
        put!(self => config; direct_pings, helpers, helper_pings, suspicion_factor, confirmations,
            accusations_per_accuser, fanout, retransmit_factor, max_datagram, admissions_per_second,
            strangers_per_second, max_tombstones);
        put!(self.budgets => config.budgets; total, rumor, sync, suspicion);
        match self.mechanisms.base.as_deref() {
            None => {}
            Some("all") => config.mechanisms = Mechanisms::ALL,
            Some("swim") => config.mechanisms = Mechanisms::SWIM,
            Some(other) => return Err(format!("config.mechanisms.base is '{other}': all or swim")),
        }
        put!(self.mechanisms => config.mechanisms; indirect_probes, suspicion, local_health, confirmations,
            tell_suspect, own_pause, holds, earned_death, feedback, repair);
        Ok(config)
    }
}
