//! How long it takes to the members and back, by zone.

use super::{
    Agent,
    api::{Problem, RoundTrip},
    failure::{Answer, Failure},
};
use adapter_tokio::RoundTrip as Measured;
use axum::{
    Json,
    extract::{Path, State, rejection::PathRejection},
};
use std::time::Duration;

impl From<Measured> for RoundTrip {
    fn from(trip: Measured) -> Self {
        // To the microsecond: 32 bits of them are exact in an `f64`.
        let ms = |time: Duration| time.as_micros() as f64 / 1_000.0;
        Self {
            zone: trip.zone.to_string(),
            smoothed_ms: ms(trip.smoothed),
            variation_ms: ms(trip.variation),
            p99_ms: ms(trip.p99),
            ack_timeout_ms: ms(trip.ack_timeout),
        }
    }
}

/// The round trips to all zones that are measured.
#[utoipa::path(
    get,
    path = "/v1/rtt",
    tag = "members",
    responses(
        (status = 200, description = "A row for each of the first 16 zones that answered", body = Vec<RoundTrip>),
    ),
)]
pub(super) async fn all(State(agent): State<Agent>) -> Json<Vec<RoundTrip>> {
    Json(agent.handle.round_trips().into_iter().map(RoundTrip::from).collect())
}

/// The round trips to the zone of a member: those to the member alone are not measured.
#[utoipa::path(
    get,
    path = "/v1/rtt/{who}",
    tag = "members",
    params(("who" = String, Path, description = "A name, or an id")),
    responses(
        (status = 200, description = "The row of its zone", body = RoundTrip),
        (status = 404, description = "No member is called so, or nothing is measured of its zone", body = Problem),
    ),
)]
pub(super) async fn of_member(
    State(agent): State<Agent>,
    who: Result<Path<String>, PathRejection>,
) -> Answer<RoundTrip> {
    let Path(who) = who?;
    let zone = agent.find(&who)?.record.locality().domain();
    let trips = agent.handle.round_trips();
    trips.into_iter().find(|trip| trip.zone == zone).map(|trip| Json(trip.into())).ok_or_else(|| {
        Failure::unknown(format!(
            "no round trip is measured to zone {zone}, where {who} is: no other member there has answered a probe of this agent, \
             or 16 other zones are measured already"
        ))
    })
}
