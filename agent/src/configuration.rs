//! What `gossip run` runs with: flags, before variables of the environment, before a file, before defaults.
//!
//! The flags of `gossip run`, as clap knows them, are the only list of what can be configured: the key of a file and the
//! variable are made from the flag's name, and their values pass the flag's own parser.
//!
//! `file` takes a file apart, `check` shows what comes of all sources, `reload` changes a running node to what its file says
//! now, and `knobs` are the part of it that goes to the library.

pub(crate) mod check;
mod credentials;
mod file;
pub(crate) mod knobs;
mod refused;
pub(crate) mod reload;

pub(crate) use refused::in_options;

use crate::{
    cli::{self, RunArgs},
    print::{printable, quoted, with_sources},
    run::tags::Tags,
    wrong::Wrong,
};
use adapter_tokio::{ClusterName, KeyFile, KeyRing, Keys, Options};
use clap::{
    Arg, ArgAction, ArgMatches, FromArgMatches as _,
    error::{ContextKind, ContextValue, ErrorKind},
    parser::ValueSource,
};
use file::Given;
use gossip_config::Settings;
use std::{
    collections::{BTreeMap, HashSet},
    env,
    ffi::{OsStr, OsString},
    fmt,
    path::{Path, PathBuf},
    sync::Arc,
};

/// The flag that names the file, which is the only one without a key in it.
const FILE: &str = "config";
/// The flag that sets a knob, and its key, which is the table of the simulator's scenarios.
const KNOB: (&str, &str) = ("set", "config");
/// Flags of their own that stand for a knob.
const KNOBS_WITH_FLAGS: [(&str, &str); 2] =
    [("quarantine", "quarantine_ms"), ("max_datagram", "max_datagram")];

/// Where a value comes from, the weakest first.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(crate) enum Source {
    /// Nobody has said otherwise.
    Default,
    /// This line of the file.
    File(usize),
    /// The flag's variable.
    Environment,
    /// The command line.
    Flag,
}

impl Source {
    /// Flags before variables before the file: which line of it makes no difference.
    fn rank(self) -> u8 {
        match self {
            Self::Default => 0,
            Self::File(_) => 1,
            Self::Environment => 2,
            Self::Flag => 3,
        }
    }
}

impl fmt::Display for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Default => f.write_str("default"),
            Self::File(line) => write!(f, "file, line {line}"),
            Self::Environment => f.write_str("environment"),
            Self::Flag => f.write_str("flag"),
        }
    }
}

/// One value, as text.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct Value {
    pub(crate) text: OsString,
    pub(crate) from: Source,
}

impl Value {
    /// What stands before the first `=` of a value like `role=db`.
    fn name(&self) -> String {
        let text = self.text.to_string_lossy();
        text.split_once('=').map_or(&*text, |(name, _)| name).trim().to_owned()
    }
}

/// One thing that can be configured, and its values, of which there are several for a flag that may be given several times.
#[derive(Clone, Debug)]
pub(crate) struct Setting {
    /// In the file.
    pub(crate) key: String,
    /// With its dashes.
    pub(crate) flag: String,
    /// In the environment.
    pub(crate) variable: String,
    pub(crate) values: Vec<Value>,
    arg: Arg,
}

impl Setting {
    fn new(arg: &Arg) -> Option<Self> {
        let flag = arg.get_long().filter(|&flag| flag != FILE)?;
        let key = if flag == KNOB.0 { KNOB.1.to_owned() } else { flag.replace('-', "_") };
        let variable = variable(flag);
        Some(Self { key, flag: format!("--{flag}"), variable, values: Vec::new(), arg: arg.clone() })
    }

    fn is_list(&self) -> bool {
        matches!(self.arg.get_action(), ArgAction::Append)
    }

    /// Whether its values are like `role=db`: then each name in it is set alone, and a table in the file has them.
    fn is_table(&self) -> bool {
        self.arg.get_value_names().is_some_and(|names| names.iter().any(|name| name.contains('=')))
    }

    /// A switch that is off is the same as none.
    fn is_on(&self) -> bool {
        let is_off = |value: &Value| cli::is_switch(&self.arg) && value.text == "false";
        self.values.iter().any(|value| value.from != Source::Default && !is_off(value))
    }

