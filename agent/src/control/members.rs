//! What is asked of the members, and of the agent itself.

use super::{
    Agent,
    api::{Filter, Info, Member, Problem},
    failure::{Answer, Failure, Unreadable},
};
use crate::{
    locality,
    print::{health, name_of, reachability, status},
};
use adapter_tokio::{Bytes, MemberView, NodeId, Record, Status};
use axum::{
    Json,
    extract::{
        Path, Query, State,
        rejection::{PathRejection, QueryRejection},
    },
};
use std::collections::BTreeMap;

/// The key of a node's name, which is shown as that.
const NAME: &str = "name";

/// The agent's own node, and how it is.
#[utoipa::path(
    get,
    path = "/v1/info",
    tag = "members",
    responses(
        (status = 200, description = "The node", body = Info),
    ),
)]
pub(super) async fn info(State(agent): State<Agent>) -> Json<Info> {
    let Agent { handle, name, cluster, .. } = &agent;
    let (me, members) = (handle.me(), handle.members());
    let signing = handle.signing();
    let live = members.iter().filter(|member| member.status().is_live()).count();
    Json(Info {
        name: name.clone(),
        id: handle.id().to_string(),
        cluster: cluster.clone(),
        version: env!("CARGO_PKG_VERSION").to_owned(),
        address: me.address(),
        locality: locality::show(me.locality()),
        place: agent.place.show(me.locality()),
        health: health(me.health()).to_owned(),
        joined: handle.is_joined(),
        epoch: me.incarnation().epoch,
        live: live + usize::from(me.status().is_live()),
        gone: members.len() - live,
        local_health: handle.local_health(),
        fingerprint: format!("{:016x}", handle.fingerprint().0),
        signing: signing.signing.map_or_else(|| "off".to_owned(), |mode| mode.to_string()),
        not_signed: signing.not_signed,
        denied: agent.denied(),
        answers_at: agent.answers_at.clone(),
        unresolved_seeds: handle
            .unresolved_seeds()
            .into_iter()
            .map(|seed| format!("{}: {}", seed.seed, seed.reason.as_deref().unwrap_or("not looked up yet")))
            .collect(),
    })
}

impl Agent {
    pub(super) fn tags(&self, id: NodeId) -> BTreeMap<String, String> {
        let tags = self.handle.state(id).into_iter().filter(|(key, _)| key != NAME);
        tags.map(|(key, value)| (key, shown(&value.value))).collect()
    }

    pub(super) fn member(&self, view: MemberView) -> Member {
        let mut member = self.bare(&view.record, view.name);
        member.reachability = Some(reachability(view.reachability).to_owned());
        member.routable = view.routable;
        member.accusers = view.accusers.iter().map(|&id| name_of(id, &self.handle, &self.name)).collect();
        member.tags = self.tags(view.id);
        member
    }

    fn bare(&self, record: &Record, name: Option<String>) -> Member {
        Member {
            name,
            id: record.id().to_string(),
            address: record.address(),
            locality: locality::show(record.locality()),
            place: self.place.show(record.locality()),
            status: status(record.status()).to_owned(),
            reachability: None,
            health: health(record.health()).to_owned(),
            routable: false,
            accusers: Vec::new(),
            epoch: record.incarnation().epoch,
            tags: BTreeMap::new(),
        }
    }

    fn me(&self) -> Member {
        let me = self.handle.me();
        let mut member = self.bare(&me, Some(self.name.clone()));
        member.routable = me.status() == Status::Alive;
        member.tags = self.tags(me.id());
        member
    }

    /// Whom a name or an id means; it may be this node itself.
    pub(super) fn find(&self, who: &str) -> Result<MemberView, Failure> {
        let own = (who == self.name).then(|| self.handle.id());
        let id = own.or_else(|| self.handle.find(who)).or_else(|| who.parse().ok());
        let is_called = |view: &MemberView| view.name.as_deref() == Some(who);
        // Those that are gone keep their names, too.
        let gone = || self.handle.members().into_iter().find(is_called);
        let view = id.and_then(|id| self.handle.member(id)).or_else(gone);
        view.ok_or_else(|| {
            Failure::unknown(format!("no member is called {who}: `gossip members` shows their names and ids"))
        })
    }
}

