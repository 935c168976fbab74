//! `gossip keys`: files of a cluster's keys; and the modes of sealing as they are given.

use crate::{
    UNWRITABLE,
    cli::keys::{FileArgs, KeyArgs, KeysCommand},
    client, entropy,
    output::unbuffered,
    print::{self, printable, quoted, with_sources},
    wrong::Wrong,
};
use adapter_tokio::{KeyError, KeyFile, KeyFileError, KeyId, Keys as _, KeysError, Sealing, SealingKey};
use anyhow::{Context as _, Error, Result};
use clap::ValueEnum;
use serde::Serialize;
use std::{
    io::{self, Read, Write as _},
    path::PathBuf,
};
use zeroize::Zeroizing;

/// The most bytes read of standard input: many times a key.
const MAX_INPUT: usize = 1 << 10;
/// How many keys are made to find one whose id no other key of the file has: of 127 ids, three are taken at the most.
const TRIES: usize = 64;
/// What stands for standard input.
const STDIN: &str = "-";

/// Carries out one command.
///
/// # Errors
/// The file or the key cannot be used, which is [`Wrong`], or the file cannot be written. It is as it was then.
pub(crate) async fn execute(command: KeysCommand) -> Result<()> {
    match command {
        KeysCommand::Status { agent } => client::keys(&agent).await,
        KeysCommand::Reload { force, agent } => client::reload_keys(force, &agent).await,
        KeysCommand::Generate { output: None, json } => {
            let key = generated()?;
            if !json {
                return writeln!(io::stdout(), "{}", *key).context(UNWRITABLE);
            }
            let id = SealingKey::parse(&key)?.id().to_string();
            let text = Zeroizing::new(serde_json::to_string(&Generated { key: &key, id })?);
            writeln!(io::stdout(), "{}", *text).context(UNWRITABLE)
        }
        KeysCommand::Generate { output: Some(file), json } => {
            if file.symlink_metadata().is_ok() {
                let path = file.display();
                return Err(Wrong(format!("there is {path} already: name a new file, or add a key to this one with `gossip keys add`")).into());
            }
            KeyFile::new(&file).add(&generated()?).map_err(|error| refused(error.into()))?;
            show(&FileArgs { file, json })
        }
        KeysCommand::Show(args) => show(&args),
        KeysCommand::Check(args) => check(&args),
        KeysCommand::Add { file, key, generate } => {
            let keys = KeyFile::new(&file.file);
            let added = if generate { add_new(&keys)? } else { keys.add(&given(&key)?) };
            added.map_err(|error| refused(error.into()))?;
            show(&file)
        }
        KeysCommand::Promote(args) => change(&args, KeyFile::promote),
        KeysCommand::Remove(args) => change(&args, KeyFile::remove),
    }
}

/// How far a cluster is on its way from clear to sealed.
#[derive(Clone, Copy, PartialEq, Eq, Debug, ValueEnum)]
pub(crate) enum SealingArg {
    /// Speak and hear in the clear alone; keys wait.
    Off,
    /// Speak in the clear, hear both.
    Accept,
    /// Speak sealed, hear both.
    Prefer,
    /// Speak and hear sealed alone.
    Require,
}

impl SealingArg {
    /// Whether a node without keys cannot be in this mode.
    pub(crate) fn needs_keys(self) -> bool {
        self != Self::Off
    }
}

impl From<SealingArg> for Sealing {
    fn from(arg: SealingArg) -> Self {
        match arg {
            SealingArg::Off => Self::Off,
            SealingArg::Accept => Self::Accept,
            SealingArg::Prefer => Self::Prefer,
            SealingArg::Require => Self::Require,
        }
    }
}

/// What `generate --json` prints.
#[derive(Serialize)]
struct Generated<'k> {
    key: &'k str,
    id: String,
}

/// What is printed of a file as JSON.
#[derive(Debug, Serialize)]
struct Report {
    file: PathBuf,
    /// Whether a node can use it.
    ok: bool,
    /// If not: why.
    error: Option<String>,
    keys: Vec<ReportedKey>,
}

#[derive(Debug, Serialize)]
struct ReportedKey {
    id: String,
    /// Whether it is the first, which seals; all open.
    seals: bool,
}

impl Report {
    fn of(args: &FileArgs) -> Result<Self, KeysError> {
        let ring = KeyFile::new(&args.file).load()?;
        let keys = ring.ids().enumerate().map(|(at, id)| ReportedKey { id: id.to_string(), seals: at == 0 });
        Ok(Self { file: args.file.clone(), ok: true, error: None, keys: keys.collect() })
    }
}