    fn texts(&self) -> Vec<OsString> {
        self.values.iter().map(|value| value.text.clone()).collect()
    }

    fn rank(&self) -> u8 {
        self.values.iter().map(|value| value.from.rank()).max().unwrap_or(0)
    }

    /// Takes the values of all sources over, the weakest source first.
    fn take(&mut self, layers: [Vec<Value>; 3]) {
        for layer in layers {
            if layer.is_empty() {
                continue;
            }
            if self.is_table() {
                let names: HashSet<String> = layer.iter().map(Value::name).collect();
                self.values.retain(|value| !names.contains(&value.name()));
            } else {
                self.values.clear();
            }
            self.values.extend(layer);
        }
        if self.values.is_empty() {
            let defaults = self.arg.get_default_values().iter();
            self.values = defaults.map(|text| Value { text: text.into(), from: Source::Default }).collect();
        }
    }
}

/// The variable that stands for a flag, which is given without its dashes.
fn variable(flag: &str) -> String {
    format!("GOSSIP_{}", flag.replace('-', "_").to_uppercase())
}

/// All that can be configured, with nothing configured yet.
fn settings() -> Vec<Setting> {
    cli::run_command().get_arguments().filter_map(Setting::new).collect()
}

/// What a node runs with, and where each value of it comes from.
#[derive(Debug)]
pub(crate) struct Configuration {
    /// The same, parsed.
    pub(crate) args: RunArgs,
    pub(crate) settings: Vec<Setting>,
    flags: ArgMatches,
}

/// What the environment says, by variable.
pub(crate) type Variables<'v> = &'v dyn Fn(&str) -> Option<OsString>;

/// The environment of this process. A variable that is set to nothing counts as not set.
pub(crate) fn environment(variable: &str) -> Option<OsString> {
    env::var_os(variable).filter(|value| !value.is_empty())
}

/// The file that is named on the command line as `id`, or in the environment.
pub(crate) fn path(flags: &ArgMatches, id: &str, variables: Variables<'_>) -> Option<PathBuf> {
    let given = flags.get_one::<PathBuf>(id).cloned();
    given.or_else(|| variables(&variable(FILE)).map(PathBuf::from))
}

impl Configuration {
    /// Puts together what the command line, the environment and the file say.
    ///
    /// # Errors
    /// All that is wrong with the values of file and environment, each with its place; or what is missing.
    pub(crate) fn of(
        flags: &ArgMatches,
        path: Option<PathBuf>,
        variables: Variables<'_>,
    ) -> Result<Self, Wrong> {
        let given = path.as_deref().map_or_else(|| Ok(Vec::new()), file::read).map_err(Wrong)?;
        let mut settings = settings();
        let mut wrong = unknown_keys(&settings, &given, path.as_deref());
        let mut by_key: BTreeMap<String, Vec<Given>> = BTreeMap::new();
        given.into_iter().for_each(|given| by_key.entry(given.key.clone()).or_default().push(given));
        for setting in &mut settings {
            let in_file = by_key.remove(&setting.key).unwrap_or_default();
            let in_file = of_file(setting, in_file).unwrap_or_else(|(line, why)| {
                wrong.push(format!("{}: {}: {why}", place(path.as_deref(), line), setting.key));
                Vec::new()
            });
            let in_environment = of_environment(setting, variables);
            for value in in_file.iter().chain(&in_environment) {
                wrong.extend(refusal(setting, value, path.as_deref()));
            }
            setting.take([in_file, in_environment, of_flags(setting, flags)]);
        }
        if !wrong.is_empty() {
            return Err(Wrong(wrong.join("\n")));
        }
        drop_what_is_overruled(&mut settings);
        Ok(Self { args: parsed(&settings, path.as_deref())?, settings, flags: flags.clone() })
    }

    /// Where it comes from.
    pub(crate) fn origin(&self) -> Origin {
        Origin { flags: self.flags.clone(), path: self.args.config.clone() }
    }

