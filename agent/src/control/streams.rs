//! What happens, for as long as somebody reads it.

use super::{Agent, api::Problem, failure::Failure};
use crate::print::Line;
use axum::{
    body::Body,
    extract::{Request, State},
    http::StatusCode,
    middleware::Next,
    response::{
        IntoResponse as _, Response, Sse,
        sse::{self, KeepAlive},
    },
};
use futures_util::StreamExt as _;
use http_body_util::BodyExt as _;
use std::{convert::Infallible, sync::Arc, time::Duration};
use tokio::sync::{
    Semaphore,
    broadcast::{self, error::RecvError},
    watch,
};
use utoipa::IntoResponses;

/// Streams at a time at the socket, and over TCP: so many fewer than connections that those who read for ever keep nobody out
/// who asks once.
pub(super) const MAX_STREAMS: usize = 32;

/// All places for streams are taken: the part of the document that all streams share.
#[derive(IntoResponses)]
#[response(status = 503, description = "As many streams are read as may be: try again")]
pub(super) struct NoPlace(#[allow(dead_code, reason = "it stands for the answer in the document")] Problem);

/// Lets a request for a stream pass if there is a place for it, which it keeps until it ends.
pub(super) async fn placed(State(places): State<Arc<Semaphore>>, request: Request, next: Next) -> Response {
    let Ok(place) = places.try_acquire_owned() else {
        let said = format!(
            "{MAX_STREAMS} streams are read here, and there are no more: end one of them (`gossip watch`, an open dashboard), or \
             try again later"
        );
        return Failure::new(StatusCode::SERVICE_UNAVAILABLE, said).into_response();
    };
    next.run(request).await.map(|body| {
        Body::new(body.map_frame(move |frame| {
            let _ = &place;
            frame
        }))
    })
}

/// How often a stream on which nothing happens says that it lives.
const ALIVE: Duration = Duration::from_secs(15);

/// What comes next; none once the agent ends and all that it has said is told.
async fn next(
    lines: &mut broadcast::Receiver<Arc<str>>,
    ending: &mut watch::Receiver<()>,
) -> Option<Result<Arc<str>, RecvError>> {
    tokio::select! {
        biased;
        next = lines.recv() => Some(next),
        _ = ending.changed() => None,
    }
}

/// All that the agent prints from now on. Who reads too slowly is told so, and has to begin anew.
#[utoipa::path(
    get,
    path = "/v1/watch",
    tag = "streams",
    responses(
        (status = 200, description = "Server-sent events, without end", content_type = "text/event-stream", body = Line),
        NoPlace,
    ),
)]
pub(super) async fn follow(
    State(agent): State<Agent>,
) -> Sse<impl futures_util::Stream<Item = Result<sse::Event, Infallible>>> {
    let from = Some((agent.lines.subscribe(), agent.ending, agent.slow_readers));
    let lines = futures_util::stream::unfold(from, |from| async move {
        let (mut lines, mut ending, slow) = from?;
        match next(&mut lines, &mut ending).await? {
            Ok(line) => Some((Ok(sse::Event::default().data(&*line)), Some((lines, ending, slow)))),
            Err(RecvError::Lagged(missed)) => {
                slow.count();
                let told = serde_json::to_string(&Line::lagged(missed)).unwrap_or_default();
                Some((Ok(sse::Event::default().data(told)), None))
            }
            Err(RecvError::Closed) => None,
        }
    });
    Sse::new(lines).keep_alive(KeepAlive::new().interval(ALIVE))
}

/// What happens around the agent: first what a reader has to know, then all that comes. Who reads too slowly has to begin anew.
#[utoipa::path(
    get,
    path = "/v1/feed",
    tag = "streams",
    responses(
        (
            status = 200,
            description = "Server-sent events, each a line of a recording in format 1",
            content_type = "text/event-stream",
            body = String
        ),
        NoPlace,
    ),
)]
pub(super) async fn feed(
    State(agent): State<Agent>,
) -> Sse<impl futures_util::Stream<Item = Result<sse::Event, Infallible>>> {
    let (snapshot, lines) = agent.feed.read();
    let known = (0..snapshot.len()).filter_map(move |line| snapshot.get(line).cloned());
    let from = (lines, agent.ending, agent.slow_readers);
    let news = futures_util::stream::unfold(from, |(mut lines, mut ending, slow)| async move {
        match next(&mut lines, &mut ending).await? {
            Ok(line) => Some((line, (lines, ending, slow))),
            Err(lost) => {
                if matches!(lost, RecvError::Lagged(_)) {
                    slow.count();
                }
                None
            }
        }
    });
    let all = futures_util::stream::iter(known).chain(news);
    Sse::new(all.map(|line| Ok(sse::Event::default().data(&*line))))
        .keep_alive(KeepAlive::new().interval(ALIVE))
}
