//! What differs from a preset of the core's configuration.

use crate::{assign, error::SettingsError, split};
use gossip_core::{Config, ConfigError, Mechanisms, Mode, PulseScope};
use serde::Deserialize;
use std::{str::FromStr, time::Duration};
use toml::{Table, Value};

/// The knobs of `gossip_core::Config`, by their names; durations in ms. What is not given stays as it is.
#[derive(Clone, PartialEq, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
#[allow(missing_docs)]
pub struct Settings {
    pub probe_interval_ms: Option<f64>,
    pub ack_timeout_initial_ms: Option<f64>,
    pub ack_timeout_min_ms: Option<f64>,
    pub ack_timeout_max_ms: Option<f64>,
    pub pause_tolerance_ms: Option<f64>,
    pub quarantine_ms: Option<f64>,
    pub local_pause_ms: Option<f64>,
    pub gossip_interval_ms: Option<f64>,
    pub anti_entropy_interval_ms: Option<f64>,
    pub join_retry_ms: Option<f64>,
    pub tombstone_ttl_ms: Option<f64>,
    /// `push`, `pull` or `push-pull`.
    pub mode: Option<String>,
    /// `zone`, `region` or `cluster`.
    pub pulse_scope: Option<String>,
    pub direct_pings: Option<i64>,
    pub relays: Option<i64>,
    pub relay_pings: Option<i64>,
    pub suspicion_factor: Option<i64>,
    pub confirmations: Option<i64>,
    pub accusations_per_accuser: Option<i64>,
    pub members_per_host: Option<i64>,
    pub fanout: Option<i64>,
    pub retransmit_factor: Option<i64>,
    pub max_datagram: Option<i64>,
    pub admissions_per_second: Option<i64>,
    pub non_members_per_second: Option<i64>,
    pub max_tombstones: Option<i64>,
    pub state_per_member: Option<i64>,
    pub budgets: BudgetSettings,
    pub mechanisms: MechanismSettings,
}

/// `gossip_core::Budgets`.
#[derive(Clone, PartialEq, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
#[allow(missing_docs)]
pub struct BudgetSettings {
    pub total: Option<i64>,
    pub rumor: Option<i64>,
    pub sync: Option<i64>,
    pub suspicion: Option<i64>,
    pub state: Option<i64>,
    pub pulses: Option<i64>,
}

/// Every duration: its name in `Config`, what was given of it, and its place.
macro_rules! durations {
    ($settings:expr, $config:expr; $($field:ident = $given:ident),* $(,)?) => {
        [$((stringify!($field), $settings.$given, &mut $config.$field)),*]
    };
}

/// Every number: put where it fits, and refused with its range where it does not.
macro_rules! numbers {
    ($settings:expr => $config:ident, $prefix:literal, |$c:ident| $group:expr; $($field:ident),* $(,)?) => {
        $(if let Some(given) = $settings.$field {
            let fits = given.try_into();
            let $c = &mut $config;
            let place = &mut $group.$field;
            *place = fits.unwrap_or_else(|_| if given < 0 { 0 } else { (*place ^ *place).wrapping_sub(1) });
            if fits.is_err() {
                return Err(beyond(concat!($prefix, stringify!($field)), given, &$config));
            }
        })*
    };
}

/// Every switch of `gossip_core::Mechanisms`, by its name.
macro_rules! switches {
    ($($field:ident),* $(,)?) => {
        /// `gossip_core::Mechanisms`: a base, `all` or `swim`, and what differs from it.
        #[derive(Clone, PartialEq, Debug, Default, Deserialize)]
        #[serde(deny_unknown_fields, default)]
        #[allow(missing_docs)]
        pub struct MechanismSettings {
            pub base: Option<String>,
            $(pub $field: Option<bool>,)*
        }

        impl MechanismSettings {
            fn switch(&self, mechanisms: &mut Mechanisms) {
                $(if let Some(value) = self.$field { mechanisms.$field = value; })*
            }
        }

        /// Every switch of the core, by its name as a knob of `mechanisms`, and whether it is on there.
        pub fn switches(mechanisms: Mechanisms) -> Vec<(&'static str, bool)> {
            vec![$((stringify!($field), mechanisms.$field)),*]
        }
    };
}

switches!(
    indirect_probes,
    two_relay_rounds,
    round_trips,
    suspicion,
    local_health,
    confirmations,
    tell_suspect,
    local_pause,
    quarantines,
    earned_death,
    early_check,
    successor,
    neighbours,
    sieves,
    damping,
    announced_pauses,
    roll_call,
    answers,
    surprise,
    majority,
    repair,
);