    /// All that can be found to be wrong without starting a node. What is no hindrance is returned as warnings.
    ///
    /// # Errors
    /// No node could be started like that.
    pub(crate) fn check(&self) -> Result<Vec<String>, Wrong> {
        self.options_to_start()?.check().map_err(|error| {
            let error = in_options(error.into());
            Wrong(format!("{error:#}"))
        })?;
        Tags::of(&self.args.tag).map_err(Wrong)?;
        self.ring().transpose().map_err(Wrong)?;
        self.args.control.check()
    }

    /// The keys that their file has now, if there is one.
    pub(crate) fn ring(&self) -> Option<Result<KeyRing, String>> {
        let path = self.args.keys.as_ref()?;
        Some(KeyFile::new(path).load().map_err(|error| quoted(&with_sources(&error)).into_owned()))
    }

    /// The keys of settings whose values are other ones there.
    pub(crate) fn differences(&self, next: &Self) -> Vec<String> {
        let pairs = self.settings.iter().zip(&next.settings);
        pairs.filter(|(a, b)| a.texts() != b.texts()).map(|(setting, _)| setting.key.clone()).collect()
    }

    /// The values of a setting.
    pub(crate) fn texts(&self, key: &str) -> Vec<OsString> {
        let setting = self.settings.iter().find(|setting| setting.key == key);
        setting.map(Setting::texts).unwrap_or_default()
    }

    /// Takes over what now counts of another configuration; the rest counts after a restart.
    pub(crate) fn take_over(&mut self, next: Self, keys: &[String]) {
        for (setting, other) in self.settings.iter_mut().zip(next.settings) {
            if keys.contains(&setting.key) {
                *setting = other;
            }
        }
        if let Ok(args) = parsed(&self.settings, self.args.config.as_deref()) {
            self.args = args;
        }
    }

    /// What the library takes.
    ///
    /// # Errors
    /// A value is out of range, or two contradict each other.
    pub(crate) fn options(&self) -> Result<Options, Wrong> {
        let args = &self.args;
        let cluster = ClusterName::named(&args.cluster).map_err(|error| Wrong(error.to_string()))?;
        let configured = args.knobs.of(cluster).map_err(|Wrong(why)| match self.place_of_knob(&why) {
            Some(place) => Wrong(format!("{place}: {why}")),
            None => Wrong(why),
        });
        let (config, capacity) = configured?;
        Ok(Options::new(args.name.clone(), config).with(|o| {
            o.capacity = capacity;
            o.bind = args.bind;
            o.advertise = args.advertise;
            o.seeds = args.join.clone();
            o.awaits_seeds = args.discovery.has_any();
            o.locality = args.locality.numbers;
            o.epoch_file = args.epoch_file.clone();
            o.view_file = args.view_file.clone();
            o.keys = args.keys.as_ref().map(|path| Arc::new(KeyFile::new(path)) as Arc<dyn Keys>);
            o.sealing = Some(args.sealing());
        }))
    }

    /// Where the knob was set of which something is said, its name first.
    fn place_of_knob(&self, said: &str) -> Option<String> {
        let knobs = self.settings.iter().filter(|setting| setting.key == KNOB.1);
        let value = knobs.flat_map(|setting| &setting.values).find(|value| {
            said.strip_prefix(value.name().as_str()).is_some_and(|rest| rest.starts_with(' '))
        })?;
        match value.from {
            Source::File(line) => Some(place(self.args.config.as_deref(), line)),
            Source::Environment => Some(variable(KNOB.0)),
            Source::Flag | Source::Default => None,
        }
    }
}

/// Where a configuration comes from, beside the environment.
pub(crate) struct Origin {
    flags: ArgMatches,
    path: Option<PathBuf>,
}

impl Origin {
    /// The configuration, with the file as it is now.
    ///
    /// # Errors
    /// No node could be started like that, or it is no file that stays: a pipe would hold up the reader until somebody writes.
    pub(crate) fn again(self) -> Result<Configuration, Wrong> {
        if let Some(path) = self.path.as_deref().filter(|path| path.exists() && !path.is_file()) {
            return Err(Wrong(format!(
                "{} can be read only once: give a regular file with --config to have it read again",
                path.display()
            )));
        }
        let again = Configuration::of(&self.flags, self.path, &environment)?;
        again.options()?;
        Tags::of(&again.args.tag).map_err(Wrong)?;
        Ok(again)
    }
}

