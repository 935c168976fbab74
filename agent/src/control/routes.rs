//! What can be asked and told, and what is done for it.

use super::api::{
    AnswersAt, Filter, Info, Join, Member, Pause, Problem, Send, Set, SetHealth, Shared, health_of,
};
use super::feed::Feed;
use super::metrics::exposition;
use crate::{
    locality,
    print::{Line, health, reachability, status, with_sources},
};
use adapter_tokio::{Bytes, Handle, Key, MemberView, NodeId, PublishError, Record, Seed, StateError, Status};
use axum::{
    Json, Router,
    extract::{
        DefaultBodyLimit, Path, Query, Request, State,
        rejection::{JsonRejection, QueryRejection},
    },
    http::StatusCode,
    middleware::{self, Next},
    response::{
        IntoResponse, Response, Sse,
        sse::{self, KeepAlive},
    },
    routing::{get, post, put},
};
use futures_util::StreamExt as _;
use std::{collections::BTreeMap, convert::Infallible, sync::Arc, time::Duration};
use tokio::sync::{broadcast, mpsc, watch};

/// Bytes of a request's body: more than any value or list of seeds that the node takes.
const MAX_BODY: usize = 64 * 1_024;
/// How long a request may take, streams excepted.
const LIMIT: Duration = Duration::from_secs(10);
/// How often a stream on which nothing happens says that it lives.
const ALIVE: Duration = Duration::from_secs(15);
/// The key of a node's name, which is shown as that.
const NAME: &str = "name";
const BYTES: Key<Bytes> = Key::raw("bytes");

/// What the agent's loop is told to do.
#[derive(Debug)]
pub(crate) enum Orders {
    /// To leave, and to end.
    Leave,
}

/// The agent, as far as the control interface sees it.
#[derive(Clone)]
pub(crate) struct Agent {
    pub(crate) handle: Handle,
    pub(crate) name: String,
    pub(crate) cluster: String,
    pub(crate) orders: mpsc::Sender<Orders>,
    /// All that the agent prints, as JSON.
    pub(crate) lines: broadcast::Sender<Arc<str>>,
    /// Closed when the agent ends: then streams end, too.
    pub(crate) ending: watch::Receiver<()>,
    /// Where it is served.
    pub(crate) answers_at: AnswersAt,
    /// What happens around it, in the format of recordings.
    pub(crate) feed: Feed,
}

type Answer<T> = Result<Json<T>, Failure>;

/// Why a request is not carried out: a status, and words that say what to do.
#[derive(Debug)]
pub(super) struct Failure(StatusCode, String);

impl Failure {
    pub(super) fn new(status: StatusCode, error: impl Into<String>) -> Self {
        Self(status, error.into())
    }

    fn wrong(error: impl Into<String>) -> Self {
        Self(StatusCode::BAD_REQUEST, error.into())
    }

    fn unknown(error: impl Into<String>) -> Self {
        Self(StatusCode::NOT_FOUND, error.into())
    }
}

impl IntoResponse for Failure {
    fn into_response(self) -> Response {
        (self.0, Json(Problem { error: self.1 })).into_response()
    }
}

impl From<PublishError> for Failure {
    fn from(error: PublishError) -> Self {
        let status = match &error {
            PublishError::Stopped => StatusCode::SERVICE_UNAVAILABLE,
            PublishError::State(StateError::Busy { .. }) => StatusCode::TOO_MANY_REQUESTS,
            _ => StatusCode::UNPROCESSABLE_ENTITY,
        };
        Self(status, with_sources(&error))
    }
}

impl From<JsonRejection> for Failure {
    fn from(error: JsonRejection) -> Self {
        Self(error.status(), error.body_text())
    }
}

impl From<QueryRejection> for Failure {
    fn from(error: QueryRejection) -> Self {
        Self(error.status(), with_sources(&error))
    }
}

pub(super) fn router(agent: Agent) -> Router {
    let asked = Router::new()
        .route("/", get(super::page::page))
        .route("/v1/info", get(info))
        .route("/v1/members", get(members))
        .route("/v1/members/{who}", get(member))
        .route("/v1/join", post(join))
        .route("/v1/leave", post(leave))
        .route("/v1/health", put(set_health))
        .route("/v1/pause", put(pause))
        .route("/v1/state/{key}", put(set).delete(unset))
        .route("/v1/values", get(values))
        .route("/v1/values/{key}", get(value).put(set_value).delete(delete_value))
        .route("/v1/events", post(send_event))
        .route("/v1/metrics", get(metrics))
        .route("/metrics", get(exposition))
        .layer(middleware::from_fn(in_time));
    let streams = Router::new().route("/v1/watch", get(follow)).route("/v1/feed", get(feed));
    asked
        .merge(streams)
        .fallback(|| async {
            Failure::unknown("there is no such path: see `gossip help` for what can be asked")
        })
        .layer(DefaultBodyLimit::max(MAX_BODY))
        .with_state(agent)
}

