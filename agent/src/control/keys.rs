//! Which keys the agent's node has, and how it gets others.

use super::{
    Agent, Orders,
    api::{KeyUse, Keys, Problem, ReloadKeys},
    failure::{Answer, Failure, Unreadable},
};
use crate::configuration::reload::KeysOrder;
use axum::{
    Json,
    extract::{State, rejection::JsonRejection},
    http::StatusCode,
};
use tokio::sync::oneshot;

impl Agent {
    fn keys(&self) -> Keys {
        let (view, seen) = (self.handle.keys(), self.handle.metrics());
        let key = |(at, &(id, members)): (usize, &(_, u32))| KeyUse {
            id: adapter_tokio::KeyId::to_string(&id),
            seals: at == 0 && view.sealing.seals(),
            opens: view.sealing.hears_sealed(),
            members,
        };
        Keys {
            sealing: view.sealing.to_string(),
            keys: view.keys.iter().enumerate().map(key).collect(),
            received_sealed: seen.received_sealed,
            received_clear: seen.received_clear,
            unproven: seen.unproven,
            unknown_keys: seen.unknown_keys,
            forged: seen.forged,
            replayed: seen.replayed,
            not_sealed: seen.not_sealed,
        }
    }
}

/// Which keys the node has, who speaks under them, and what was refused.
#[utoipa::path(
    get,
    path = "/v1/keys",
    tag = "node",
    responses(
        (status = 200, description = "Ids and numbers, never keys", body = Keys),
    ),
)]
pub(super) async fn keys(State(agent): State<Agent>) -> Json<Keys> {
    Json(agent.keys())
}

/// Has the file of keys read again. All of it counts then, or nothing.
#[utoipa::path(
    post,
    path = "/v1/keys/reload",
    tag = "node",
    request_body = ReloadKeys,
    responses(
        (status = 200, description = "What the node has now", body = Keys),
        Unreadable,
        (status = 409, description = "The file cannot be used, or lacks a key in use: nothing has changed", body = Problem),
        (status = 503, description = "The agent ends", body = Problem),
    ),
)]
pub(super) async fn reload(
    State(agent): State<Agent>,
    body: Result<Json<ReloadKeys>, JsonRejection>,
) -> Answer<Keys> {
    let Json(ReloadKeys { force }) = body?;
    let ends = || Failure::new(StatusCode::SERVICE_UNAVAILABLE, "the agent ends");
    let (done, outcome) = oneshot::channel();
    agent.orders.send(Orders::ReloadKeys(KeysOrder { force, done })).await.map_err(|_| ends())?;
    match outcome.await.map_err(|_| ends())? {
        Ok(()) => Ok(Json(agent.keys())),
        Err(why) => Err(Failure::new(StatusCode::CONFLICT, why)),
    }
}
