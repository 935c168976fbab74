//! What happens, for as long as somebody reads it.

use super::Agent;
use crate::print::Line;
use axum::{
    extract::State,
    response::{
        Sse,
        sse::{self, KeepAlive},
    },
};
use futures_util::StreamExt as _;
use std::{convert::Infallible, sync::Arc, time::Duration};
use tokio::sync::{
    broadcast::{self, error::RecvError},
    watch,
};

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
    ),
)]
pub(super) async fn follow(
    State(agent): State<Agent>,
) -> Sse<impl futures_util::Stream<Item = Result<sse::Event, Infallible>>> {
    let from = Some((agent.lines.subscribe(), agent.ending.clone()));
    let lines = futures_util::stream::unfold(from, |from| async move {
        let (mut lines, mut ending) = from?;
        match next(&mut lines, &mut ending).await? {
            Ok(line) => Some((Ok(sse::Event::default().data(&*line)), Some((lines, ending)))),
            Err(RecvError::Lagged(missed)) => {
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
    ),
)]
pub(super) async fn feed(
    State(agent): State<Agent>,
) -> Sse<impl futures_util::Stream<Item = Result<sse::Event, Infallible>>> {
    let (snapshot, lines) = agent.feed.read();
    let known = (0..snapshot.len()).filter_map(move |line| snapshot.get(line).cloned());
    let news = futures_util::stream::unfold((lines, agent.ending), |(mut lines, mut ending)| async move {
        Some((next(&mut lines, &mut ending).await?.ok()?, (lines, ending)))
    });
    let all = futures_util::stream::iter(known).chain(news);
    Sse::new(all.map(|line| Ok(sse::Event::default().data(&*line))))
        .keep_alive(KeepAlive::new().interval(ALIVE))
}
