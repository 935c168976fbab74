//! The configuration of a node: a preset, and what differs from it by a file and by options.

use crate::{print::with_sources, wrong::Wrong};
use adapter_tokio::{ClusterName, Config, Options};
use clap::{Args, ValueEnum};
use gossip_config::{Settings, SettingsError, checked};
use humantime::parse_duration;
use serde::Deserialize;
use std::{
    fs,
    io::{self, Read as _},
    ops::RangeInclusive,
    path::{Path, PathBuf},
    time::Duration,
};

/// The presets of the library's configuration.
#[derive(Clone, Copy, Debug, ValueEnum, Deserialize)]
#[serde(rename_all = "lowercase")]
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

/// The most bytes read of a file. Every knob, with a comment, is far less.
const MAX_FILE_BYTES: u64 = 1 << 16;
/// What the core takes.
const CAPACITY: RangeInclusive<usize> = 2..=1 << 20;

/// What `gossip run` takes of the configuration.
#[derive(Debug, Args)]
#[command(next_help_heading = "Configuration")]
pub(crate) struct Knobs {
    /// The timing to use: the same on all nodes of a cluster. [default: lan]
    #[arg(long, value_enum)]
    preset: Option<Preset>,

    /// A TOML file with what differs from the preset: preset, capacity, and every knob in its table config.
    ///
    /// That table is the one of the simulator's scenarios: what was tried there can be copied. Knobs go by their names in
    /// `gossip_core::Config`, durations in ms: quarantine_ms = 600000. The options here go before the file.
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,

    /// Sets one knob, as in the table config of the file: --set fanout=4 --set budgets.total=62000.
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
    /// [default: 16384]
    #[arg(long, value_name = "MEMBERS")]
    capacity: Option<usize>,
}

/// What a file may hold.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct File {
    preset: Option<Preset>,
    capacity: Option<usize>,
    config: Settings,
}

impl Knobs {
    /// The configuration, and the capacity.
    ///
    /// # Errors
    /// The file cannot be read, or a value cannot be used; it is named.
    pub(crate) fn of(&self, cluster: ClusterName) -> Result<(Config, usize), Wrong> {
        let file = self.config.as_deref().map_or_else(|| Ok(File::default()), read)?;
        let capacity = self.capacity.or(file.capacity).unwrap_or(Options::DEFAULT_CAPACITY);
        if !CAPACITY.contains(&capacity) {
            return Err(Wrong(format!(
                "capacity is {capacity}: give {} to {}",
                CAPACITY.start(),
                CAPACITY.end()
            )));
        }
        let preset = self.preset.or(file.preset).unwrap_or(Preset::Lan).config(cluster);
        let config = self.over(file.config.over(preset)).and_then(checked);
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

fn read(path: &Path) -> Result<File, Wrong> {
    let text = read_text(path).map_err(|error| Wrong(format!("cannot read {}: {error}", path.display())))?;
    toml::from_str(&text)
        .map_err(|error| Wrong(format!("{}: {}", path.display(), error.to_string().trim_end())))
}

fn read_text(path: &Path) -> io::Result<String> {
    let mut text = String::new();
    let file = fs::File::open(path)?;
    if file.take(MAX_FILE_BYTES + 1).read_to_string(&mut text)? as u64 > MAX_FILE_BYTES {
        return Err(io::ErrorKind::FileTooLarge.into());
    }
    Ok(text)
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

    fn of(file: Option<&str>, args: &str) -> Result<(Config, usize), String> {
        let mut args: Vec<_> = ["x"].into_iter().chain(args.split_whitespace()).map(str::to_owned).collect();
        let thread = std::thread::current();
        let name =
            format!("gossip-knobs-{}-{}", std::process::id(), thread.name().unwrap().replace(':', "-"));
        let path = std::env::temp_dir().join(name);
        if let Some(text) = file {
            fs::write(&path, text).unwrap();
            args.extend(["--config".to_owned(), path.display().to_string()]);
        }
        let line = Line::try_parse_from(args).map_err(|error| error.to_string());
        let knobs = line.and_then(|line| line.knobs.of(cluster()).map_err(|error| error.0));
        let _ = fs::remove_file(&path);
        knobs
    }

    fn cluster() -> ClusterName {
        ClusterName::named("test").unwrap()
    }

    #[test]
    fn options_go_before_the_file_and_the_file_before_the_preset() {
        let minutes = |n: u64| Duration::from_secs(60 * n);
        assert_eq!(of(None, ""), Ok((Config::lan(cluster()), Options::DEFAULT_CAPACITY)));
        let file = "preset = 'wan'\ncapacity = 99\n[config]\nquarantine_ms = 60000\nfanout = 5\n";
        let expected = Config::wan(cluster()).with(|c| {
            c.quarantine = minutes(1);
            c.fanout = 5;
        });
        assert_eq!(of(Some(file), ""), Ok((expected, 99)));
        let expected = Config::local(cluster()).with(|c| {
            c.quarantine = minutes(2);
            c.fanout = 4;
            c.max_datagram = 600;
        });
        let args = "--preset local --set fanout=4 --quarantine 2m --capacity 9 --max-datagram 600";
        assert_eq!(of(Some(file), args), Ok((expected, 9)));
    }

    #[test]
    fn what_cannot_be_used_is_named_with_its_range() {
        for (file, args, said) in [
            ("", "--set fanout=99", "fanout is 99: give 1 to 8"),
            ("", "--set fanuot=3", "fanuot"),
            ("", "--set fanout", "write key=value"),
            ("", "--max-datagram 9000", "max_datagram is 9000: give 400 to 1400"),
            ("", "--quarantine 10ms", "quarantine_ms is 10: give 1000 (1s) to 86400000 (1day)"),
            ("", "--capacity 1", "capacity is 1: give 2 to 1048576"),
            ("capacity = 9000000", "", "capacity is 9000000: give 2 to 1048576"),
            ("[config]\nfanout = 0", "", "fanout is 0: give 1 to 8"),
            ("preset = 'lan'\n[config]\nfanuot = 3", "", "line 3"),
            ("fanout = 3", "", "fanout"),
            ("preset = 'moon'", "", "moon"),
        ] {
            let refused = of(Some(file), args).unwrap_err();
            assert!(refused.contains(said), "{file} {args}: {refused}");
        }
        let refused = of(None, "--config /dev/zero").unwrap_err();
        assert!(refused.contains("/dev/zero"), "{refused}");
    }
}
