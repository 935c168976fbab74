//! The command line: what can be asked for, and the help that says how.

pub(crate) mod arguments;
pub(crate) mod identity;
pub(crate) mod keys;

use crate::{
    client::ClientCommand,
    configuration::knobs::Knobs,
    keys::SealingArg,
    locality::{self, Place},
    output::{handlers::HandlerArgs, logs::LogArgs},
    run::adapter::Adapter,
    seeds::discovery::DiscoveryArgs,
};
use adapter_tokio::{Sealing, Seed};
use clap::{
    Arg, ArgAction, Args, CommandFactory as _, Parser, Subcommand,
    builder::{BoolishValueParser, Resettable},
};
use std::{net::SocketAddr, path::PathBuf};

/// Runs nodes that find each other, notice each other's deaths and spread news, with no server in the middle.
#[derive(Debug, Parser)]
#[command(
    name = "gossip",
    version,
    after_help = "\
Start with `gossip demo`. Then, in two terminals:
  gossip run --name a --cluster test --bind 127.0.0.1:7946
  gossip run --name b --cluster test --bind 127.0.0.1:7947 --join 127.0.0.1:7946
Stop the second one with Ctrl-C: the first one says that it has left. In another terminal:
  gossip members

Exit status of the commands that ask a running agent: 0 if it did what was asked; 1 if it refuses, cannot be reached or does not \
answer; 2 for wrong arguments."
)]
pub(crate) struct Cli {
    #[command(subcommand)]
    pub(crate) command: Command,
}

/// What can be asked for.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Runs one node, and prints the members' comings and goings until Ctrl-C.
    Run(Box<RunArgs>),
    /// Prints the id that a node's name stands for, as the other commands print it.
    Id {
        /// The node's name, as given to `gossip run --name`.
        #[arg(value_parser = arguments::name)]
        name: String,
    },
    /// Starts a cluster on this machine, breaks and mends it, and says how long everything took.
    Demo(DemoArgs),
    /// Says what `gossip run` would run with, and where each value comes from; takes the flags of `gossip run`, too.
    CheckConfig(CheckArgs),
    /// Makes a cluster's keys, and changes the files that they are in.
    ///
    /// A cluster whose nodes have a key seals its datagrams with it. A file has one key a line, at most four: the first seals, all
    /// open. Only its owner may read it. It is the same on all nodes of a cluster.
    #[command(after_help = "\
To rotate a key, go through all nodes with each of these steps, and have the nodes read their files again after each:
  gossip keys add FILE        the new key, which all open from now on
  gossip keys promote FILE    the new key seals
  gossip keys remove FILE     the old key is gone

Exit status: 0 if it is done, 1 if the file cannot be written, 2 if what is given is wrong; the file is as it was then.")]
    Keys {
        #[command(subcommand)]
        command: keys::KeysCommand,
    },
    /// Makes the keys that nodes sign with, certifies them, and shows their public side.
    ///
    /// A cluster's key tells members from others. A node's own key, given to `gossip run --identity`, tells members from
    /// each other. A file has one signing key, and, where an authority vouches for the node, its certificate on another line. Only its
    /// owner may read it, and each node has its own.
    #[command(after_help = "\
Exit status: 0 if it is done, 1 if the file cannot be written, 2 if what is given is wrong or not trusted; nothing has changed then.")]
    Identity {
        #[command(subcommand)]
        command: identity::IdentityCommand,
    },
    #[command(flatten)]
    Client(ClientCommand),
    /// Prints a script that completes this program's arguments in a shell.
    Completions {
        /// Which shell.
        shell: clap_complete::Shell,
    },
    /// Prints the manual page of this program, or writes those of all commands.
    Man {
        /// A directory to write the pages of this program and of each of its commands to.
        #[arg(long, value_name = "DIRECTORY")]
        all: Option<PathBuf>,
    },
}

/// What `gossip check-config` takes, beside all that `gossip run` takes.
#[derive(Debug, Args)]
#[command(after_help = "\
Exit status: 0 if a node can be started like this, 2 if not; what is wrong is said with its place.")]
pub(crate) struct CheckArgs {
    /// The file, as given to `gossip run --config`. [default: that of GOSSIP_CONFIG, or none]
    #[arg(value_name = "FILE")]
    pub(crate) file: Option<PathBuf>,

    /// Print one JSON object.
    #[arg(long = "json")]
    pub(crate) as_json: bool,
}

