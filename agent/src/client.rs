//! The commands that ask a running agent, or tell it something.

mod args;
mod bundle;
mod connection;
mod diff;
mod show;
mod target;

pub(crate) use args::{AgentArgs, ClientCommand};

use crate::control::{
    api::{
        Filter, Info, Join, Keys, Member, Pause, Reach, ReloadKeys, RoundTrip, Send, Set, SetHealth, Shared,
    },
    token::Token,
};
use anyhow::Result;
use args::{EventCommand, ValueCommand};
use connection::Connection;
use hyper::Method;
use serde::{Serialize, de::DeserializeOwned};
use std::collections::BTreeMap;

/// Carries out one command.
///
/// # Errors
/// No agent can be asked, or it refuses; the error says why, and what to do.
pub(crate) async fn execute(command: ClientCommand) -> Result<()> {
    let agent = command.agent();
    let token = agent.token_file.as_deref().map(Token::read).transpose()?;
    let target = agent.control.clone();
    let mut asked = Asked { to: Connection::open(target.as_ref(), token.clone()).await?, json: agent.json };
    match command {
        ClientCommand::Info { .. } => asked.show::<Info>("/v1/info").await,
        ClientCommand::Members { filter, wide, .. } => {
            let members: Vec<Member> =
                asked.to.get(&format!("/v1/members{}", query(&filter.into())?)).await?;
            if asked.json { asked.print(&members) } else { show::members(&members, wide) }
        }
        ClientCommand::Member { who, .. } => {
            let member: Member = asked.to.get(&format!("/v1/members/{}", connection::escaped(&who))).await?;
            asked.print(&member)
        }
        ClientCommand::Reach { who, .. } => asked.reach(&who).await,
        ClientCommand::Rtt { who, .. } => asked.round_trips(who.as_deref()).await,
        ClientCommand::Watch { only, .. } => asked.watch(&only).await,
        ClientCommand::Join { seeds, .. } => asked.tell(Method::POST, "/v1/join", &Join { seeds }).await,
        ClientCommand::Leave { .. } => asked.tell(Method::POST, "/v1/leave", &()).await,
        ClientCommand::Forget { who, .. } => asked.tell_of(&who, Method::DELETE, "members").await,
        ClientCommand::Deny { who, .. } => asked.tell_of(&who, Method::PUT, "denied").await,
        ClientCommand::Allow { who, .. } => asked.tell_of(&who, Method::DELETE, "denied").await,
        ClientCommand::Health { health, .. } => {
            asked.tell(Method::PUT, "/v1/health", &SetHealth { health: args::word(health) }).await
        }
        ClientCommand::Pause { seconds, .. } => {
            asked.tell(Method::PUT, "/v1/pause", &Pause { seconds }).await
        }
        ClientCommand::Set { tags, ttl, .. } => {
            for (key, value) in tags {
                let path = format!("/v1/state/{}", connection::escaped(&key));
                asked.tell(Method::PUT, &path, &Set { value, ttl }).await?;
            }
            Ok(())
        }
        ClientCommand::Unset { keys, .. } => {
            for key in keys {
                asked.tell(Method::DELETE, &format!("/v1/state/{}", connection::escaped(&key)), &()).await?;
            }
            Ok(())
        }
        ClientCommand::Get { who, key, .. } => asked.get_state(&who, key.as_deref()).await,
        ClientCommand::Value { command } => asked.value(command).await,
        ClientCommand::Event { command } => match command {
            EventCommand::Send { name, payload, .. } => {
                asked.tell(Method::POST, "/v1/events", &Send { name, payload }).await
            }
            EventCommand::Watch { .. } => asked.watch(&["user_event".to_owned()]).await,
        },
        ClientCommand::Diff { other, .. } => {
            let here: Vec<Member> = asked.to.get("/v1/members").await?;
            let there: Vec<Member> = Connection::open(Some(&other), token).await?.get("/v1/members").await?;
            let differences = diff::differences(&here, &there);
            if asked.json { asked.print(&differences) } else { show::differences(&differences) }
        }
        ClientCommand::Bundle { file, seconds, with_state, .. } => {
            let events = Connection::open(target.as_ref(), token).await?;
            let written = bundle::write(file, &mut asked.to, events, (seconds, with_state)).await?;
            if asked.json { show::json(&written) } else { show::line(&written.file.display().to_string()) }
        }
        ClientCommand::Metrics { .. } if asked.json => {
            asked.show::<BTreeMap<String, u64>>("/v1/metrics").await
        }
        ClientCommand::Metrics { .. } => show::text(&asked.to.text("/metrics").await?),
    }
}

/// Shows which keys an agent's node has, and who speaks under them.
///
/// # Errors
/// As those of [`execute`].
pub(crate) async fn keys(agent: &AgentArgs) -> Result<()> {
    let mut asked = Asked::open(agent).await?;
    let keys: Keys = asked.to.get("/v1/keys").await?;
    if asked.json { show::json(&keys) } else { show::keys(&keys) }
}

/// Has an agent read its file of keys again, and shows what it has then.
///
/// # Errors
/// As those of [`execute`]; the agent has the keys that it had.
pub(crate) async fn reload_keys(force: bool, agent: &AgentArgs) -> Result<()> {
    Asked::open(agent).await?.tell(Method::POST, "/v1/keys/reload", &ReloadKeys { force }).await?;
    keys(agent).await
}