pub(super) fn shown(bytes: &Bytes) -> String {
    bytes.escape_ascii().to_string()
}

impl Filter {
    /// Looks at what is given, and takes words for places as the numbers that they stand for.
    fn check(&mut self) -> Result<(), Failure> {
        if let Some(zone) = &mut self.zone {
            *zone = locality::in_numbers(zone).map_err(|error| Failure::wrong(error.to_string()))?;
        }
        let words = [Status::Alive, Status::Suspect, Status::Dead, Status::Left].map(status);
        match self.status.as_deref() {
            Some(status) if !words.contains(&status) => {
                Err(Failure::wrong(format!("{status} is no status: use {}", words.join(", "))))
            }
            _ => Ok(()),
        }
    }

    /// Whether all but its tags fit.
    fn fits(&self, name: Option<&str>, locality: &str, status: &str) -> bool {
        let is_in = |zone: &String| {
            locality.strip_prefix(zone.as_str()).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
        };
        let is_called = |wanted: &String| match wanted.strip_suffix('*') {
            Some(start) => name.is_some_and(|name| name.starts_with(start)),
            None => name == Some(wanted.as_str()),
        };
        self.status.as_ref().is_none_or(|wanted| wanted == status)
            && self.zone.as_ref().is_none_or(is_in)
            && self.name.as_ref().is_none_or(is_called)
    }

    fn fits_tags(&self, tags: &BTreeMap<String, String>) -> bool {
        self.tag.as_ref().is_none_or(|tag| match tag.split_once('=') {
            Some((key, value)) => tags.get(key).is_some_and(|found| found == value),
            None => tags.contains_key(tag),
        })
    }
}

/// The members that the agent knows, its own node included, by name.
#[utoipa::path(
    get,
    path = "/v1/members",
    tag = "members",
    params(Filter),
    responses(
        (status = 200, description = "Members that fit all that is asked for", body = Vec<Member>),
        Unreadable,
    ),
)]
pub(super) async fn members(
    State(agent): State<Agent>,
    filter: Result<Query<Filter>, QueryRejection>,
) -> Answer<Vec<Member>> {
    let Query(mut filter) = filter?;
    filter.check()?;
    let fits = |record: &Record, name: Option<&str>| {
        filter.fits(name, &locality::show(record.locality()), status(record.status()))
    };
    let mut found: Vec<Member> = Vec::new();
    if fits(&agent.handle.me(), Some(&agent.name)) {
        found.push(agent.me());
    }
    let others = agent.handle.members().into_iter().filter(|view| fits(&view.record, view.name.as_deref()));
    found.extend(others.map(|view| agent.member(view)));
    found.retain(|member| filter.fits_tags(&member.tags));
    found.sort_by(|a, b| (a.name.is_none(), &a.name, &a.id).cmp(&(b.name.is_none(), &b.name, &b.id)));
    Ok(Json(found))
}

/// All that the agent knows of one member.
#[utoipa::path(
    get,
    path = "/v1/members/{who}",
    tag = "members",
    params(("who" = String, Path, description = "A name, or an id")),
    responses(
        (status = 200, description = "The member", body = Member),
        (status = 404, description = "No member is called so", body = Problem),
    ),
)]
pub(super) async fn member(
    State(agent): State<Agent>,
    who: Result<Path<String>, PathRejection>,
) -> Answer<Member> {
    let Path(who) = who?;
    let view = agent.find(&who)?;
    Ok(Json(if view.id == agent.handle.id() { agent.me() } else { agent.member(view) }))
}

/// All counters of node, host and agent.
#[utoipa::path(
    get,
    path = "/v1/metrics",
    tag = "members",
    responses(
        (status = 200, description = "Counters by name", body = BTreeMap<String, u64>),
    ),
)]
pub(super) async fn metrics(State(agent): State<Agent>) -> Json<BTreeMap<&'static str, u64>> {
    let (core, host) = (agent.handle.metrics(), agent.handle.host_metrics());
    let own = [("slow_readers", agent.slow_readers.so_far())];
    Json(core.counters().chain(host.counters()).chain(own).collect())
}
