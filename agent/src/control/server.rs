//! Serves the control interface, on a thread of its own.

use super::{
    Agent,
    access::{self, Access},
    routes::router,
    socket::Bound,
};
use anyhow::{Context as _, Result};
use axum::{Router, middleware, serve::Listener};
use hyper::server::conn::http1;
use hyper_util::{
    rt::{TokioIo, TokioTimer},
    service::TowerToHyperService,
};
use std::{
    net,
    pin::pin,
    sync::{Arc, mpsc},
    thread,
    time::Duration,
};
use tokio::{
    io::{AsyncRead, AsyncWrite},
    net::TcpListener,
    runtime::Builder,
    sync::{Semaphore, watch},
    time::timeout,
};

/// Connections at a time at the socket, and over TCP; further ones wait for one of them to end.
const MAX_CONNECTIONS: u32 = 64;
/// How long the head of a request may take, and a connection may stay without one.
const HEAD_LIMIT: Duration = Duration::from_secs(10);
/// Bytes of the head of a request.
const MAX_HEAD: usize = 16 * 1_024;
/// How long the end of the agent waits for answers that are under way.
const LAST_ANSWERS: Duration = Duration::from_millis(500);

/// Where it is served.
#[derive(Debug, Default)]
pub(super) struct Places {
    pub(super) socket: Option<Bound>,
    pub(super) tcp: Option<(net::TcpListener, Access)>,
}

/// Starts to serve, until what is returned is dropped, and `ending` with it.
///
/// # Errors
/// There are no threads or no file descriptors left.
pub(super) fn start(places: Places, agent: Agent, ending: watch::Sender<()>) -> Result<Serving> {
    let runtime = Builder::new_current_thread().enable_all().build()?;
    let seen = ending.subscribe();
    let (done, ended) = mpsc::channel();
    let Places { mut socket, tcp } = places;
    let routes = router(agent);
    let mut listening = Vec::new();
    {
        let _on = runtime.enter();
        if let Some(socket) = &mut socket {
            let accepting = accept(socket.listener()?, routes.clone(), seen.clone());
            listening.push(runtime.spawn(accepting));
        }
        if let Some((listener, access)) = tcp {
            let guarded = routes.layer(middleware::from_fn_with_state(access, access::guard));
            listening.push(runtime.spawn(accept(TcpListener::from_std(listener)?, guarded, seen)));
        }
    }
    let serve = move || {
        for accepting in listening {
            // One that panics has said so, and the other one goes on.
            let _ = runtime.block_on(accepting);
        }
        // Nobody may be waiting.
        let _ = done.send(());
    };
    thread::Builder::new()
        .name("gossip-control".to_owned())
        .spawn(serve)
        .context("cannot start the thread of the control interface")?;
    Ok(Serving { _socket: socket, ending: Some(ending), ended })
}

/// A server. When this is dropped, the socket is removed, and requests that are under way get their answers.
#[derive(Debug)]
pub(crate) struct Serving {
    _socket: Option<Bound>,
    ending: Option<watch::Sender<()>>,
    ended: mpsc::Receiver<()>,
}

impl Drop for Serving {
    fn drop(&mut self) {
        drop(self.ending.take());
        // It says so itself if it takes too long, and ends anyway.
        let _ = self.ended.recv_timeout(2 * LAST_ANSWERS);
    }
}

/// Serves all who come, until the end is near; then those that are there have a moment to read their answers.
async fn accept<L: Listener>(mut listener: L, routes: Router, mut ending: watch::Receiver<()>) {
    let places = Arc::new(Semaphore::new(MAX_CONNECTIONS as usize));
    loop {
        let next = async {
            let place = Arc::clone(&places).acquire_owned().await.ok()?;
            // Where there are no file descriptors left, this rests and tries again.
            Some((place, listener.accept().await.0))
        };
        let (place, stream) = tokio::select! {
            Some(accepted) = next => accepted,
            _ = ending.changed() => break,
        };
        let (service, ending) = (TowerToHyperService::new(routes.clone()), ending.clone());
        tokio::spawn(async move {
            serve(stream, service, ending).await;
            drop(place);
        });
    }
    let all = places.acquire_many(MAX_CONNECTIONS);
    // Whoever does not read is left behind.
    let _ = timeout(LAST_ANSWERS, all).await;
}

async fn serve(
    stream: impl AsyncRead + AsyncWrite + Unpin,
    service: TowerToHyperService<Router>,
    mut ending: watch::Receiver<()>,
) {
    let mut http = http1::Builder::new();
    http.timer(TokioTimer::new()).header_read_timeout(HEAD_LIMIT).max_buf_size(MAX_HEAD);
    let mut connection = pin!(http.serve_connection(TokioIo::new(stream), service));
    // Whoever goes away in the middle of something has no one to complain to.
    tokio::select! {
        _ = connection.as_mut() => return,
        _ = ending.changed() => connection.as_mut().graceful_shutdown(),
    }
    let _ = connection.await;
}
