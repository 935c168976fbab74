//! Members that an operator has forgotten.

use super::{
    Agent,
    api::{Member, Problem},
    failure::{Answer, Failure},
};
use adapter_tokio::{ForgetError, NodeId, NotForgotten, StateError};
use axum::{
    Json,
    extract::{Path, State, rejection::PathRejection},
    http::StatusCode,
};

/// Forgets a member that is dead or has left, at all members. One that is dead is tried for two seconds before.
#[utoipa::path(
    delete,
    path = "/v1/members/{who}",
    tag = "members",
    params(("who" = String, Path, description = "A name, or an id")),
    responses(
        (status = 200, description = "The member, as it was", body = Member),
        (status = 404, description = "No member is called so", body = Problem),
        (status = 409, description = "It is live, or it answered", body = Problem),
        (status = 429, description = "Too many are tried, or told of, at once: try again", body = Problem),
        (status = 503, description = "The node has stopped", body = Problem),
    ),
)]
pub(super) async fn forget(
    State(agent): State<Agent>,
    who: Result<Path<String>, PathRejection>,
) -> Answer<Member> {
    let Path(who) = who?;
    let member = agent.find(&who)?;
    if member.id == agent.handle.id().to_string() {
        return Err(Failure::new(StatusCode::CONFLICT, "this is the agent's own node: have it leave"));
    }
    let id: NodeId = member.id.parse().map_err(|_| Failure::unknown(format!("{who} has no id")))?;
    agent.handle.forget(id).await?;
    Ok(Json(member))
}

impl From<ForgetError> for Failure {
    fn from(error: ForgetError) -> Self {
        let status = match error {
            ForgetError::Node(NotForgotten::NoMember) => StatusCode::NOT_FOUND,
            ForgetError::Node(NotForgotten::Live) | ForgetError::Answers => StatusCode::CONFLICT,
            ForgetError::NotTried | ForgetError::NotTold(StateError::Busy { .. }) => {
                StatusCode::TOO_MANY_REQUESTS
            }
            _ => StatusCode::SERVICE_UNAVAILABLE,
        };
        Self::new(status, error.to_string())
    }
}
