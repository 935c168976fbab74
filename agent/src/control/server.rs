//! Serves the control interface, on a thread of its own.

use super::{
    Agent,
    access::{self, Access},
    routes::router,
    socket::Bound,
    streams::MAX_STREAMS,
    unread::{SlowReaders, Unread},
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
const _: () = assert!(2 * MAX_STREAMS <= MAX_CONNECTIONS as usize, "streams leave room for others");
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
    let slow = agent.slow_readers.clone();
    let mut listening = Vec::new();
    {
        let _on = runtime.enter();
        if let Some(socket) = &mut socket {
            let accepting = accept(socket.listener()?, router(agent.clone()), seen.clone(), slow.clone());
            listening.push(runtime.spawn(accepting));
        }
        if let Some((listener, access)) = tcp {
            let guarded = router(agent).layer(middleware::from_fn_with_state(access, access::guard));
            listening.push(runtime.spawn(accept(TcpListener::from_std(listener)?, guarded, seen, slow)));
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
async fn accept<L: Listener>(
    mut listener: L,
    routes: Router,
    mut ending: watch::Receiver<()>,
    slow: SlowReaders,
) {
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
        let stream = Unread::new(stream, slow.clone());
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::control::{api::AnswersAt, feed::Feed, unread::UNREAD_LIMIT};
    use adapter_tokio::{ClusterName, Config, Options, bind};
    use axum::routing::get;
    use tokio::{
        io::{AsyncReadExt as _, AsyncWriteExt as _, duplex},
        net::TcpStream,
        time::{Instant, advance},
    };

    const ASKED: &[u8] = b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n";

    fn served(bytes: usize) -> (tokio::io::DuplexStream, tokio::task::JoinHandle<()>, watch::Sender<()>) {
        let routes = Router::new().route("/", get(move || async move { vec![b'x'; bytes] }));
        let (client, stream) = duplex(1_024);
        let (ending, seen) = watch::channel(());
        let stream = Unread::new(stream, SlowReaders::default());
        let serving = tokio::spawn(serve(stream, TowerToHyperService::new(routes), seen));
        (client, serving, ending)
    }

    #[tokio::test(start_paused = true)]
    async fn who_does_not_read_the_answer_loses_the_connection_and_its_place() {
        let (mut client, serving, _ending) = served(1_000_000);
        client.write_all(ASKED).await.unwrap();
        let asked = Instant::now();
        timeout(10 * UNREAD_LIMIT, serving).await.unwrap().unwrap();
        assert!((UNREAD_LIMIT..2 * UNREAD_LIMIT).contains(&asked.elapsed()), "{:?}", asked.elapsed());
    }

    #[tokio::test(start_paused = true)]
    async fn who_reads_slowly_gets_the_whole_answer() {
        const BYTES: usize = 20_000;
        let (mut client, _serving, _ending) = served(BYTES);
        client.write_all(ASKED).await.unwrap();
        let (mut read, mut buffer) = (0, [0; 1_024]);
        while read < BYTES {
            advance(UNREAD_LIMIT / 2).await;
            let more = client.read(&mut buffer).await.unwrap();
            assert!(more > 0, "it ended after {read} bytes");
            read += more;
        }
    }

    /// Sends a request for the feed, and reads what comes up to the first line of it.
    async fn reader(address: net::SocketAddr) -> TcpStream {
        let mut stream = TcpStream::connect(address).await.unwrap();
        stream.write_all(b"GET /v1/feed HTTP/1.1\r\nHost: localhost\r\n\r\n").await.unwrap();
        let mut seen = Vec::new();
        while !seen.windows(6).any(|bytes| bytes == b"data: ") {
            assert!(stream.read_buf(&mut seen).await.unwrap() > 0);
        }
        stream
    }

    #[tokio::test]
    async fn a_reader_of_the_feed_that_reads_nothing_loses_its_connection() {
        const LINES: usize = 100;
        let cluster = ClusterName::named("feed").unwrap();
        let (handle, driver) = bind(Options::new("a", Config::local(cluster))).await.unwrap();
        let _driver = driver.spawn();
        let place = crate::locality::parse("0/0/0").unwrap();
        let feed = Feed::new(handle.clone(), "a".to_owned(), "feed".to_owned(), place.clone());
        let (ending, seen) = watch::channel(());
        let agent = Agent {
            handle: handle.clone(),
            name: "a".to_owned(),
            cluster: "feed".to_owned(),
            place,
            orders: tokio::sync::mpsc::channel(1).0,
            lines: tokio::sync::broadcast::channel(1).0,
            ending: seen.clone(),
            answers_at: AnswersAt::default(),
            feed: feed.clone(),
            slow_readers: SlowReaders::default(),
            turn: crate::control::reach::Turn::default(),
        };
        let slow = agent.slow_readers.clone();
        let listener = TcpListener::bind((net::Ipv4Addr::LOCALHOST, 0)).await.unwrap();
        let address = listener.local_addr().unwrap();
        let accepting = tokio::spawn(accept(listener, router(agent), seen, slow.clone()));
        let idle = reader(address).await;
        assert_eq!((feed.readers(), slow.so_far()), (1, 0));
        // More than the system keeps of what is not read. From then on all that is waited for is the limit.
        for _ in 0..1_000 {
            feed.tell(vec!["x".repeat(10_000); LINES]);
            tokio::task::yield_now().await;
        }
        tokio::time::pause();
        while slow.so_far() == 0 {
            tokio::time::sleep(UNREAD_LIMIT / 10).await;
        }
        assert_eq!((feed.readers(), slow.so_far()), (0, 1));
        tokio::time::resume();
        // The node goes on, and others are served.
        let other = reader(address).await;
        assert_eq!(feed.readers(), 1);
        assert!(handle.is_joined());
        drop((idle, other, ending));
        accepting.await.unwrap();
    }
}
