//! Members that an operator has forgotten.

use super::{
    Agent,
    api::{Member, Problem},
    failure::{Answer, Failure},
};
use adapter_tokio::{ForgetError, NotForgotten, StateError};
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
    let view = agent.find(&who)?;
    if view.id == agent.handle.id() {
        return Err(Failure::new(StatusCode::CONFLICT, "this is the agent's own node: have it leave"));
    }
    let (id, member) = (view.id, agent.member(view));
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