impl Settings {
    /// A configuration in which what was given has taken the place of what was there. Whether it can be used as a whole,
    /// [`checked`] says.
    ///
    /// # Errors
    /// A value that a knob cannot hold.
    pub fn over(&self, mut config: Config) -> Result<Config, SettingsError> {
        for (field, given, place) in self.durations(&mut config) {
            let Some(ms) = given else { continue };
            *place = Duration::try_from_secs_f64(ms / 1e3)
                .map_err(|_| SettingsError::Absurd { knob: format!("{field}_ms"), given: ms })?;
        }
        config.mode = match self.mode.as_deref() {
            None => config.mode,
            Some("push") => Mode::Push,
            Some("pull") => Mode::Pull,
            Some("push-pull") => Mode::PushPull,
            Some(other) => return Err(word("mode", other, "push, pull or push-pull")),
        };
        config.pulse_scope = match self.pulse_scope.as_deref() {
            None => config.pulse_scope,
            Some("zone") => PulseScope::Zone,
            Some("region") => PulseScope::Region,
            Some("cluster") => PulseScope::Cluster,
            Some(other) => return Err(word("pulse_scope", other, "zone, region or cluster")),
        };
        numbers!(self => config, "", |c| c; direct_pings, relays, relay_pings, suspicion_factor, confirmations,
            accusations_per_accuser, members_per_host, fanout, retransmit_factor, max_datagram, admissions_per_second,
            non_members_per_second, max_tombstones, state_per_member);
        numbers!(self.budgets => config, "budgets.", |c| c.budgets; total, rumor, sync, suspicion, state, pulses);
        match self.mechanisms.base.as_deref() {
            None => {}
            Some("all") => config.mechanisms = Mechanisms::ALL,
            Some("swim") => config.mechanisms = Mechanisms::SWIM,
            Some(other) => return Err(word("mechanisms.base", other, "all or swim")),
        }
        self.mechanisms.switch(&mut config.mechanisms);
        Ok(config)
    }

    fn durations<'c>(&self, config: &'c mut Config) -> [(&'static str, Option<f64>, &'c mut Duration); 11] {
        durations!(self, config;
            probe_interval = probe_interval_ms,
            ack_timeout_initial = ack_timeout_initial_ms,
            ack_timeout_min = ack_timeout_min_ms,
            ack_timeout_max = ack_timeout_max_ms,
            pause_tolerance = pause_tolerance_ms,
            quarantine = quarantine_ms,
            local_pause = local_pause_ms,
            gossip_interval = gossip_interval_ms,
            anti_entropy_interval = anti_entropy_interval_ms,
            join_retry = join_retry_ms,
            tombstone_ttl = tombstone_ttl_ms,
        )
    }
}

/// One setting, as `knob=value`.
impl FromStr for Settings {
    type Err = SettingsError;

    fn from_str(assignment: &str) -> Result<Self, SettingsError> {
        let malformed =
            |why: &str| SettingsError::Malformed(format!("cannot set '{assignment}': {}", why.trim_end()));
        let mut table = Table::new();
        let (knob, value) = split(assignment).map_err(malformed)?;
        assign(&mut table, knob, value).map_err(|why| malformed(&why))?;
        Value::Table(table).try_into().map_err(|error: toml::de::Error| malformed(error.message()))
    }
}

/// A configuration that a node can be started with.
///
/// # Errors
/// The first knob that is out of range, with its range; or two that contradict each other.
pub fn checked(config: Config) -> Result<Config, SettingsError> {
    config.validate()?;
    Ok(config)
}

impl From<ConfigError> for SettingsError {
    fn from(error: ConfigError) -> Self {
        match error {
            ConfigError::Range { field, min, max, given } if is_duration(field) => {
                let (min, max) = (Duration::from_secs_f64(min), Duration::from_secs_f64(max));
                Self::Duration { knob: format!("{field}_ms"), given: given * 1e3, min, max }
            }
            ConfigError::Range { field, min, max, given } => {
                Self::Number { knob: field.into(), given, min, max }
            }
            other => Self::Config(other),
        }
    }
}

/// Whether a field of `Config` is a duration, whose knob has the unit in its name.
pub(crate) fn is_duration(field: &str) -> bool {
    !field.contains('.') && {
        let knob = format!("{field}_ms=1");
        knob.parse::<Settings>().is_ok()
    }
}

fn word(knob: &'static str, given: &str, allowed: &'static str) -> SettingsError {
    SettingsError::Word { knob, given: given.into(), allowed }
}