/// The whole command line. What `gossip run` needs may be said elsewhere than there, so that nothing is missing yet.
pub(crate) fn command() -> clap::Command {
    let flags: Vec<Arg> = run_command().get_arguments().cloned().collect();
    let flags = flags.into_iter().filter(|flag| flag.get_id() != "json" && flag.get_id() != "config");
    let flags: Vec<Arg> = flags.map(|flag| flag.required(false).hide(true)).collect();
    Cli::command()
        .mut_subcommand("run", |run| run.mut_args(|flag| with_switches(flag).required(false)))
        .mut_subcommand("check-config", |check| check.args(flags))
}

/// `gossip run`, as it is when all is said that it needs.
pub(crate) fn run_command() -> clap::Command {
    let command = Cli::command();
    let run = command.find_subcommand("run").cloned();
    run.unwrap_or_default().mut_args(with_switches)
}

/// A switch can be turned off, too: `--json=false`, for where the environment or a file has turned it on.
fn with_switches(flag: Arg) -> Arg {
    if !matches!(flag.get_action(), ArgAction::SetTrue) {
        return flag;
    }
    flag.action(ArgAction::Set)
        .num_args(0..=1)
        .require_equals(true)
        .default_missing_value("true")
        .default_value("false")
        .hide_default_value(true)
        .hide_possible_values(true)
        .value_parser(BoolishValueParser::new())
        .value_name(SWITCH)
}

const SWITCH: &str = "true|false";

/// Whether a flag of [`run_command`] turns something on.
pub(crate) fn is_switch(flag: &Arg) -> bool {
    flag.get_value_names().is_some_and(|names| names.iter().any(|name| name == SWITCH))
}

/// What `gossip run` takes.
#[derive(Debug, Args)]
#[command(
    next_help_heading = "Node",
    override_usage = "gossip run --name NAME --cluster NAME [OPTIONS]\n       gossip run --config FILE [OPTIONS]",
    after_long_help = "\
Examples:
  The first node of a cluster, with no other node to join yet:
    gossip run --name db-1 --cluster prod --bind 10.0.0.1:7946 --locality eu/a/r1
  Another one, which joins through either of two others:
    gossip run --name db-2 --cluster prod --bind 10.0.0.2:7946 \\
      --join 10.0.0.1:7946 --join seeds.example.org:7946
  One that says what it is, and where its service listens:
    gossip run --name db-5 --cluster prod --bind 10.0.0.5:7946 --join 10.0.0.1:7946 \\
      --tag role=db --tag port=5432
  On all interfaces, reached by others at one address:
    gossip run --name db-3 --cluster prod --bind 0.0.0.0:7946 \\
      --advertise 10.0.0.3:7946 --join 10.0.0.1:7946
  With less room, smaller datagrams, and another knob:
    gossip run --name db-4 --cluster prod --bind 10.0.0.4:7946 --join 10.0.0.1:7946 \\
      --capacity 1000 --max-datagram 508 --set probe_interval_ms=500
  For a program that reads along:
    gossip run --name watcher --cluster prod --bind 10.0.0.9:7946 \\
      --join 10.0.0.1:7946 --json

Each option can be given in a file, too, and in the environment: --max-datagram is max_datagram in the file of --config, and \
GOSSIP_MAX_DATAGRAM. Options go before the environment, and that before the file. `gossip check-config FILE` shows what comes \
of it.

Ctrl-C leaves: the others are told, and do not take it for a death. So do SIGTERM, SIGHUP (a terminal that closes; under nohup \
it is ignored) where there is neither --config nor --keys, and the end of the reader of the output, at the next line. With one of \
them, SIGHUP has the files read again: what can change at run time does (join, tag, on, log, keys, sealing, and most knobs), and a \
warning names what needs a restart. Leaving takes less than 7 s; a second signal, half a second or more after the first, ends the program at once. A reader \
that is too slow is told how many lines are missing: nothing waits for it.

Exit status:
    0  left in good order, or the output's reader went away (as in `gossip run | head`)
    1  the node cannot start or go on, standard output cannot be written, leaving took too long,
       or others were there and none acknowledged that it leaves
    2  wrong arguments, or a wrong file of --config: starting again would not help
  130  a second signal cut the leave short"
)]
pub(crate) struct RunArgs {
    /// A TOML file with all that is not given here or in the environment.
    ///
    /// Its keys are the options' names, with _ for -: name = "db-1". Options that may be given several times are lists there,
    /// and those of the form KEY=VALUE may be tables. The knobs of --set are in the table config, which is that of the
    /// simulator's scenarios: what was tried there can be copied.
    #[arg(long, help_heading = Resettable::Reset, value_name = "FILE")]
    pub(crate) config: Option<PathBuf>,

