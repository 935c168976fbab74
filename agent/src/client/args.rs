//! What the commands for a running agent take.

use super::target::Target;
use crate::{
    cli::arguments::{seed_text, tag},
    print::events,
};
use clap::{Args, Subcommand, ValueEnum, builder::Resettable};
use std::path::PathBuf;

/// Which agent to ask, and how to print what it says.
#[derive(Debug, Args)]
#[command(next_help_heading = "Agent")]
pub(crate) struct AgentArgs {
    /// The agent's control socket, or http://HOST:PORT. [default: the only agent that this user runs on this machine]
    ///
    /// Give what `gossip run` was given as --control or --http. By default an agent's socket is named after its node, and is in
    /// $XDG_RUNTIME_DIR/gossip, or else in /run/gossip.
    #[arg(long, value_name = "PATH|URL", env = "GOSSIP_CONTROL")]
    pub(crate) control: Option<Target>,

    /// The file with the agent's token, as given to its `gossip run --token-file`; over HTTP only.
    #[arg(long, value_name = "PATH", env = "GOSSIP_TOKEN_FILE")]
    pub(crate) token_file: Option<PathBuf>,

    /// Print JSON.
    #[arg(long, help_heading = Resettable::Reset)]
    pub(crate) json: bool,
}

/// What can be asked of a running agent, or told to it.
#[derive(Debug, Subcommand)]
pub(crate) enum ClientCommand {
    /// Shows an agent's own node, and how it is.
    Info {
        #[command(flatten)]
        agent: AgentArgs,
    },
    /// Lists the members that an agent knows, its own node included.
    Members {
        #[command(flatten)]
        filter: FilterArgs,
        /// Show ids, reachability, epochs and tags, too.
        #[arg(long)]
        wide: bool,
        #[command(flatten)]
        agent: AgentArgs,
    },
    /// Shows all that an agent knows of one member.
    Member {
        /// Its name, or its id.
        who: String,
        #[command(flatten)]
        agent: AgentArgs,
    },
    /// Shows who reaches a member: what the agent's own node and up to seven others, spread over the zones, have seen themselves.
    #[command(after_help = "\
Answers:
  reaches      the member is alive, and answered when it was last probed from there
  unreachable  it did not answer
  suspects     it is suspected, and was not found unreachable from there
  dead, left   it was declared dead; it has left
  not tried    it is alive, and was not probed from there yet
  unknown      no such member is known there
  cannot tell  who is asked is cut off itself, or its answer cannot be read
  no answer    nothing came back within 2 s
  refused      who is asked does not answer such questions, as older agents do not

Examples:
  gossip reach db-3
  gossip reach db-3 --json | jq -r '.views[] | select(.answer != \"reaches\") | .name'")]
    Reach {
        /// The name or the id of the member.
        #[arg(value_name = "NODE")]
        who: String,
        #[command(flatten)]
        agent: AgentArgs,
    },
    /// Shows how long it takes from an agent to other members and back, by zone.
    ///
    /// Round trips are measured by the agent's own probes, of all members of a zone together: a row is its zone's, not any single
    /// member's.
    #[command(after_help = "\
Examples:
  gossip rtt            a row for each zone: smoothed round trip, variation, 99th percentile, ack timeout
  gossip rtt db-3       the row of the zone that db-3 is in
  gossip rtt --json     the same in milliseconds, for programs")]
    Rtt {
        /// The name or the id of a member, for the row of its zone alone.
        #[arg(value_name = "NODE")]
        who: Option<String>,
        #[command(flatten)]
        agent: AgentArgs,
    },
    /// Prints what happens from now on, as the agent's own output does.
    Watch {
        /// Only these events, as `user_event` or `value`; may be given several times.
        #[arg(long, value_name = "EVENT", value_parser = events::name)]
        only: Vec<String>,
        #[command(flatten)]
        agent: AgentArgs,
    },
    /// Has an agent join through other nodes.
    Join {
        /// Nodes to join, by address or DNS name.
        #[arg(required = true, value_name = "HOST:PORT", value_parser = seed_text)]
        seeds: Vec<String>,
        #[command(flatten)]
        agent: AgentArgs,
    },
    /// Has an agent leave its cluster, and end.
    Leave {
        #[command(flatten)]
        agent: AgentArgs,
    },
    /// Forgets a member that is dead or has left, at all members: a machine that is gone for good.
    ///
    /// A dead member is tried for two seconds before, and is not forgotten if it answers. One that comes back later is a member
    /// again.
    Forget {
        /// Its name, or its id.
        who: String,
        #[command(flatten)]
        agent: AgentArgs,
    },
    /// Keeps a node out: the agent's node does not hear it any more, and it is no member here, until it is allowed or the agent
    /// ends. Have all agents deny it. At most 64 nodes are denied at a time.
    Deny {
        /// The name of a member, or an id.
        who: String,
        #[command(flatten)]
        agent: AgentArgs,
    },
    /// Does not deny a node any more. It is a member again once it is heard of.
    Allow {
        /// Its id, as `gossip info` shows it, or the name that its id follows from.
        who: String,
        #[command(flatten)]
        agent: AgentArgs,
    },
    /// Says how fit the agent's node is to serve.
    Health {
        /// How fit it is.
        health: HealthArg,
        #[command(flatten)]
        agent: AgentArgs,
    },
    /// Asks the others for patience: the node will not answer for a while.
    Pause {
        /// For so many seconds.
        seconds: u8,
        #[command(flatten)]
        agent: AgentArgs,
    },
    /// Publishes keys of the agent's node.
    Set {
        /// Keys and values.
        #[arg(required = true, value_name = "KEY=VALUE", value_parser = tag)]
        tags: Vec<(String, String)>,
        /// For so many seconds only.
        #[arg(long, value_name = "SECONDS")]
        ttl: Option<u32>,
        #[command(flatten)]
        agent: AgentArgs,
    },
    /// Withdraws keys of the agent's node.
    Unset {
        /// The keys.
        #[arg(required = true, value_name = "KEY")]
        keys: Vec<String>,
        #[command(flatten)]
        agent: AgentArgs,
    },
    /// Prints what a member publishes.
    Get {
        /// Its name, or its id.
        who: String,
        /// One key, whose value alone is printed.
        key: Option<String>,
        #[command(flatten)]
        agent: AgentArgs,
    },
    /// Reads and sets what belongs to the cluster as a whole.
    Value {
        #[command(subcommand)]
        command: ValueCommand,
    },
    /// Sends events to all members.
    Event {
        #[command(subcommand)]
        command: EventCommand,
    },
    /// Shows in what the views of two agents differ.
    Diff {
        /// The other agent's control socket or address, as --control takes it.
        #[arg(value_name = "PATH|URL")]
        other: Target,
        #[command(flatten)]
        agent: AgentArgs,
    },
    /// Writes an archive for a report of a fault: what the agent knows, its metrics, and what happens for a while.
    ///
    /// It holds names, addresses and statuses of all members, and neither values nor tags unless they are asked for.
    Bundle {
        /// Where to write it; a file that is there is left alone. [default: gossip-NAME-TIME.tar.gz]
        #[arg(value_name = "FILE")]
        file: Option<PathBuf>,
        /// For how many seconds to listen to what happens, at most 300.
        #[arg(long, default_value_t = 10, value_parser = clap::value_parser!(u16).range(0..=300))]
        seconds: u16,
        /// Put in what members publish, and the cluster's values.
        #[arg(long)]
        with_state: bool,
        #[command(flatten)]
        agent: AgentArgs,
    },
    /// Prints an agent's metrics in the text format of Prometheus; with --json, the counters of its node and host.
    Metrics {
        #[command(flatten)]
        agent: AgentArgs,
    },
}

