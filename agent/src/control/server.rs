//! Serves the control interface, on a thread of its own.

use super::{
    routes::{Agent, router},
    socket::Bound,
};
use anyhow::{Context as _, Result};
use axum::Router;
use hyper::server::conn::http1;
use hyper_util::{
    rt::{TokioIo, TokioTimer},
    service::TowerToHyperService,
};
use std::{io, sync::Arc, thread, time::Duration};
use tokio::{net::UnixListener, runtime::Builder, sync::Semaphore, task::LocalSet, time::sleep};

/// Connections at a time; further ones wait for one of them to end.
const MAX_CONNECTIONS: usize = 64;
/// How long the head of a request may take, and a connection may stay without one.
const HEAD_LIMIT: Duration = Duration::from_secs(10);
/// Bytes of the head of a request.
const MAX_HEAD: usize = 16 * 1_024;
/// How long to wait where there are no file descriptors left.
const REST: Duration = Duration::from_millis(100);

/// Starts to serve; it ends with the process.
///
/// # Errors
/// There are no threads or no file descriptors left.
pub(crate) fn start(mut socket: Bound, agent: Agent) -> Result<Serving> {
    let runtime = Builder::new_current_thread().enable_all().build()?;
    let listener = {
        let _on = runtime.enter();
        socket.listener()?
    };
    let routes = router(agent);
    let serve = move || LocalSet::new().block_on(&runtime, accept(listener, routes));
    thread::Builder::new()
        .name("gossip-control".to_owned())
        .spawn(serve)
        .context("cannot start the thread of the control interface")?;
    Ok(Serving { _socket: socket })
}

/// A server; the socket is removed when this is dropped.
#[derive(Debug)]
pub(crate) struct Serving {
    _socket: Bound,
}

async fn accept(listener: UnixListener, routes: Router) {
    let places = Arc::new(Semaphore::new(MAX_CONNECTIONS));
    loop {
        let Ok(place) = Arc::clone(&places).acquire_owned().await else { return };
        let stream = match listener.accept().await {
            Ok((stream, _)) => stream,
            Err(error) if error.kind() == io::ErrorKind::ConnectionAborted => continue,
            Err(_) => {
                sleep(REST).await;
                continue;
            }
        };
        let service = TowerToHyperService::new(routes.clone());
        tokio::task::spawn_local(async move {
            let mut http = http1::Builder::new();
            http.timer(TokioTimer::new()).header_read_timeout(HEAD_LIMIT).max_buf_size(MAX_HEAD);
            // Whoever goes away in the middle of something has no one to complain to.
            let _ = http.serve_connection(TokioIo::new(stream), service).await;
            drop(place);
        });
    }
}