/// Prints the ids of the keys, the first one first.
fn show(args: &FileArgs) -> Result<()> {
    let report = Report::of(args).map_err(refused)?;
    if args.json {
        return print::print_json(&report).context(UNWRITABLE);
    }
    let row = |key: &ReportedKey| {
        let does = if key.seals { "seals, opens" } else { "opens" };
        writeln!(io::stdout(), "{}  {does}", key.id)
    };
    report.keys.iter().try_for_each(row).context(UNWRITABLE)
}

fn check(args: &FileArgs) -> Result<()> {
    let checked = Report::of(args).map_err(refused);
    if args.json {
        let report = match &checked {
            Ok(report) => return print::print_json(report).context(UNWRITABLE),
            Err(error) => {
                let error = Some(error.to_string());
                Report { file: args.file.clone(), ok: false, error, keys: Vec::new() }
            }
        };
        print::print_json(&report).context(UNWRITABLE)?;
    }
    let report = checked?;
    let first = report.keys.first().map(|key| key.id.as_str()).unwrap_or_default();
    let keys = match report.keys.len() {
        1 => "one key".to_owned(),
        n => format!("{n} keys"),
    };
    let text = format!("a node can use {}: it has {keys}, and {first} seals", report.file.display());
    writeln!(io::stdout(), "{}", printable(&text)).context(UNWRITABLE)
}

/// Changes a file by a key's id, and shows what it has then.
fn change(args: &KeyArgs, change: impl FnOnce(&KeyFile, KeyId) -> Result<(), KeyFileError>) -> Result<()> {
    let KeyArgs { file: args, id } = args;
    let file = KeyFile::new(&args.file);
    let ring = file.load().map_err(refused)?;
    let ids: Vec<KeyId> = ring.ids().collect();
    let found = match (id, ids.as_slice()) {
        (None, [_, second]) => Some(*second),
        (None, _) => None,
        (Some(id), ids) => ids.iter().copied().find(|known| known.to_string().eq_ignore_ascii_case(id)),
    };
    let found = found.ok_or_else(|| {
        let known: Vec<String> = ids.iter().map(KeyId::to_string).collect();
        let (path, known) = (args.file.display(), known.join(", "));
        let why = id.as_ref().map_or_else(
            || "which key is meant is not said".to_owned(),
            |id| match id.contains("gossip-key-") {
                true => "a key is named by its id, and never by itself".to_owned(),
                false => format!("there is no key '{}'", quoted(id)),
            },
        );
        Wrong(format!("the key file {path}: {why}: give the id of one that it has, {known}"))
    })?;
    change(&file, found).map_err(|error| refused(error.into()))?;
    show(args)
}

/// A new key.
///
/// # Errors
/// The system has no entropy to give.
pub(crate) fn new_key() -> Result<SealingKey> {
    Ok(SealingKey::parse(&generated()?)?)
}

/// The same as it is written.
fn generated() -> Result<Zeroizing<String>> {
    entropy::secret("gossip-key-1-")
}

/// Adds a new key whose id no other key of the file has.
fn add_new(file: &KeyFile) -> Result<Result<(KeyId, bool), KeyFileError>> {
    let mut added = file.add(&generated()?);
    for _ in 1..TRIES {
        match added {
            Err(KeyFileError::Added { error: KeyError::SameId(_), .. }) => added = file.add(&generated()?),
            _ => break,
        }
    }
    Ok(added)
}

/// The key as it was given: on the command line, or on standard input.
fn given(key: &str) -> Result<Zeroizing<String>> {
    if key != STDIN {
        return Ok(Zeroizing::new(key.to_owned()));
    }
    // It never grows, and the standard library's own buffer is not used: either would leave a copy behind.
    let mut bytes = Zeroizing::new(Vec::with_capacity(MAX_INPUT + 1));
    unbuffered(&io::stdin())
        .context("there is no standard input")?
        .take(MAX_INPUT as u64)
        .read_to_end(&mut bytes)
        .context("cannot read the key from standard input")?;
    let text = str::from_utf8(&bytes).unwrap_or_default();
    if text.trim().is_empty() {
        let advice = "standard input has no key: give one there, or --generate to have a new one made";
        return Err(Wrong(advice.to_owned()).into());
    }
    Ok(Zeroizing::new(text.to_owned()))
}

/// What is said of a file that cannot be used. All but what the system does not let happen is [`Wrong`].
fn refused(error: KeysError) -> Error {
    match error {
        KeysError::File(KeyFileError::Write { .. }) => Error::new(error),
        error => Wrong(quoted(&with_sources(&error)).into_owned()).into(),
    }
}