    /// The node's name, unique in its cluster and kept across restarts.
    #[arg(long, value_parser = arguments::name)]
    pub(crate) name: String,

    /// The cluster's name, the same on all its nodes. Nodes of other clusters are ignored, with a warning.
    #[arg(long, value_parser = arguments::cluster_name)]
    pub(crate) cluster: String,

    /// The address and UDP port to listen on. Port 0 takes a free one.
    #[arg(long, value_name = "IP:PORT", default_value = "127.0.0.1:7946", value_parser = arguments::address)]
    pub(crate) bind: SocketAddr,

    /// The address that others reach this node at, if it is not the one it listens on. Port 0
    /// stands for the port it listens on.
    #[arg(long, value_name = "IP:PORT", value_parser = arguments::address)]
    pub(crate) advertise: Option<SocketAddr>,

    /// Where this node runs, as region/zone/rack; peers are chosen across these.
    ///
    /// Each part is a number from 0 to 255, taken exactly, or a name, which stands for a number from 1 to
    /// 255 (a hash of it). Two names can fall on one number, about once in 255 pairs: the two places are
    /// then taken for one. Use numbers where that matters. `eu/a/r1` and `1/2/1` are both fine.
    #[arg(long, value_name = "REGION/ZONE/RACK", default_value = "0/0/0", value_parser = locality::parse)]
    pub(crate) locality: Place,

    /// Something that all members are to know of this node, as a key and its value; may be given several times.
    ///
    /// Keys are 1 to 31 visible ASCII characters, all but `name` and `gossip.keys`, which are the node's own; each is given once. A key
    /// and its value have at most 303 bytes less than --max-datagram. A node has room for 63 keys beside its name, and for 1,024 bytes
    /// in all, its name included, of which each key takes 7. Programs read a tag with `Key::raw`: its value is the bytes given
    /// here.
    #[arg(long, value_name = "KEY=VALUE", value_parser = arguments::tag)]
    pub(crate) tag: Vec<(String, String)>,

    /// What the node runs on. To the other nodes it makes no difference.
    #[arg(long, value_enum, default_value_t = Adapter::Tokio)]
    pub(crate) adapter: Adapter,

    /// A file that remembers, across restarts, which life of the node this is; made if it is missing.
    ///
    /// Without it the clock decides, in whole seconds. That is enough unless the clock can go backwards, or a node that
    /// crashes is started again within the same second.
    #[arg(long, value_name = "PATH")]
    pub(crate) epoch_file: Option<PathBuf>,

    /// A file that remembers, across restarts, which members there are; made if it is missing.
    ///
    /// A node that has one finds its cluster again without --join. It is written now and then, and when the node
    /// leaves. A file that is damaged, of another cluster or too old is ignored, with a warning.
    #[arg(long, value_name = "PATH")]
    pub(crate) view_file: Option<PathBuf>,

    /// A file of the cluster's keys, with which datagrams are sealed: nobody without one is heard.
    ///
    /// `gossip keys` makes such files. They are the same on all nodes, and only their owner may read them. The file is read again
    /// at SIGHUP and by `gossip keys reload`: all of it counts then, or, where something is wrong with it, nothing.
    #[arg(long, help_heading = "Sealing", value_name = "FILE")]
    pub(crate) keys: Option<PathBuf>,

    /// How far the cluster is on its way from clear to sealed. [default: require with --keys, off without]
    #[arg(long, help_heading = "Sealing", value_enum)]
    pub(crate) sealing: Option<SealingArg>,

    #[command(flatten)]
    pub(crate) signing: identity::SigningArgs,

    /// A node to join, by address or DNS name; may be given several times, or with commas. A few are enough.
    ///
    /// Any running member will do, and once joined none of them is needed any more. Addresses are asked for ever.
    /// Names are looked up again on every retry, and each that cannot be found is warned of. If all are names, and four
    /// look-ups of each have failed, which takes 5 s at least, the node ends with exit status 1, rather than run alone as
    /// if all were well.
    #[arg(long, help_heading = "Seeds", value_name = "HOST:PORT", value_parser = arguments::seed, value_delimiter = ',')]
    pub(crate) join: Vec<Seed>,

