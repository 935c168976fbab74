//! What `gossip keys` takes.

use crate::client::AgentArgs;
use clap::{Args, Subcommand};
use std::path::PathBuf;

/// What can be done with a cluster's keys.
#[derive(Debug, Subcommand)]
pub(crate) enum KeysCommand {
    /// Makes a new key, from the system's source of entropy.
    #[command(after_help = "\
Examples:
  gossip keys generate --output new-key            a file that only its owner can read
  gossip keys add /etc/gossip/keys < new-key       the same key on each node

It is a secret. What a shell writes with > can be read by all users, and is no good as a file of keys.")]
    Generate {
        /// Write it into a new file of keys, which only its owner can read, and show its id. Without it, it is printed.
        #[arg(short, long, value_name = "FILE")]
        output: Option<PathBuf>,
        /// Print one JSON object: the key, if it is printed, and its id.
        #[arg(long)]
        json: bool,
    },
    /// Shows the ids of a file's keys, and which of them seals; never the keys.
    Show(FileArgs),
    /// Checks that a node can use a file of keys.
    #[command(after_help = "\
Exit status: 0 if a node can use it, 2 if not; what is wrong is said with its line, and nothing of what is in it.")]
    Check(FileArgs),
    /// Adds a key to a file: as the second, which opens and does not seal yet, or as the only one of a new file.
    #[command(after_help = "\
Examples:
  gossip keys add /etc/gossip/keys --generate      a new key, which nobody sees
  gossip keys add /etc/gossip/keys < key           the same key on the other nodes

The key is read from standard input: what is on the command line is visible to all users of the machine.")]
    Add {
        #[command(flatten)]
        file: FileArgs,
        /// The key; - reads it from standard input. On the command line other users can see it in the list of processes.
        #[arg(value_name = "KEY", default_value = "-")]
        key: String,
        /// Add a new key, from the system's source of entropy.
        #[arg(long, conflicts_with = "key")]
        generate: bool,
    },
    /// Makes a key of a file the first, the one that seals. The one that was first becomes the second.
    Promote(KeyArgs),
    /// Removes a key from a file; not the first, which seals.
    Remove(KeyArgs),
    /// Shows how far a running agent's node is from clear to sealed, which keys it has, how many other live members seal with each, and what it refused.
    Status {
        #[command(flatten)]
        agent: AgentArgs,
    },
    /// Has a running agent read its keys and its mode of sealing again, from the files of --keys and --config.
    ///
    /// All of it counts then, or, where something is wrong, nothing: a file that cannot be used, one without a key that live members
    /// need, or a mode in which live members would not understand this node.
    Reload {
        /// Take them also if that cuts off live members, until they have the same keys and mode: after a leak.
        #[arg(long)]
        force: bool,
        #[command(flatten)]
        agent: AgentArgs,
    },
}

/// A file of keys.
#[derive(Debug, Args)]
pub(crate) struct FileArgs {
    /// The file of keys, as given to `gossip run --keys`.
    pub(crate) file: PathBuf,

    /// Print one JSON object.
    #[arg(long)]
    pub(crate) json: bool,
}

/// One of its keys.
#[derive(Debug, Args)]
pub(crate) struct KeyArgs {
    #[command(flatten)]
    pub(crate) file: FileArgs,

    /// The key's id, as `gossip keys show` prints it. Of a file with two keys, the second is meant unless one is given.
    #[arg(value_name = "ID")]
    pub(crate) id: Option<String>,
}
