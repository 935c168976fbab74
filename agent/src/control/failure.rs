//! Why a request is not carried out.

use super::api::Problem;
use crate::print::{with_sources, without_keys};
use adapter_tokio::{PublishError, StateError};
use axum::{
    Json,
    extract::rejection::{JsonRejection, PathRejection, QueryRejection},
    http::StatusCode,
    response::{IntoResponse, Response},
};
use utoipa::IntoResponses;

pub(super) type Answer<T> = Result<Json<T>, Failure>;

/// What is given cannot be read: the part of the document that all say who read something.
#[derive(IntoResponses)]
#[response(status = 400, description = "What is given cannot be read; the answer says what to give instead")]
pub(super) struct Unreadable(
    #[allow(dead_code, reason = "it stands for the answer in the document")] Problem,
);

/// It breaks a limit: the same, of all that publish something.
#[derive(IntoResponses)]
#[response(status = 422, description = "It breaks a limit, which the answer names")]
pub(super) struct BreaksLimit(
    #[allow(dead_code, reason = "it stands for the answer in the document")] Problem,
);

/// It cannot be published or withdrawn now: the same, of all that do so.
#[derive(IntoResponses)]
#[allow(dead_code, reason = "it stands for the answers in the document")]
pub(super) enum NotNow {
    #[response(status = 429, description = "Too much is changed at once: try again")]
    Busy(Problem),
    #[response(status = 503, description = "The node has stopped")]
    Stopped(Problem),
}

/// Why a request is not carried out: a status, and words that say what to do.
#[derive(Debug)]
pub(super) struct Failure(StatusCode, String);

impl Failure {
    pub(super) fn new(status: StatusCode, error: impl Into<String>) -> Self {
        Self(status, error.into())
    }

    pub(super) fn wrong(error: impl Into<String>) -> Self {
        Self(StatusCode::BAD_REQUEST, error.into())
    }

    pub(super) fn unknown(error: impl Into<String>) -> Self {
        Self(StatusCode::NOT_FOUND, error.into())
    }
}

impl IntoResponse for Failure {
    fn into_response(self) -> Response {
        (self.0, Json(Problem { error: without_keys(&self.1).into_owned() })).into_response()
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

impl From<PathRejection> for Failure {
    fn from(error: PathRejection) -> Self {
        Self(error.status(), error.body_text())
    }
}

impl From<QueryRejection> for Failure {
    fn from(error: QueryRejection) -> Self {
        Self(error.status(), with_sources(&error))
    }
}
