//! What belongs to the cluster as a whole, and what is sent to all of it.

use super::{
    Agent, BYTES,
    api::{Problem, Send, Set, Shared},
    failure::{Answer, BreaksLimit, Failure, NotNow, Unreadable},
    members::shown,
};
use adapter_tokio::Bytes;
use axum::{
    Json,
    extract::{
        Path, State,
        rejection::{JsonRejection, PathRejection},
    },
};

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

/// All keys of the cluster.
#[utoipa::path(
    get,
    path = "/v1/values",
    tag = "values",
    responses(
        (status = 200, description = "Keys and values", body = Vec<Shared>),
    ),
)]
pub(super) async fn values(State(agent): State<Agent>) -> Json<Vec<Shared>> {
    Json(agent.shared().collect())
}

fn no_value(key: &str) -> Failure {
    Failure::unknown(format!("the cluster has no value for {key}"))
}

/// A key of the cluster.
#[utoipa::path(
    get,
    path = "/v1/values/{key}",
    tag = "values",
    params(("key" = String, Path, description = "1 to 31 visible ASCII characters")),
    responses(
        (status = 200, description = "Its value", body = Shared),
        (status = 404, description = "The cluster has no such key", body = Problem),
    ),
)]
pub(super) async fn value(
    State(agent): State<Agent>,
    key: Result<Path<String>, PathRejection>,
) -> Answer<Shared> {
    let Path(key) = key?;
    agent.shared().find(|shared| shared.key == key).map(Json).ok_or_else(|| no_value(&key))
}

/// Sets a key of the cluster.
#[utoipa::path(
    put,
    path = "/v1/values/{key}",
    tag = "values",
    params(("key" = String, Path, description = "1 to 31 visible ASCII characters")),
    request_body = Set,
    responses(
        (status = 200, description = "What is set", body = Set),
        Unreadable,
        BreaksLimit,
        NotNow,
    ),
)]
pub(super) async fn set_value(
    State(agent): State<Agent>,
    key: Result<Path<String>, PathRejection>,
    body: Result<Json<Set>, JsonRejection>,
) -> Answer<Set> {
    let Path(key) = key?;
    let Json(asked) = body?;
    if asked.ttl.is_some() {
        return Err(Failure::wrong("a value of the cluster lasts until it is deleted: leave out the ttl"));
    }
    agent.handle.cluster().set(&BYTES.named(key), &Bytes::from(asked.value.clone().into_bytes()))?;
    Ok(Json(asked))
}

/// Deletes a key of the cluster.
#[utoipa::path(
    delete,
    path = "/v1/values/{key}",
    tag = "values",
    params(("key" = String, Path, description = "1 to 31 visible ASCII characters")),
    responses(
        (status = 200, description = "It is deleted"),
        (status = 404, description = "The cluster has no such key", body = Problem),
        NotNow,
    ),
)]
pub(super) async fn delete_value(
    State(agent): State<Agent>,
    key: Result<Path<String>, PathRejection>,
) -> Answer<()> {
    let Path(key) = key?;
    if !agent.shared().any(|shared| shared.key == key) {
        return Err(no_value(&key));
    }
    agent.handle.cluster().delete(&BYTES.named(key))?;
    Ok(Json(()))
}

/// Sends an event to all other members, once.
#[utoipa::path(
    post,
    path = "/v1/events",
    tag = "values",
    request_body = Send,
    responses(
        (status = 200, description = "What is sent", body = Send),
        Unreadable,
        BreaksLimit,
        NotNow,
    ),
)]
pub(super) async fn send_event(
    State(agent): State<Agent>,
    body: Result<Json<Send>, JsonRejection>,
) -> Answer<Send> {
    let Json(asked) = body?;
    let payload = Bytes::from(asked.payload.clone().into_bytes());
    agent.handle.send_event(&BYTES.named(asked.name.clone()), &payload)?;
    Ok(Json(asked))
}
