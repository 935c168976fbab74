//! Which path leads where, and the document that says so.

use super::{
    Agent, changes, deny, failure::Failure, forget, keys, members, metrics, page, reach, round_trips,
    streams, values,
};
use axum::{
    Json, Router,
    extract::{DefaultBodyLimit, Request},
    http::StatusCode,
    middleware::{self, Next},
    response::{IntoResponse, Response},
    routing::get,
};
use std::{sync::Arc, time::Duration};
use tokio::sync::Semaphore;
use utoipa::{
    OpenApi,
    openapi::{
        self,
        security::{HttpAuthScheme, HttpBuilder, SecurityScheme},
    },
};
use utoipa_axum::{router::OpenApiRouter, routes};

/// Bytes of a request's body: more than any value or list of seeds that the node takes.
const MAX_BODY: usize = 64 * 1_024;
/// How long a request may take, streams excepted.
const LIMIT: Duration = Duration::from_secs(10);

/// What the document says of the whole.
#[derive(OpenApi)]
#[openapi(
    info(
        title = "gossip",
        description = "What a running agent can be asked and told. Without a token one may read on the agent's own machine; \
                       changes, and all requests from elsewhere, need it. At the control socket nothing does.",
    ),
    tags(
        (name = "members", description = "What the agent knows"),
        (name = "node", description = "What its own node does"),
        (name = "state", description = "What its own node publishes"),
        (name = "values", description = "What belongs to the cluster, and what is sent to all of it"),
        (name = "streams", description = "What happens"),
    ),
    security((), ("token" = [])),
)]
struct Document;

fn asked() -> OpenApiRouter<Agent> {
    OpenApiRouter::with_openapi(Document::openapi())
        .routes(routes!(members::info))
        .routes(routes!(members::members))
        .routes(routes!(members::member, forget::forget))
        .routes(routes!(deny::deny, deny::allow))
        .routes(routes!(members::metrics))
        .routes(routes!(round_trips::all))
        .routes(routes!(round_trips::of_member))
        .routes(routes!(reach::reach))
        .routes(routes!(keys::keys))
        .routes(routes!(keys::reload))
        .routes(routes!(changes::join))
        .routes(routes!(changes::leave))
        .routes(routes!(changes::set_health))
        .routes(routes!(changes::pause))
        .routes(routes!(changes::set, changes::unset))
        .routes(routes!(values::values))
        .routes(routes!(values::value, values::set_value, values::delete_value))
        .routes(routes!(values::send_event))
}

/// All paths, with places for streams of their own.
fn parts() -> (Router<Agent>, openapi::OpenApi) {
    let (asked, mut document) = asked().split_for_parts();
    let (streams, of_streams) = OpenApiRouter::new()
        .routes(routes!(streams::follow))
        .routes(routes!(streams::feed))
        .split_for_parts();
    document.merge(of_streams);
    let places = Arc::new(Semaphore::new(streams::MAX_STREAMS));
    let streams = streams.route_layer(middleware::from_fn_with_state(places, streams::placed));
    let bearer = HttpBuilder::new().scheme(HttpAuthScheme::Bearer).build();
    let components = document.components.get_or_insert_default();
    components.security_schemes.insert("token".to_owned(), SecurityScheme::Http(bearer).into());
    let asked = asked
        .route("/", get(page::page))
        .route("/metrics", get(metrics::exposition))
        .layer(middleware::from_fn(in_time));
    (asked.merge(streams), document)
}

/// The document of everything that can be asked, as OpenAPI 3.1.
#[cfg(test)]
pub(super) fn document() -> openapi::OpenApi {
    parts().1
}

/// What is served at one place.
pub(super) fn router(agent: Agent) -> Router {
    let (routes, document) = parts();
    routes
        .route("/v1/openapi.json", get(|| async { Json(document) }))
        .fallback(|| async {
            Failure::unknown("there is no such path: GET /v1/openapi.json says what can be asked")
        })
        .method_not_allowed_fallback(|| async {
            let said = "this path is asked by another method: GET /v1/openapi.json says by which";
            Failure::new(StatusCode::METHOD_NOT_ALLOWED, said)
        })
        .layer(DefaultBodyLimit::max(MAX_BODY))
        .with_state(agent)
}

async fn in_time(request: Request, next: Next) -> Response {
    match tokio::time::timeout(LIMIT, next.run(request)).await {
        Ok(response) => response,
        Err(_) => Failure::new(
            StatusCode::REQUEST_TIMEOUT,
            format!("the request took longer than {} s", LIMIT.as_secs()),
        )
        .into_response(),
    }
}