/// Which members to list: those that fit all that is given.
#[derive(Debug, Args)]
pub(crate) struct FilterArgs {
    /// Only those of this status.
    #[arg(long)]
    pub(crate) status: Option<StatusArg>,
    /// Only those of this region, zone or rack, as region, region/zone or region/zone/rack, in words or numbers.
    #[arg(long, value_name = "REGION[/ZONE[/RACK]]")]
    pub(crate) zone: Option<String>,
    /// Only those of this name, or whose names begin so: `db-*`.
    #[arg(long)]
    pub(crate) name: Option<String>,
    /// Only those that publish this key, or this value of it.
    #[arg(long, value_name = "KEY[=VALUE]")]
    pub(crate) tag: Option<String>,
}

/// A member's status.
#[derive(Clone, Copy, Debug, ValueEnum)]
pub(crate) enum StatusArg {
    /// Nobody suspects it.
    Alive,
    /// It is suspected.
    Suspect,
    /// It was declared dead.
    Dead,
    /// It left.
    Left,
}

/// How fit a node is to serve.
#[derive(Clone, Copy, Debug, ValueEnum)]
pub(crate) enum HealthArg {
    /// It serves as it should.
    Healthy,
    /// It serves worse than others: prefer those.
    Degraded,
    /// It does not serve: send it nothing.
    Unhealthy,
}

/// A choice, as it is given and as the agent calls it.
pub(super) fn word(choice: impl ValueEnum) -> String {
    choice.to_possible_value().map(|value| value.get_name().to_owned()).unwrap_or_default()
}

/// What can be done with the cluster's values.
#[derive(Debug, Subcommand)]
pub(crate) enum ValueCommand {
    /// Lists all of them.
    List {
        #[command(flatten)]
        agent: AgentArgs,
    },
    /// Prints one.
    Get {
        /// Its key.
        key: String,
        #[command(flatten)]
        agent: AgentArgs,
    },
    /// Sets one.
    Set {
        /// Its key.
        key: String,
        /// Its value.
        value: String,
        #[command(flatten)]
        agent: AgentArgs,
    },
    /// Prints what is set and deleted from now on.
    Watch {
        #[command(flatten)]
        agent: AgentArgs,
    },
    /// Deletes one.
    Delete {
        /// Its key.
        key: String,
        #[command(flatten)]
        agent: AgentArgs,
    },
}

impl ValueCommand {
    pub(super) fn agent(&self) -> &AgentArgs {
        match self {
            Self::List { agent }
            | Self::Watch { agent }
            | Self::Get { agent, .. }
            | Self::Set { agent, .. }
            | Self::Delete { agent, .. } => agent,
        }
    }
}

/// What can be done with events.
#[derive(Debug, Subcommand)]
pub(crate) enum EventCommand {
    /// Sends one to all other members, once. `gossip event watch` prints those that come.
    Send {
        /// What kind of event it is: 1 to 31 visible ASCII characters.
        name: String,
        /// What it says; its name and this have at most 512 bytes together.
        #[arg(default_value = "")]
        payload: String,
        #[command(flatten)]
        agent: AgentArgs,
    },
    /// Prints those that members send from now on.
    Watch {
        #[command(flatten)]
        agent: AgentArgs,
    },
}

impl EventCommand {
    pub(super) fn agent(&self) -> &AgentArgs {
        let (Self::Send { agent, .. } | Self::Watch { agent }) = self;
        agent
    }
}
