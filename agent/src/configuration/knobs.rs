//! The configuration of a node: a preset, and what differs from it.

use crate::{print::with_sources, wrong::Wrong};
use adapter_tokio::{ClusterName, Config, Options};
use clap::{Args, ValueEnum};
use gossip_config::{Settings, SettingsError, checked};
use humantime::parse_duration;
use std::{ops::RangeInclusive, time::Duration};

/// The presets of the library's configuration.
#[derive(Clone, Copy, Debug, ValueEnum)]
pub(crate) enum Preset {
    /// One machine: a crash is known in about 2 s.
    Local,
    /// Data centres, one or several.
    Lan,
    /// Members spread over the Internet.
    Wan,
}

impl Preset {
    /// The configuration that it stands for.
    pub(crate) fn config(self, cluster: ClusterName) -> Config {
        match self {
            Self::Local => Config::local(cluster),
            Self::Lan => Config::lan(cluster),
            Self::Wan => Config::wan(cluster),
        }
    }
}

/// What the core takes.
const CAPACITY: RangeInclusive<usize> = 2..=1 << 20;

/// What `gossip run` takes of the configuration.
#[derive(Debug, Args)]
#[command(next_help_heading = "Protocol")]
pub(crate) struct Knobs {
    /// The timing to use: the same on all nodes of a cluster.
    #[arg(long, value_enum, default_value_t = Preset::Lan)]
    preset: Preset,

    /// Sets one knob: --set fanout=4 --set budgets.total=62000.
    ///
    /// Knobs go by their names in `gossip_core::Config`, durations in ms: quarantine_ms=600000. In a file they are the table
    /// config.
    #[arg(long, value_name = "KNOB=VALUE")]
    set: Vec<Settings>,

    /// The largest UDP payload sent or accepted, 400 to 1400: the same on all nodes, and no more than the path carries.
    /// [default: 1200]
    #[arg(long, value_name = "BYTES")]
    max_datagram: Option<i64>,

    /// How long a zone that is silent as a whole is quarantined before its members are declared dead, as in 90s
    /// or 10m. [default: 7m]
    #[arg(long, value_name = "TIME", value_parser = parse_duration)]
    quarantine: Option<Duration>,

    /// How many members there is room for, the dead that are remembered and this node included: 2 to 1048576.
    #[arg(long, value_name = "MEMBERS", default_value_t = Options::DEFAULT_CAPACITY)]
    capacity: usize,
}

impl Knobs {
    /// The configuration, and the capacity.
    ///
    /// # Errors
    /// A value cannot be used; it is named.
    pub(crate) fn of(&self, cluster: ClusterName) -> Result<(Config, usize), Wrong> {
        let capacity = self.capacity;
        if !CAPACITY.contains(&capacity) {
            return Err(Wrong(format!(
                "capacity is {capacity}: give {} to {}",
                CAPACITY.start(),
                CAPACITY.end()
            )));
        }
        let config = self.over(Ok(self.preset.config(cluster))).and_then(checked);
        config.map(|config| (config, capacity)).map_err(|error| Wrong(with_sources(&error)))
    }

    fn over(&self, config: Result<Config, SettingsError>) -> Result<Config, SettingsError> {
        let options = Settings {
            max_datagram: self.max_datagram,
            quarantine_ms: self.quarantine.map(|quarantine| quarantine.as_secs_f64() * 1e3),
            ..Settings::default()
        };
        self.set.iter().chain([&options]).fold(config, |config, settings| settings.over(config?))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::Parser;

    #[derive(Debug, Parser)]
    struct Line {
        #[command(flatten)]
        knobs: Knobs,
    }

    fn of(args: &str) -> Result<(Config, usize), String> {
        let line = Line::try_parse_from(["x"].into_iter().chain(args.split_whitespace()));
        let line = line.map_err(|error| error.to_string())?;
        line.knobs.of(cluster()).map_err(|error| error.0)
    }

    fn cluster() -> ClusterName {
        ClusterName::named("test").unwrap()
    }

    #[test]
    fn what_is_given_takes_the_place_of_what_the_preset_says() {
        assert_eq!(of(""), Ok((Config::lan(cluster()), Options::DEFAULT_CAPACITY)));
        let expected = Config::local(cluster()).with(|c| {
            c.quarantine = Duration::from_secs(120);
            c.fanout = 4;
            c.max_datagram = 600;
        });
        let args = "--preset local --set fanout=4 --quarantine 2m --capacity 9 --max-datagram 600";
        assert_eq!(of(args), Ok((expected, 9)));
    }

    #[test]
    fn what_cannot_be_used_is_named_with_its_range() {
        for (args, said) in [
            ("--set fanout=99", "fanout is 99: give 1 to 8"),
            ("--set fanuot=3", "fanuot"),
            ("--set fanout", "write key=value"),
            ("--max-datagram 9000", "max_datagram is 9000: give 400 to 1400"),
            ("--quarantine 10ms", "quarantine_ms is 10: give 1000 (1s) to 86400000 (1day)"),
            ("--capacity 1", "capacity is 1: give 2 to 1048576"),
        ] {
            let refused = of(args).unwrap_err();
            assert!(refused.contains(said), "{args}: {refused}");
        }
    }
}