/// An agent that is asked, and how its answers are printed.
struct Asked {
    to: Connection,
    json: bool,
}

impl Asked {
    async fn open(agent: &AgentArgs) -> Result<Self> {
        let token = agent.token_file.as_deref().map(Token::read).transpose()?;
        Ok(Self { to: Connection::open(agent.control.as_ref(), token).await?, json: agent.json })
    }

    /// Asks for something, and prints it.
    async fn show<T: DeserializeOwned + Serialize>(&mut self, path: &str) -> Result<()> {
        let answer: T = self.to.get(path).await?;
        self.print(&answer)
    }

    /// As JSON, or field by field.
    fn print(&self, answer: &impl Serialize) -> Result<()> {
        if self.json { show::json(answer) } else { show::fields(answer) }
    }

    /// Tells the agent something of a node, among `nodes`.
    async fn tell_of(&mut self, who: &str, method: Method, nodes: &str) -> Result<()> {
        self.tell(method, &format!("/v1/{nodes}/{}", connection::escaped(who)), &()).await
    }

    /// Sends a request whose answer is of no interest: that there is one says enough.
    async fn tell(&mut self, method: Method, path: &str, body: &impl Serialize) -> Result<()> {
        self.to.send(method, path, body).await
    }

    /// Prints what happens, if it is among `only` (all, if there are none).
    async fn watch(&mut self, only: &[String]) -> Result<()> {
        let json = self.json;
        self.to.watch(|object| show::happened(object, json, only)).await
    }

    async fn get_state(&mut self, who: &str, key: Option<&str>) -> Result<()> {
        let member: Member = self.to.get(&format!("/v1/members/{}", connection::escaped(who))).await?;
        match key {
            None => self.print(&member.tags),
            Some(key) => match member.tags.get(key) {
                Some(value) if self.json => show::json(value),
                Some(value) => show::line(value),
                None => {
                    Err(anyhow::anyhow!("{who} has no key {key}: `gossip get {who}` shows all that it has"))
                }
            },
        }
    }

    async fn reach(&mut self, who: &str) -> Result<()> {
        let reach: Reach = self.to.get(&format!("/v1/reach/{}", connection::escaped(who))).await?;
        if self.json { self.print(&reach) } else { show::reach(&reach) }
    }

    async fn round_trips(&mut self, who: Option<&str>) -> Result<()> {
        match who {
            None => {
                let trips: Vec<RoundTrip> = self.to.get("/v1/rtt").await?;
                if self.json { show::json(&trips) } else { show::round_trips(&trips) }
            }
            Some(who) => {
                let trip: RoundTrip = self.to.get(&format!("/v1/rtt/{}", connection::escaped(who))).await?;
                if self.json { show::json(&trip) } else { show::round_trip_of(who, &trip) }
            }
        }
    }

    async fn value(&mut self, command: ValueCommand) -> Result<()> {
        let path = |key: &str| format!("/v1/values/{}", connection::escaped(key));
        match command {
            ValueCommand::List { .. } => {
                let values: Vec<Shared> = self.to.get("/v1/values").await?;
                if self.json { show::json(&values) } else { show::values(&values) }
            }
            ValueCommand::Get { key, .. } => {
                let found: Shared = self.to.get(&path(&key)).await?;
                if self.json { show::json(&found) } else { show::line(&found.value) }
            }
            ValueCommand::Set { key, value, .. } => {
                self.tell(Method::PUT, &path(&key), &Set { value, ttl: None }).await
            }
            ValueCommand::Watch { .. } => {
                self.watch(&["value".to_owned(), "value_conflict".to_owned()]).await
            }
            ValueCommand::Delete { key, .. } => self.tell(Method::DELETE, &path(&key), &()).await,
        }
    }
}

impl From<args::FilterArgs> for Filter {
    fn from(args: args::FilterArgs) -> Self {
        let args::FilterArgs { status, zone, name, tag } = args;
        Self { status: status.map(args::word), zone, name, tag }
    }
}

/// What of a filter is given, as the end of a path.
fn query(filter: &Filter) -> Result<String> {
    let serde_json::Value::Object(fields) = serde_json::to_value(filter)? else { return Ok(String::new()) };
    let given = fields.iter().filter_map(|(name, value)| {
        value.as_str().map(|value| format!("{name}={}", connection::escaped(value)))
    });
    let given: Vec<String> = given.collect();
    Ok(if given.is_empty() { String::new() } else { format!("?{}", given.join("&")) })
}

/// Which agent is asked.
impl ClientCommand {
    fn agent(&self) -> &AgentArgs {
        match self {
            Self::Info { agent }
            | Self::Members { agent, .. }
            | Self::Member { agent, .. }
            | Self::Reach { agent, .. }
            | Self::Rtt { agent, .. }
            | Self::Watch { agent, .. }
            | Self::Join { agent, .. }
            | Self::Leave { agent }
            | Self::Forget { agent, .. }
            | Self::Deny { agent, .. }
            | Self::Allow { agent, .. }
            | Self::Health { agent, .. }
            | Self::Pause { agent, .. }
            | Self::Set { agent, .. }
            | Self::Unset { agent, .. }
            | Self::Get { agent, .. }
            | Self::Diff { agent, .. }
            | Self::Bundle { agent, .. }
            | Self::Metrics { agent } => agent,
            Self::Value { command } => command.agent(),
            Self::Event { command } => command.agent(),
        }
    }
}
