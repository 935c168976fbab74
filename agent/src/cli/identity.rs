//! What `gossip identity` takes.

use super::arguments;
use adapter_tokio::{NodeId, PublicKey, Signing, TrustSource};
use clap::{Args, Subcommand, ValueEnum};
use std::path::PathBuf;

/// What can be done with nodes' own keys.
#[derive(Debug, Subcommand)]
pub(crate) enum IdentityCommand {
    /// Makes a file with a new signing key, and prints its public key and the id that follows from it.
    ///
    /// Only its owner may read the file. There must be none yet: a key that is overwritten is lost.
    Init {
        /// The file to make.
        file: PathBuf,
        /// Make the key of an authority, which is to certify nodes' keys. Keep it off the nodes.
        #[arg(long)]
        authority: bool,
        /// Print one JSON object.
        #[arg(long)]
        json: bool,
    },
    /// Prints a certificate: an authority's word that a key speaks for a node of a cluster.
    #[command(after_help = "\
The last epoch is the latest in which the node may begin; one that began before may run on after it. Epochs are Unix seconds where \
nodes take them from the clock, as `gossip run` does, so that the last one is a time.

Example, with the public key that `gossip identity init` has printed on db-1:
  gossip identity sign authority --cluster prod --name db-1 --key gossip-node-1-… --valid-days 365

The line that it prints goes into the file of the node's signing key, behind the key.")]
    Sign(SignArgs),
    /// Shows the public side of an identity file, a certificate or a public key, and whether it is trusted; never a secret.
    #[command(after_help = "\
With --trust the exit status is 2 if the key may not speak for the node in an epoch that begins now.

Examples:
  gossip identity show /etc/gossip/identity
  gossip identity show /etc/gossip/identity --trust gossip-node-1-… --cluster prod
  gossip identity show gossip-node-1-… --trust /etc/gossip/members --cluster prod --name db-1")]
    Show(ShowArgs),
}

/// The key that a running node signs with, and which keys it trusts.
#[derive(Debug, Args)]
pub(crate) struct SigningArgs {
    /// A file of the node's own key, with which it signs what it says of itself, and of its certificate, if it has one.
    ///
    /// `gossip identity` makes such files. Each node has its own, and only its owner may read it.
    #[arg(long, help_heading = "Signing", value_name = "FILE")]
    pub(crate) identity: Option<PathBuf>,

    /// Which key may speak for which node, the same on all nodes: own, if ids follow from keys; an authority's public key; or a
    /// file with a list of ids and keys. Needed with --identity.
    ///
    /// With own the node's id is that of its key, which `gossip identity show` prints, and not that of its name.
    #[arg(long, help_heading = "Signing", value_name = "own|KEY|FILE")]
    pub(crate) trust: Option<TrustSource>,

    /// Whether what others say of themselves must be signed. [default: require with --identity]
    #[arg(long, help_heading = "Signing", value_enum)]
    pub(crate) signing: Option<SigningArg>,
}

/// What a node that signs hears of others.
#[derive(Clone, Copy, PartialEq, Eq, Debug, ValueEnum)]
pub(crate) enum SigningArg {
    /// Hear of members that have not signed anything yet, too.
    Accept,
    /// Hear of a member only what it has signed.
    Require,
}

impl From<SigningArg> for Signing {
    fn from(arg: SigningArg) -> Self {
        match arg {
            SigningArg::Accept => Self::Accept,
            SigningArg::Require => Self::Require,
        }
    }
}

/// What a certificate is made of.
#[derive(Debug, Args)]
pub(crate) struct SignArgs {
    /// The file of the authority's signing key.
    #[arg(value_name = "AUTHORITY")]
    pub(crate) authority: PathBuf,

    /// The cluster's name. In another the certificate does not count.
    #[arg(long, value_name = "NAME", value_parser = arguments::cluster_name)]
    pub(crate) cluster: String,

    #[command(flatten)]
    pub(crate) node: NodeArgs,

    /// The node's public key, as `gossip identity init` has printed it there.
    #[arg(long, value_name = "KEY", value_parser = PublicKey::parse)]
    pub(crate) key: PublicKey,

    #[command(flatten)]
    pub(crate) end: EndArgs,

    /// Print one JSON object.
    #[arg(long)]
    pub(crate) json: bool,
}

/// Which node is meant.
#[derive(Debug, Args)]
#[group(id = "node", required = true, multiple = false)]
pub(crate) struct NodeArgs {
    /// The node's name, as given to `gossip run --name`.
    #[arg(long, value_name = "NAME", value_parser = arguments::name)]
    pub(crate) name: Option<String>,

    /// The node's id, as `gossip id` prints it.
    #[arg(long, value_name = "ID")]
    pub(crate) id: Option<NodeId>,
}

/// How long a certificate is good.
#[derive(Debug, Args)]
#[group(id = "end", required = true, multiple = false)]
pub(crate) struct EndArgs {
    /// Up to so many days from now.
    #[arg(long, value_name = "DAYS", value_parser = clap::value_parser!(u32).range(1..))]
    pub(crate) valid_days: Option<u32>,

    /// Up to this epoch: a date as 2027-12-31, whose last second it is, in UTC; a time as 2027-12-31T12:00:00Z; or a number.
    #[arg(long, value_name = "EPOCH", value_parser = arguments::epoch)]
    pub(crate) last_epoch: Option<u32>,
}

/// What is to be shown, and against what it is checked.
#[derive(Debug, Args)]
pub(crate) struct ShowArgs {
    /// A file with a signing key, a certificate or a public key; or a certificate or a public key itself.
    #[arg(value_name = "FILE")]
    pub(crate) shown: PathBuf,

    /// Check that the key may speak for its node: own, if ids follow from keys; an authority's public key; or a file with a list of
    /// ids and keys.
    #[arg(long, value_name = "own|KEY|FILE", requires = "cluster")]
    pub(crate) trust: Option<TrustSource>,

    /// The cluster's name, in which it is to be trusted.
    #[arg(long, value_name = "NAME", requires = "trust", value_parser = arguments::cluster_name)]
    pub(crate) cluster: Option<String>,

    /// The node's name. By default the node is that of the certificate or, with --trust own, that whose id follows from the key.
    #[arg(long, value_name = "NAME", requires = "trust", value_parser = arguments::name)]
    pub(crate) name: Option<String>,

    /// The node's id.
    #[arg(long, value_name = "ID", requires = "trust", conflicts_with = "name")]
    pub(crate) id: Option<NodeId>,

    /// Print one JSON object.
    #[arg(long)]
    pub(crate) json: bool,
}