async fn in_time(request: Request, next: Next) -> Response {
    match tokio::time::timeout(LIMIT, next.run(request)).await {
        Ok(response) => response,
        Err(_) => Failure(
            StatusCode::REQUEST_TIMEOUT,
            format!("the request took longer than {} s", LIMIT.as_secs()),
        )
        .into_response(),
    }
}

async fn info(State(agent): State<Agent>) -> Json<Info> {
    let Agent { handle, name, cluster, .. } = &agent;
    let (me, members) = (handle.me(), handle.members());
    let live = members.iter().filter(|member| member.status().is_live()).count();
    Json(Info {
        name: name.clone(),
        id: handle.id().to_string(),
        cluster: cluster.clone(),
        version: env!("CARGO_PKG_VERSION").to_owned(),
        address: me.address(),
        locality: locality::show(me.locality()),
        health: health(me.health()).to_owned(),
        joined: handle.is_joined(),
        epoch: me.incarnation().epoch,
        live: live + usize::from(me.status().is_live()),
        gone: members.len() - live,
        local_health: handle.local_health(),
        fingerprint: format!("{:016x}", handle.fingerprint().0),
        answers_at: agent.answers_at.clone(),
        unresolved_seeds: handle
            .unresolved_seeds()
            .into_iter()
            .map(|seed| format!("{}: {}", seed.seed, seed.reason.as_deref().unwrap_or("not looked up yet")))
            .collect(),
    })
}

impl Agent {
    fn tags(&self, id: NodeId) -> BTreeMap<String, String> {
        let tags = self.handle.state(id).into_iter().filter(|(key, _)| key != NAME);
        tags.map(|(key, value)| (key, shown(&value.value))).collect()
    }

    fn member(&self, view: MemberView) -> Member {
        let mut member = bare(&view.record, view.name);
        member.reachability = Some(reachability(view.reachability).to_owned());
        member.routable = view.routable;
        member.tags = self.tags(view.id);
        member
    }

    fn me(&self) -> Member {
        let me = self.handle.me();
        let mut member = bare(&me, Some(self.name.clone()));
        member.routable = me.status() == Status::Alive;
        member.tags = self.tags(me.id());
        member
    }

    /// Whom a name or an id means.
    fn find(&self, who: &str) -> Result<Member, Failure> {
        let is_me = who == self.name || who == self.handle.id().to_string();
        if is_me {
            return Ok(self.me());
        }
        let id = self.handle.find(who).or_else(|| who.parse().ok());
        let view = id.and_then(|id| self.handle.member(id));
        view.map(|view| self.member(view)).ok_or_else(|| {
            Failure::unknown(format!("no member is called {who}: `gossip members` shows their names and ids"))
        })
    }
}

fn bare(record: &Record, name: Option<String>) -> Member {
    Member {
        name,
        id: record.id().to_string(),
        address: record.address(),
        locality: locality::show(record.locality()),
        status: status(record.status()).to_owned(),
        reachability: None,
        health: health(record.health()).to_owned(),
        routable: false,
        epoch: record.incarnation().epoch,
        tags: BTreeMap::new(),
    }
}

fn shown(bytes: &Bytes) -> String {
    bytes.escape_ascii().to_string()
}

