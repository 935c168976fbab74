//! What the agent is told to do with its own node.

use super::{
    Agent, BYTES, Orders,
    api::{Join, Pause, Problem, Set, SetHealth, health_of},
    failure::{Answer, BreaksLimit, Failure, NotNow, Unreadable},
};
use adapter_tokio::{Bytes, Seed};
use axum::{
    Json,
    extract::{
        Path, State,
        rejection::{JsonRejection, PathRejection},
    },
};
use std::time::Duration;

/// Joins through other nodes.
#[utoipa::path(
    post,
    path = "/v1/join",
    tag = "node",
    request_body = Join,
    responses(
        (status = 200, description = "What was asked for; `joined` is an event", body = Join),
        Unreadable,
    ),
)]
pub(super) async fn join(
    State(agent): State<Agent>,
    body: Result<Json<Join>, JsonRejection>,
) -> Answer<Join> {
    let Json(Join { seeds }) = body?;
    if seeds.is_empty() {
        return Err(Failure::wrong("give one seed at least, as HOST:PORT"));
    }
    let parsed: Result<Vec<Seed>, _> = seeds.iter().map(|seed| seed.parse::<Seed>()).collect();
    agent.handle.join(parsed.map_err(|error| Failure::wrong(error.to_string()))?);
    Ok(Json(Join { seeds }))
}

/// Leaves the cluster, and ends the agent.
#[utoipa::path(
    post,
    path = "/v1/leave",
    tag = "node",
    responses(
        (status = 200, description = "It leaves from now on"),
    ),
)]
pub(super) async fn leave(State(agent): State<Agent>) -> Answer<()> {
    // One is enough, and the agent may be on its way already.
    let _ = agent.orders.try_send(Orders::Leave);
    Ok(Json(()))
}

/// Says how fit the node is to serve.
#[utoipa::path(
    put,
    path = "/v1/health",
    tag = "node",
    request_body = SetHealth,
    responses(
        (status = 200, description = "What is said now", body = SetHealth),
        Unreadable,
    ),
)]
pub(super) async fn set_health(
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

/// Asks the others for patience: the node will not answer for a while.
#[utoipa::path(
    put,
    path = "/v1/pause",
    tag = "node",
    request_body = Pause,
    responses(
        (status = 200, description = "What they are asked for", body = Pause),
        Unreadable,
    ),
)]
pub(super) async fn pause(
    State(agent): State<Agent>,
    body: Result<Json<Pause>, JsonRejection>,
) -> Answer<Pause> {
    let Json(asked) = body?;
    agent.handle.announce_pause(Duration::from_secs(asked.seconds.into()));
    Ok(Json(asked))
}

/// Publishes a key of the node.
#[utoipa::path(
    put,
    path = "/v1/state/{key}",
    tag = "state",
    params(("key" = String, Path, description = "1 to 31 visible ASCII characters")),
    request_body = Set,
    responses(
        (status = 200, description = "What is published", body = Set),
        Unreadable,
        BreaksLimit,
        NotNow,
    ),
)]
pub(super) async fn set(
    State(agent): State<Agent>,
    key: Result<Path<String>, PathRejection>,
    body: Result<Json<Set>, JsonRejection>,
) -> Answer<Set> {
    let Path(key) = key?;
    let Json(asked) = body?;
    let (key, value) = (BYTES.named(key), Bytes::from(asked.value.clone().into_bytes()));
    match asked.ttl {
        Some(seconds) => agent.handle.publish_for(&key, &value, Duration::from_secs(seconds.into()))?,
        None => agent.handle.publish(&key, &value)?,
    }
    Ok(Json(asked))
}

/// Withdraws a key of the node.
#[utoipa::path(
    delete,
    path = "/v1/state/{key}",
    tag = "state",
    params(("key" = String, Path, description = "1 to 31 visible ASCII characters")),
    responses(
        (status = 200, description = "It is withdrawn"),
        (status = 404, description = "The node has no such key", body = Problem),
        NotNow,
    ),
)]
pub(super) async fn unset(
    State(agent): State<Agent>,
    key: Result<Path<String>, PathRejection>,
) -> Answer<()> {
    let Path(key) = key?;
    if !agent.tags(agent.handle.id()).contains_key(&key) {
        return Err(Failure::unknown(format!("this node has no key {key}")));
    }
    agent.handle.withdraw(&BYTES.named(key))?;
    Ok(Json(()))
}
