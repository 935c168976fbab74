//! Seeds that are found while the node runs: by SRV records, in a file, and by a command.
//!
//! A thread of its own looks for them, so that neither DNS nor a command holds up the node. What is new goes to the library as
//! further seeds, which forgets the oldest where there are more than it keeps.

use crate::{
    print::with_sources,
    process::shell::{Ended, Failed, Reads, Shell},
};
use adapter_tokio::{Handle, Seed};
use anyhow::{Context as _, Result};
use clap::Args;
use hickory_resolver::{
    Resolver, TokioResolver,
    config::{ConnectionConfig, NameServerConfig, ResolverConfig},
    net::runtime::TokioRuntimeProvider,
    proto::rr::RData,
};
use std::{
    collections::HashSet,
    fs, io,
    net::SocketAddr,
    path::{Path, PathBuf},
    thread,
    time::{Duration, SystemTime},
};
use tokio::{runtime::Builder, sync::mpsc, time::sleep};

/// Seeds taken of one source, as many as the library keeps.
const MAX_SEEDS: usize = 64;
/// Bytes taken of a file or a command.
const MAX_BYTES: usize = 64 * 1_024;
/// How long a command may take.
const COMMAND_LIMIT: Duration = Duration::from_secs(10);
/// How often a file is looked at.
const FILE_WAIT: Duration = Duration::from_secs(1);
/// The first wait before a source is asked again, doubled up to [`MAX_WAIT`] while the node knows no member.
const MIN_WAIT: Duration = Duration::from_secs(1);
const MAX_WAIT: Duration = Duration::from_secs(60);
/// The wait while all is well.
const JOINED_WAIT: Duration = Duration::from_secs(300);
/// Warnings that wait to be printed; what does not fit is told at the next failure of another kind.
const MAX_WARNINGS: usize = 16;

/// What `gossip run` takes to find seeds.
#[derive(Debug, Args)]
#[command(next_help_heading = "Seeds")]
pub(crate) struct DiscoveryArgs {
    /// A name whose SRV records are seeds, as _gossip._udp.example.org; may be given several times, or with commas.
    ///
    /// It is looked up again after 1 s to 60 s while no member is known, and every 5 minutes after that.
    #[arg(long, value_name = "NAME", value_delimiter = ',')]
    pub(crate) join_srv: Vec<String>,

    /// The DNS server to ask for SRV records. [default: those of /etc/resolv.conf]
    #[arg(long, value_name = "IP:PORT", value_parser = crate::cli::arguments::address)]
    pub(crate) dns: Option<SocketAddr>,

    /// A file of seeds, one HOST:PORT a line, with comments behind #. It is read again when it changes.
    #[arg(long, value_name = "PATH")]
    pub(crate) join_file: Option<PathBuf>,

    /// A command that prints seeds like such a file; it has 10 s, and is run again as often as SRV records are looked up.
    #[arg(long, value_name = "COMMAND")]
    pub(crate) join_command: Option<String>,
}

impl DiscoveryArgs {
    /// Whether there is anywhere to look.
    pub(crate) fn has_any(&self) -> bool {
        !self.join_srv.is_empty() || self.join_file.is_some() || self.join_command.is_some()
    }
}

/// Where to look for seeds.
enum Source {
    Srv { name: String, resolver: Box<TokioResolver> },
    File { path: PathBuf, seen: Option<(SystemTime, u64)> },
    Command(String),
}

/// Starts to look for seeds, for as long as the process lives. What comes out is to be warned of.
///
/// # Errors
/// There are no threads left, or the system's DNS configuration cannot be read.
pub(crate) fn start(args: &DiscoveryArgs, handle: &Handle) -> Result<mpsc::Receiver<String>> {
    let (warn, warnings) = mpsc::channel(MAX_WARNINGS);
    if !args.has_any() {
        return Ok(warnings);
    }
    let runtime = Builder::new_current_thread().enable_all().build()?;
    let file = args.join_file.clone().map(|path| Source::File { path, seen: None });
    let command = args.join_command.clone().map(Source::Command);
    let mut sources: Vec<Source> = file.into_iter().chain(command).collect();
    for name in &args.join_srv {
        let _within = runtime.enter();
        sources.push(Source::Srv { name: name.clone(), resolver: Box::new(resolver(args.dns)?) });
    }
    let handle = handle.clone();
    let look = move || {
        runtime.block_on(async {
            let sources = sources.into_iter().map(|source| follow(source, handle.clone(), warn.clone()));
            futures_util::future::join(meet(&handle), futures_util::future::join_all(sources)).await;
        });
    };
    thread::Builder::new()
        .name("gossip-seeds".to_owned())
        .spawn(look)
        .context("cannot start the thread that looks for seeds")?;
    Ok(warnings)
}