/// A number that the knob's type cannot hold. The range is that by which `extreme`, where the knob is as far out as it can
/// be, is refused.
fn beyond(knob: &'static str, given: i64, extreme: &Config) -> SettingsError {
    let given = given as f64;
    match extreme.validate() {
        Err(ConfigError::Range { field, min, max, .. }) if field == knob => {
            SettingsError::Number { knob: knob.into(), given, min, max }
        }
        _ => SettingsError::Absurd { knob: knob.into(), given },
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use gossip_core::ClusterName;

    fn lan() -> Config {
        Config::lan(ClusterName::named("test").unwrap())
    }

    fn set(assignment: &str) -> Result<Config, SettingsError> {
        checked(assignment.parse::<Settings>()?.over(lan())?)
    }

    #[test]
    fn what_is_set_is_all_that_changes() {
        assert_eq!(Settings::default().over(lan()), Ok(lan()));
        assert_eq!(set("quarantine_ms=60000"), Ok(lan().with(|c| c.quarantine = Duration::from_secs(60))));
        assert_eq!(set("fanout = 5"), Ok(lan().with(|c| c.fanout = 5)));
        assert_eq!(set("mode=push"), Ok(lan().with(|c| c.mode = Mode::Push)));
        assert_eq!(set("pulse_scope=zone"), Ok(lan().with(|c| c.pulse_scope = PulseScope::Zone)));
        assert_eq!(set("budgets.pulses=6000").map(|c| c.budgets.pulses), Ok(6_000));
        assert_eq!(set("budgets.rumor=20000").unwrap().budgets.rumor, 20_000);
        assert!(!set("mechanisms.repair=false").unwrap().mechanisms.repair);
        assert_eq!(set("mechanisms.base=swim").unwrap().mechanisms, Mechanisms::SWIM);
    }

    #[test]
    fn every_switch_of_the_core_has_a_knob() {
        let all = format!("{:?}", Mechanisms::ALL);
        assert_eq!(switches(Mechanisms::ALL).len(), all.matches("true").count(), "{all}");
    }

    #[test]
    fn every_switch_can_be_turned_by_its_name() {
        for (name, on) in switches(Mechanisms::ALL) {
            let turned = set(&format!("mechanisms.{name}={}", !on)).unwrap().mechanisms;
            let before = switches(Mechanisms::ALL).into_iter();
            let changed = before.zip(switches(turned)).filter(|(before, after)| before != after);
            let changed: Vec<_> = changed.map(|(_, after)| after).collect();
            assert_eq!(changed, [(name, !on)]);
        }
    }

    #[test]
    fn what_cannot_be_set_is_named_with_its_value_and_its_range() {
        for (assignment, said) in [
            ("fanout=99", "fanout is 99: give 1 to 8"),
            ("fanout=300", "fanout is 300: give 1 to 8"),
            ("fanout=-1", "fanout is -1: give 1 to 8"),
            ("max_datagram=9000", "max_datagram is 9000: give 400 to 1400"),
            ("budgets.sync=7", "budgets.sync is 7: give 1400 to 4294967295"),
            ("budgets.sync=5000000000", "budgets.sync is 5000000000"),
            ("quarantine_ms=-1", "quarantine_ms is -1"),
            ("local_pause_ms=5", "local_pause_ms is 5: give 10 (10ms) to 60000 (1m)"),
            ("mode=both", "mode is 'both': give push, pull or push-pull"),
            ("pulse_scope=rack", "pulse_scope is 'rack': give zone, region or cluster"),
            ("ack_timeout_min_ms=400", "ack_timeout_min is above ack_timeout_initial"),
            ("fanout", "cannot set 'fanout': write key=value"),
            ("=3", "the key is empty"),
            ("fanuot=3", "fanuot"),
            ("fanout=many", "fanout"),
            ("fanout.x=3", "fanout"),
        ] {
            let refused = set(assignment).unwrap_err().to_string();
            assert!(refused.contains(said), "{assignment}: {refused}");
        }
    }

    #[test]
    fn every_knob_of_the_configuration_can_be_set() {
        // What `Debug` shows is what there is; the cluster is no knob.
        let shown = format!("{:#?}", lan());
        let mut group = None;
        for line in shown.lines().filter(|line| line.starts_with("    ")) {
            let (field, value) = line.trim().split_once(": ").unwrap_or((line.trim(), ""));
            match (line.len() - line.trim_start().len(), value.ends_with('{')) {
                (4, true) => group = Some(field.to_owned()),
                (4, false) if field != "}," => {
                    let settable = ["1", "1.0", "push"].into_iter();
                    let settable = settable
                        .flat_map(|value| [format!("{field}={value}"), format!("{field}_ms={value}")]);
                    assert!(settable.into_iter().any(|knob| knob.parse::<Settings>().is_ok()), "{field}");
                }
                (8, _) if group.as_deref() != Some("cluster") => {
                    let field = format!("{}.{field}", group.clone().unwrap_or_default());
                    let settable = ["1", "true"].map(|value| format!("{field}={value}"));
                    assert!(settable.into_iter().any(|knob| knob.parse::<Settings>().is_ok()), "{field}");
                }
                _ => {}
            }
        }
    }
}