impl Filter {
    fn check(&self) -> Result<(), Failure> {
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

async fn members(
    State(agent): State<Agent>,
    filter: Result<Query<Filter>, QueryRejection>,
) -> Answer<Vec<Member>> {
    let Query(filter) = filter?;
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

async fn member(State(agent): State<Agent>, Path(who): Path<String>) -> Answer<Member> {
    agent.find(&who).map(Json)
}

async fn join(State(agent): State<Agent>, body: Result<Json<Join>, JsonRejection>) -> Answer<Join> {
    let Json(Join { seeds }) = body?;
    if seeds.is_empty() {
        return Err(Failure::wrong("give one seed at least, as HOST:PORT"));
    }
    let parsed: Result<Vec<Seed>, _> = seeds.iter().map(|seed| seed.parse::<Seed>()).collect();
    agent.handle.join(parsed.map_err(|error| Failure::wrong(error.to_string()))?);
    Ok(Json(Join { seeds }))
}

async fn leave(State(agent): State<Agent>) -> Answer<()> {
    // One is enough, and the agent may be on its way already.
    let _ = agent.orders.try_send(Orders::Leave);
    Ok(Json(()))
}

async fn set_health(
    State(agent): State<Agent>,
    body: Result<Json<SetHealth>, JsonRejection>,
) -> Answer<SetHealth> {
    let Json(asked) = body?;
    let health = health_of(&asked.health).ok_or_else(|| {
        Failure::wrong(format!("{} is no health: use healthy, degraded or unhealthy", asked.health))
    })?;
    agent.handle.set_health(health);
    Ok(Json(asked))
}

async fn pause(State(agent): State<Agent>, body: Result<Json<Pause>, JsonRejection>) -> Answer<Pause> {
    let Json(asked) = body?;
    agent.handle.announce_pause(Duration::from_secs(asked.seconds.into()));
    Ok(Json(asked))
}

async fn set(
    State(agent): State<Agent>,
    Path(key): Path<String>,
    body: Result<Json<Set>, JsonRejection>,
) -> Answer<Set> {
    let Json(asked) = body?;
    let (key, value) = (BYTES.named(key), Bytes::from(asked.value.clone().into_bytes()));
    match asked.ttl {
        Some(seconds) => agent.handle.publish_for(&key, &value, Duration::from_secs(seconds.into()))?,
        None => agent.handle.publish(&key, &value)?,
    }
    Ok(Json(asked))
}

async fn unset(State(agent): State<Agent>, Path(key): Path<String>) -> Answer<()> {
    if !agent.tags(agent.handle.id()).contains_key(&key) {
        return Err(Failure::unknown(format!("this node has no key {key}")));
    }
    agent.handle.withdraw(&BYTES.named(key))?;
    Ok(Json(()))
}

impl Agent {
    fn shared(&self) -> impl Iterator<Item = Shared> + '_ {
        self.handle.cluster().values().into_iter().map(|(key, found)| {
            let is_me = found.writer == self.handle.id();
            let name = self.handle.member(found.writer).and_then(|member| member.name);
            let writer = if is_me { Some(self.name.clone()) } else { name };
            Shared {
                key,
                value: shown(&found.value),
                writer: writer.unwrap_or_else(|| found.writer.to_string()),
                revision: found.revision,
            }
        })
    }
}

async fn values(State(agent): State<Agent>) -> Json<Vec<Shared>> {
    Json(agent.shared().collect())
}

fn no_value(key: &str) -> Failure {
    Failure::unknown(format!("the cluster has no value for {key}"))
}

async fn value(State(agent): State<Agent>, Path(key): Path<String>) -> Answer<Shared> {
    agent.shared().find(|shared| shared.key == key).map(Json).ok_or_else(|| no_value(&key))
}

async fn set_value(
    State(agent): State<Agent>,
    Path(key): Path<String>,
    body: Result<Json<Set>, JsonRejection>,
) -> Answer<Set> {
    let Json(asked) = body?;
    if asked.ttl.is_some() {
        return Err(Failure::wrong("a value of the cluster lasts until it is deleted: leave out the ttl"));
    }
    agent.handle.cluster().set(&BYTES.named(key), &Bytes::from(asked.value.clone().into_bytes()))?;
    Ok(Json(asked))
}

async fn delete_value(State(agent): State<Agent>, Path(key): Path<String>) -> Answer<()> {
    if !agent.shared().any(|shared| shared.key == key) {
        return Err(no_value(&key));
    }
    agent.handle.cluster().delete(&BYTES.named(key))?;
    Ok(Json(()))
}

async fn send_event(State(agent): State<Agent>, body: Result<Json<Send>, JsonRejection>) -> Answer<Send> {
    let Json(asked) = body?;
    let payload = Bytes::from(asked.payload.clone().into_bytes());
    agent.handle.send_event(&BYTES.named(asked.name.clone()), &payload)?;
    Ok(Json(asked))
}

async fn metrics(State(agent): State<Agent>) -> Json<BTreeMap<&'static str, u64>> {
    let (core, host) = (agent.handle.metrics(), agent.handle.host_metrics());
    Json(core.counters().chain(host.counters()).collect())
}

/// All that the agent prints from now on. Who reads too slowly is told so, and has to begin anew.
async fn follow(
    State(agent): State<Agent>,
) -> Sse<impl futures_util::Stream<Item = Result<sse::Event, Infallible>>> {
    let from = Some((agent.lines.subscribe(), agent.ending.clone()));
    let lines = futures_util::stream::unfold(from, |from| async move {
        let (mut lines, mut ending) = from?;
        let next = tokio::select! {
            biased;
            next = lines.recv() => next,
            _ = ending.changed() => return None,
        };
        match next {
            Ok(line) => Some((Ok(sse::Event::default().data(&*line)), Some((lines, ending)))),
            Err(broadcast::error::RecvError::Lagged(missed)) => {
                let told = serde_json::to_string(&Line::lagged(missed)).unwrap_or_default();
                Some((Ok(sse::Event::default().data(told)), None))
            }
            Err(broadcast::error::RecvError::Closed) => None,
        }
    });
    Sse::new(lines).keep_alive(KeepAlive::new().interval(ALIVE))
}

/// What happens around the agent: first what a reader has to know, then all that comes. Who reads too slowly has to begin anew.
async fn feed(
    State(agent): State<Agent>,
) -> Sse<impl futures_util::Stream<Item = Result<sse::Event, Infallible>>> {
    let (snapshot, lines) = agent.feed.read();
    let known = (0..snapshot.len()).filter_map(move |line| snapshot.get(line).cloned());
    let news = futures_util::stream::unfold((lines, agent.ending), |(mut lines, mut ending)| async move {
        tokio::select! {
            biased;
            next = lines.recv() => Some((next.ok()?, (lines, ending))),
            _ = ending.changed() => None,
        }
    });
    let all = futures_util::stream::iter(known).chain(news);
    Sse::new(all.map(|line| Ok(sse::Event::default().data(&*line))))
        .keep_alive(KeepAlive::new().interval(ALIVE))
}