fn place(path: Option<&Path>, line: usize) -> String {
    format!("{}, line {line}", path.map_or_else(|| "file".into(), |path| path.display().to_string()))
}

fn of_file(setting: &Setting, given: Vec<Given>) -> Result<Vec<Value>, (usize, String)> {
    let allowed = if setting.is_list() { usize::MAX } else { 1 };
    if let Some(second) = given.get(allowed) {
        return Err((second.line, "takes one value, and no list".to_owned()));
    }
    let value = |Given { name, text, line, .. }| match name {
        Some(name) if setting.is_table() => {
            Ok(Value { text: format!("{name}={text}").into(), from: Source::File(line) })
        }
        Some(_) => Err((line, "is no table".to_owned())),
        None => Ok(Value { text: text.into(), from: Source::File(line) }),
    };
    given.into_iter().map(value).collect()
}

/// Of what may be given several times, each line of the variable is one; where a flag takes lists with commas, so does it.
fn of_environment(setting: &Setting, variables: Variables<'_>) -> Vec<Value> {
    let Some(text) = variables(&setting.variable) else { return Vec::new() };
    let comma = setting.arg.get_value_delimiter();
    let single = |text: OsString| Value { text, from: Source::Environment };
    match text.to_str() {
        Some(text) if setting.is_list() => {
            let parts = text.split(|c| c == '\n' || Some(c) == comma).map(str::trim);
            parts.filter(|part| !part.is_empty()).map(|part| single(part.into())).collect()
        }
        _ => vec![single(text)],
    }
}

fn of_flags(setting: &Setting, flags: &ArgMatches) -> Vec<Value> {
    let id = setting.arg.get_id();
    let is_given = flags.ids().any(|known| known == id)
        && flags.value_source(id.as_str()) == Some(ValueSource::CommandLine);
    let texts = is_given.then(|| flags.get_raw(id.as_str())).flatten();
    texts.into_iter().flatten().map(|text| Value { text: text.into(), from: Source::Flag }).collect()
}

fn argument(setting: &Setting, text: &OsStr) -> OsString {
    joined(&setting.flag, text)
}

/// `--flag=value`.
fn joined(flag: &str, text: &OsStr) -> OsString {
    let mut argument = OsString::from(flag);
    argument.push("=");
    argument.push(text);
    argument
}

/// Why the flag's parser does not take a value.
fn refusal(setting: &Setting, value: &Value, path: Option<&Path>) -> Option<String> {
    let command = cli::run_command().mut_args(|arg| arg.required(false));
    let error =
        command.try_get_matches_from([OsString::from("run"), argument(setting, &value.text)]).err()?;
    let place = match value.from {
        Source::File(line) => format!("{}: {}", place(path, line), setting.key),
        _ => setting.variable.clone(),
    };
    Some(format!("{place}: {}", advice(setting, value, &error)))
}

/// What is wrong with a value, without the words of a command line.
fn advice(setting: &Setting, value: &Value, error: &clap::Error) -> String {
    let text = value.text.to_string_lossy();
    let shown = quoted(&text);
    let knobs = knobs();
    let name = value.name();
    if setting.key == KNOB.1 && !name.contains('.') && text.contains('=') && !knobs.contains(&name) {
        return format!("there is no knob {}: did you mean {}?", quoted(&name), nearest(&name, &knobs));
    }
    match (error.kind(), std::error::Error::source(error)) {
        // What is wrong with a knob takes several lines.
        (ErrorKind::ValueValidation, Some(why)) if setting.key == KNOB.1 => {
            format!("'{shown}': {}", printable(&why.to_string()))
        }
        (ErrorKind::ValueValidation, Some(why)) => format!("'{shown}': {}", quoted(&why.to_string())),
        _ => {
            let choices = setting.arg.get_possible_values();
            let choices: Vec<&str> = choices.iter().map(|choice| choice.get_name()).collect();
            format!("'{shown}' is none of {}", choices.join(", "))
        }
    }
}