    /// Never give up names of --join that cannot be found: for where they come into being later.
    #[arg(long, help_heading = "Seeds")]
    pub(crate) retry_join: bool,

    #[command(flatten)]
    pub(crate) discovery: DiscoveryArgs,

    #[command(flatten)]
    pub(crate) control: ControlArgs,

    /// Print one JSON object a line instead of words: at, event, id, name, address, locality, status, reachability,
    /// health, accuser, zone, note. What does not apply is null.
    #[arg(long, help_heading = "Output")]
    pub(crate) json: bool,

    #[command(flatten)]
    pub(crate) log: LogArgs,

    #[command(flatten)]
    pub(crate) handlers: HandlerArgs,

    #[command(flatten)]
    pub(crate) knobs: Knobs,
}

impl RunArgs {
    /// How far the cluster is on its way from clear to sealed, as it is said, or as having keys says.
    pub(crate) fn sealing(&self) -> Sealing {
        let without = if self.keys.is_some() { Sealing::Require } else { Sealing::Off };
        self.sealing.map_or(without, Sealing::from)
    }
}

/// Where a running node can be asked, and told what to do.
#[derive(Debug, Args)]
#[command(next_help_heading = "Control")]
pub(crate) struct ControlArgs {
    /// The Unix socket at which `gossip members` and other commands reach this agent. By default it is named after the node, in
    /// $XDG_RUNTIME_DIR/gossip, or else in /run/gossip. Only the agent's own user can open it.
    #[arg(long, value_name = "PATH")]
    pub(crate) control: Option<PathBuf>,

    /// Listen at no control socket.
    #[arg(long, conflicts_with = "control")]
    pub(crate) no_control: bool,

    /// Answer over TCP, too, at this address. Port 0 takes a free one, which the `started` line tells.
    ///
    /// Without --token-file it must be an address of this machine alone, as 127.0.0.1, where whoever is logged in may read, and
    /// nobody may change anything. It is plain HTTP: beyond this machine, put a proxy that encrypts before it.
    #[arg(long, value_name = "IP:PORT", value_parser = arguments::address)]
    pub(crate) http: Option<SocketAddr>,

    /// A file with the token that requests over TCP must show: those that change something, and beyond this machine all.
    ///
    /// It holds one line of 16 to 1,024 visible ASCII characters, as from `openssl rand -hex 32`.
    #[arg(long, value_name = "PATH")]
    pub(crate) token_file: Option<PathBuf>,
}

/// What `gossip demo` takes.
#[derive(Debug, Args)]
#[command(after_help = "\
The nodes are real ones, each with a UDP socket of its own on 127.0.0.1. Every chapter waits for what it promises; the exit status \
is 1 if one waits in vain.")]
pub(crate) struct DemoArgs {
    /// How many nodes to start, 3 to 50.
    #[arg(long, default_value_t = 5, value_parser = clap::value_parser!(u8).range(3..=50))]
    pub(crate) nodes: u8,

    /// What the nodes run on; the story is the same.
    #[arg(long, value_enum, default_value_t = Adapter::Tokio)]
    pub(crate) adapter: Adapter,

    /// Seal all that the nodes say, with a key made for this.
    #[arg(long)]
    pub(crate) sealed: bool,

    /// Print one JSON object a chapter, and as the last line one with the figures of all.
    #[arg(long)]
    pub(crate) json: bool,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_command_line_is_consistent() {
        Cli::command().debug_assert();
        command().debug_assert();
        run_command().debug_assert();
    }

    #[test]
    fn a_name_is_refused_alike_wherever_it_is_given() {
        let long = "x".repeat(100_000);
        for (name, said) in [("", "empty"), (" a", "blank"), ("a\tb", "U+0009"), (&long, "100000 bytes")] {
            for args in [
                ["gossip", "id", name].as_slice(),
                &["gossip", "run", "--cluster", "c", "--name", name],
                &["gossip", "run", "--name", "a", "--cluster", name],
            ] {
                let refused = Cli::try_parse_from(args).map(|_| ()).unwrap_err().to_string();
                assert!(refused.contains(said) && refused.contains("1 to 255 bytes"), "{args:?}: {refused}");
            }
        }
    }
}