fn resolver(server: Option<SocketAddr>) -> Result<TokioResolver> {
    let builder = match server {
        None => TokioResolver::builder_tokio()
            .context("cannot read how names are looked up here (give --dns IP:PORT)")?,
        Some(server) => {
            let connections = [ConnectionConfig::udp(), ConnectionConfig::tcp()];
            let connections = connections.into_iter().map(|mut connection| {
                connection.port = server.port();
                connection
            });
            let server = NameServerConfig::new(server.ip(), true, connections.collect());
            let config = ResolverConfig::from_parts(None, Vec::new(), vec![server]);
            Resolver::builder_with_config(config, TokioRuntimeProvider::default())
        }
    };
    Ok(builder.build()?)
}

/// Joins through whoever has found this node before it has found a seed, so that its view becomes complete.
async fn meet(handle: &Handle) {
    while !handle.is_joined() {
        let met = handle.members().into_iter().find(|member| member.status().is_live());
        handle.join(met.map(|member| Seed::from(member.address())));
        sleep(MIN_WAIT).await;
    }
}

/// Looks again and again.
async fn follow(mut source: Source, handle: Handle, warn: mpsc::Sender<String>) {
    let (mut known, mut told, mut wait) = (HashSet::new(), None, MIN_WAIT);
    loop {
        let failure = match source.look().await {
            Ok(None) => told.clone(),
            Ok(Some(seeds)) => {
                let new: Vec<Seed> = seeds.iter().filter(|seed| !known.contains(*seed)).cloned().collect();
                known = seeds.into_iter().collect();
                if !new.is_empty() {
                    handle.join(new);
                }
                None
            }
            Err(why) => Some(why),
        };
        if let Some(why) = failure.as_ref().filter(|why| told.as_ref() != Some(why)) {
            // Where many warnings wait already, this one is for the log of another time.
            let _ = warn.try_send(format!("{source}: {why}; it will be tried again"));
        }
        told = failure;
        sleep(source.wait(wait, !handle.is_empty())).await;
        wait = (wait * 2).min(MAX_WAIT);
    }
}

impl Source {
    fn wait(&self, wait: Duration, has_members: bool) -> Duration {
        match self {
            Self::File { .. } => FILE_WAIT,
            _ if has_members => JOINED_WAIT,
            _ => wait,
        }
    }

    /// The seeds that there are now; none, if nothing has changed since the last time.
    async fn look(&mut self) -> Result<Option<Vec<Seed>>, String> {
        match self {
            Self::Srv { name, resolver } => srv(name, resolver).await.map(Some),
            Self::Command(command) => parse(&run(command).await?).map(Some),
            Self::File { path, seen } => {
                let file = fs::metadata(&*path).map_err(|error| error.to_string())?;
                if !file.is_file() {
                    // A pipe would hold up all that looks for seeds until somebody writes to it.
                    return Err("is no regular file".to_owned());
                }
                let now = (file.modified().map_err(|error| error.to_string())?, file.len());
                if *seen == Some(now) {
                    return Ok(None);
                }
                let seeds = read(path)?;
                // What could not be read is no change of the file, and is read once it can be.
                *seen = Some(now);
                Ok(Some(seeds))
            }
        }
    }
}

impl std::fmt::Display for Source {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Srv { name, .. } => write!(f, "{name} (--join-srv)"),
            Self::File { path, .. } => write!(f, "{} (--join-file)", path.display()),
            Self::Command(command) => write!(f, "{command} (--join-command)"),
        }
    }
}

fn read(path: &Path) -> Result<Vec<Seed>, String> {
    let mut text = String::new();
    let read = fs::File::open(path).and_then(|file| {
        io::Read::read_to_string(&mut io::Read::take(file, MAX_BYTES as u64 + 1), &mut text)
    });
    if read.map_err(|error| error.to_string())? > MAX_BYTES {
        return Err(format!("has more than {MAX_BYTES} bytes"));
    }
    parse(&text)
}

/// Seeds, one a line. One that is wrong makes all of them wrong, so that half of a file that is being written is not taken.
fn parse(text: &str) -> Result<Vec<Seed>, String> {
    let mut seeds = Vec::new();
    for (at, line) in text.lines().enumerate() {
        let seed = line.split('#').next().unwrap_or_default().trim();
        if !seed.is_empty() {
            seeds.push(seed.parse().map_err(|error| format!("line {}: {error}", at + 1))?);
        }
    }
    if seeds.len() > MAX_SEEDS {
        return Err(format!("has {} seeds: {MAX_SEEDS} are enough", seeds.len()));
    }
    Ok(seeds)
}

