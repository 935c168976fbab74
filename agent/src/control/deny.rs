//! Nodes that an operator keeps out.

use super::{
    Agent,
    api::{Denied, Problem},
    failure::{Answer, Failure},
};
use adapter_tokio::{DenyError, NodeId, NotDenied};
use axum::{
    Json,
    extract::{Path, State, rejection::PathRejection},
    http::StatusCode,
};

impl Agent {
    pub(super) fn denied(&self) -> Vec<String> {
        self.handle.denied().iter().map(NodeId::to_string).collect()
    }
}

/// Denies a node: this agent's node does not hear it any more, and it is no member here.
#[utoipa::path(
    put,
    path = "/v1/denied/{who}",
    tag = "members",
    params(("who" = String, Path, description = "The name of a member, or an id")),
    responses(
        (status = 200, description = "All that are denied now", body = Denied),
        (status = 404, description = "No member is called so, and it is no id", body = Problem),
        (status = 409, description = "It is the agent's own node, or there is no room", body = Problem),
        (status = 503, description = "The node has stopped", body = Problem),
    ),
)]
pub(super) async fn deny(
    State(agent): State<Agent>,
    who: Result<Path<String>, PathRejection>,
) -> Answer<Denied> {
    let Path(who) = who?;
    let id = match agent.find(&who) {
        Ok(view) => view.id,
        Err(unknown) => who.parse().map_err(|_| unknown)?,
    };
    agent.handle.deny(id)?;
    Ok(Json(Denied { denied: agent.denied() }))
}

/// Does not deny a node any more.
#[utoipa::path(
    delete,
    path = "/v1/denied/{who}",
    tag = "members",
    params(("who" = String, Path, description = "The node's id, or the name that its id follows from")),
    responses(
        (status = 200, description = "All that are still denied", body = Denied),
        (status = 404, description = "It is not denied", body = Problem),
    ),
)]
pub(super) async fn allow(
    State(agent): State<Agent>,
    who: Result<Path<String>, PathRejection>,
) -> Answer<Denied> {
    let Path(who) = who?;
    let denied = agent.handle.denied();
    // It is no member, so that nobody here knows its name.
    let meant = [who.parse().ok(), NodeId::from_name(&who).ok()];
    let id = meant.into_iter().flatten().find(|id| denied.contains(id));
    let id = id.ok_or_else(|| {
        Failure::unknown(format!("{who} is not denied: give an id that `gossip info` shows as denied"))
    })?;
    agent.handle.allow(id);
    Ok(Json(Denied { denied: agent.denied() }))
}

impl From<DenyError> for Failure {
    fn from(error: DenyError) -> Self {
        let status = match error {
            DenyError::Node(NotDenied::Myself | NotDenied::Full { .. }) => StatusCode::CONFLICT,
            _ => StatusCode::SERVICE_UNAVAILABLE,
        };
        Self::new(status, error.to_string())
    }
}