/// All knobs, by the names that the parser of one says it knows.
fn knobs() -> Vec<String> {
    let refused = "?=0".parse::<Settings>().err().map(|error| error.to_string()).unwrap_or_default();
    refused.split('`').skip(1).step_by(2).filter(|name| *name != "?").map(str::to_owned).collect()
}

fn nearest(word: &str, known: &[String]) -> String {
    let distance = |name: &&String| strsim::damerau_levenshtein(word, name);
    known.iter().min_by_key(distance).cloned().unwrap_or_default()
}

fn unknown_keys(settings: &[Setting], given: &[Given], path: Option<&Path>) -> Vec<String> {
    let mut known: Vec<String> = settings.iter().map(|setting| setting.key.clone()).collect();
    let unknown: Vec<&Given> = given.iter().filter(|given| !known.contains(&given.key)).collect();
    let knobs = knobs();
    known.extend(knobs.iter().cloned());
    let said = |given: &&Given| {
        let (key, near) = (quoted(&given.key), nearest(&given.key, &known));
        let place = place(path, given.line);
        if settings.iter().any(|setting| setting.key == near) {
            format!("{place}: there is no key {key}: did you mean {near}?")
        } else {
            format!("{place}: there is no key {key}: did you mean {near}, in the table [{}]?", KNOB.1)
        }
    };
    unknown.iter().map(said).collect()
}

/// Takes out what a stronger source has said otherwise under another name.
fn drop_what_is_overruled(settings: &mut [Setting]) {
    let command = cli::run_command();
    let on: Vec<(Arg, u8)> =
        settings.iter().filter(|setting| setting.is_on()).map(|s| (s.arg.clone(), s.rank())).collect();
    let excludes = |one: &Arg, other: &Arg| {
        command.get_arg_conflicts_with(one).iter().any(|excluded| excluded.get_id() == other.get_id())
    };
    let knobs = settings.iter().find(|setting| setting.key == KNOB.1).map(|knobs| knobs.values.clone());
    for setting in settings.iter_mut() {
        let rank = setting.rank();
        let is_excluded = on.iter().any(|(other, stronger)| {
            *stronger > rank && (excludes(other, &setting.arg) || excludes(&setting.arg, other))
        });
        let knob = KNOBS_WITH_FLAGS.iter().find(|(key, _)| *key == setting.key).map(|(_, knob)| *knob);
        let is_set = knobs
            .iter()
            .flatten()
            .any(|value| Some(value.name().as_str()) == knob && value.from.rank() > rank);
        if is_excluded || is_set {
            setting.values.clear();
        }
    }
}

fn parsed(settings: &[Setting], path: Option<&Path>) -> Result<RunArgs, Wrong> {
    let file = path.map(|path| joined(&format!("--{FILE}"), path.as_os_str()));
    let given = settings.iter().filter(|setting| setting.is_on());
    let given = given.flat_map(|setting| setting.values.iter().map(|value| argument(setting, &value.text)));
    let said = |error: clap::Error| Wrong(without_usage(settings, &error));
    let matches = cli::run_command()
        .try_get_matches_from([OsString::from("gossip run")].into_iter().chain(file).chain(given));
    RunArgs::from_arg_matches(&matches.map_err(said)?).map_err(said)
}

/// What is missing, or contradicts itself. How a command line is written does not belong to it: it may be said elsewhere.
fn without_usage(settings: &[Setting], error: &clap::Error) -> String {
    if let (ErrorKind::MissingRequiredArgument, Some(ContextValue::Strings(missing))) =
        (error.kind(), error.get(ContextKind::InvalidArg))
    {
        let is_missing = |setting: &&Setting| missing.iter().any(|arg| arg.starts_with(&setting.flag));
        let advice = |Setting { key, flag, variable, .. }: &Setting| {
            format!("there is no {key}: give {flag} or {variable}, or {key} in a file of --{FILE}")
        };
        return settings.iter().filter(is_missing).map(advice).collect::<Vec<_>>().join("\n");
    }
    let text = error.render().to_string();
    let text = text.split("\n\nUsage:").next().unwrap_or_default();
    text.trim_start_matches("error: ").trim_end().to_owned()
}

#[cfg(test)]
mod tests;
