//! The agent's metrics as text, for Prometheus and for those who read what it reads.

use super::Agent;
use adapter_tokio::prometheus::{
    prometheus_client::{
        encoding::{prometheus_text, text},
        metrics::counter::Counter,
        registry::Registry,
    },
    register,
};
use axum::{
    extract::State,
    http::{HeaderMap, StatusCode, header},
    response::{IntoResponse, Response},
};

const OPEN_METRICS: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

const SLOW_READERS: &str =
    "Readers of the agent's streams and answers that lost them because they read too slowly";

/// All metrics: as OpenMetrics for whoever accepts that, as every Prometheus since 2.5 does, and in the older text format for
/// others.
pub(super) async fn exposition(State(agent): State<Agent>, headers: HeaderMap) -> Response {
    let mut registry = Registry::default();
    register(&mut registry, &agent.handle);
    let slow = Counter::<u64>::default();
    let _ = slow.inc_by(agent.slow_readers.so_far());
    registry.register("gossip_slow_readers", SLOW_READERS, slow);
    let accepts = headers.get_all(header::ACCEPT).iter().filter_map(|accepted| accepted.to_str().ok());
    let is_open = accepts.into_iter().any(|accepted| accepted.contains("application/openmetrics-text"));
    let mut body = String::new();
    let (written, kind) = if is_open {
        (text::encode(&mut body, &registry), OPEN_METRICS)
    } else {
        (prometheus_text::encode(&mut body, &registry), prometheus_text::CONTENT_TYPE)
    };
    match written {
        Ok(()) => ([(header::CONTENT_TYPE, kind)], body).into_response(),
        Err(_) => StatusCode::INTERNAL_SERVER_ERROR.into_response(),
    }
}