/// The addresses that a name's SRV records lead to.
async fn srv(name: &str, resolver: &TokioResolver) -> Result<Vec<Seed>, String> {
    let found = resolver.srv_lookup(name).await.map_err(|error| with_sources(&error))?;
    let (mut seeds, mut failure) = (Vec::new(), None);
    for record in found.answers() {
        let RData::SRV(srv) = &record.data else { continue };
        match resolver.lookup_ip(srv.target.clone()).await {
            Ok(addresses) => {
                seeds.extend(addresses.iter().map(|ip| Seed::from(SocketAddr::from((ip, srv.port)))))
            }
            Err(error) => failure = Some(format!("{}: {}", srv.target, with_sources(&error))),
        }
        if seeds.len() >= MAX_SEEDS {
            break;
        }
    }
    seeds.truncate(MAX_SEEDS);
    match failure {
        Some(why) if seeds.is_empty() => Err(why),
        _ => Ok(seeds),
    }
}

/// What a command prints.
async fn run(command: &str) -> Result<String, String> {
    match Shell::new(command).run(COMMAND_LIMIT, Reads::Output(MAX_BYTES)).await {
        Ok(Ended { status, printed }) if status.success() => {
            String::from_utf8(printed).map_err(|_| "prints what is no UTF-8".to_owned())
        }
        Ok(Ended { status, .. }) => Err(format!("failed with {status}")),
        Err(Failed::Io(error)) => Err(format!("cannot be run: {error}")),
        Err(Failed::TooLong) => Err(format!("takes longer than {} s", COMMAND_LIMIT.as_secs())),
        Err(Failed::TooMuch) => Err(format!("prints more than {MAX_BYTES} bytes")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn seeds_stand_one_a_line_and_one_that_is_wrong_is_named() {
        let seeds = parse("# all of them\n10.0.0.1:7946\n\n a.example:1 # the old one\n").unwrap();
        assert_eq!(
            seeds.iter().map(ToString::to_string).collect::<Vec<_>>(),
            ["10.0.0.1:7946", "a.example:1"]
        );
        assert!(parse("10.0.0.1:7946\n10.0.0.2").unwrap_err().starts_with("line 2: a seed is HOST:PORT"));
        let many: String = (0..=MAX_SEEDS).map(|n| format!("host-{n}:1\n")).collect();
        assert!(parse(&many).unwrap_err().contains("65 seeds"));
        assert!(read(Path::new("/dev/zero")).unwrap_err().contains("more than 65536 bytes"));
    }

    #[tokio::test]
    async fn a_file_that_could_not_be_read_is_read_once_it_can_be() {
        let directory = tempfile::TempDir::new().unwrap();
        let path = directory.path().join("seeds");
        let mut source = Source::File { path: path.clone(), seen: None };
        let write = |text: &str| {
            fs::write(&path, text).unwrap();
            fs::File::options()
                .write(true)
                .open(&path)
                .unwrap()
                .set_modified(SystemTime::UNIX_EPOCH)
                .unwrap();
        };
        write("10.0.0.1:x");
        assert!(source.look().await.unwrap_err().contains("line 1"));
        write("10.0.0.1:1");
        assert_eq!(source.look().await.unwrap().unwrap().len(), 1);
        assert_eq!(source.look().await, Ok(None), "nothing has changed");
    }

    #[tokio::test]
    async fn a_pipe_is_no_file_of_seeds_and_holds_up_nobody() {
        let directory = tempfile::TempDir::new().unwrap();
        let path = directory.path().join("pipe");
        assert!(std::process::Command::new("mkfifo").arg(&path).status().unwrap().success());
        let mut source = Source::File { path, seen: None };
        assert!(source.look().await.unwrap_err().contains("no regular file"));
    }

    #[tokio::test]
    async fn a_command_is_bounded_in_what_it_prints_and_told_of_when_it_fails() {
        assert_eq!(run("echo a:1").await.unwrap(), "a:1\n");
        assert_eq!(
            run("echo a:1; sleep 20 &").await.unwrap(),
            "a:1\n",
            "whoever holds its output, it has ended"
        );
        assert!(run("exit 4").await.unwrap_err().contains("exit status: 4"));
        assert!(run("yes").await.unwrap_err().contains("prints more than 65536 bytes"));
    }
}
