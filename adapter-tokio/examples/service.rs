//! An HTTP service whose instances find each other by gossip, and share out their work without a load balancer.
//!
//! `adapter-tokio/examples/service.sh` starts some, kills, stops and restarts them, and asks one of them all the while. By hand:
//! `cargo run -p adapter-tokio --example service -- web-1 127.0.0.1:7946`, and in other terminals
//! `… -- web-2 127.0.0.1:7947 127.0.0.1:7946`; each says where it serves.

use adapter_tokio::{ClusterName, Config, Handle, Key, Options, bind};
use axum::{Router, body::Bytes, extract::State, http::StatusCode, routing::get};
use http_body_util::{BodyExt as _, Empty};
use hyper_util::{
    client::legacy::{Client, connect::HttpConnector},
    rt::TokioExecutor,
};
use std::{
    env,
    error::Error,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering::Relaxed},
    },
    time::Duration,
};
use tokio::{
    net::TcpListener,
    signal::unix::{SignalKind, signal},
    time::timeout,
};

/// Where a member serves; its gossip address says on which machine.
const PORT: Key<u16> = Key::new("port");
/// How long one member may take to answer before the next one is asked.
const PATIENCE: Duration = Duration::from_millis(300);
/// How long leaving may take.
const LEAVE: Duration = Duration::from_secs(2);

type Http = Client<HttpConnector, Empty<Bytes>>;

/// What the next member answers that can be reached; each `turn` begins with another one.
async fn ask_any(node: &Handle, http: &Http, turn: usize) -> Option<String> {
    let mut members = node.routable();
    let first = turn % members.len().max(1);
    members.rotate_left(first);
    for member in members {
        let Ok(Some(port)) = node.get(member.id, &PORT) else { continue };
        let url = format!("http://{}:{}/work", member.address().ip(), port.value);
        if let Ok(Some(answer)) = timeout(PATIENCE, fetch(http, &url)).await {
            return Some(answer);
        }
    }
    None
}

async fn fetch(http: &Http, url: &str) -> Option<String> {
    let answer = http.get(url.parse().ok()?).await.ok().filter(|answer| answer.status().is_success())?;
    String::from_utf8(answer.into_body().collect().await.ok()?.to_bytes().into()).ok()
}

struct Shop {
    node: Handle,
    http: Http,
    turn: AtomicUsize,
}

async fn balance(State(shop): State<Arc<Shop>>) -> Result<String, StatusCode> {
    let turn = shop.turn.fetch_add(1, Relaxed);
    ask_any(&shop.node, &shop.http, turn).await.ok_or(StatusCode::SERVICE_UNAVAILABLE)
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = env::args().skip(1);
    let (Some(name), Some(address)) = (arguments.next(), arguments.next()) else {
        return Err("give a name, an address to gossip at, and those of members to join".into());
    };
    let mut options = Options::new(name.clone(), Config::local(ClusterName::named("service")?));
    options.bind = address.parse()?;
    options.seeds = arguments.map(|seed| seed.parse()).collect::<Result<_, _>>()?;
    let (node, driver) = bind(options).await?;
    // Serving begins before anybody is told.
    let listener = TcpListener::bind((node.local_addr().ip(), 0)).await?;
    node.publish(&PORT, &listener.local_addr()?.port())?;
    driver.spawn();
    println!("{name} gossips at {} and serves at http://{}", node.local_addr(), listener.local_addr()?);

    let http = Client::builder(TokioExecutor::new()).build_http();
    let shop = Arc::new(Shop { node: node.clone(), http, turn: AtomicUsize::new(0) });
    let routes =
        Router::new().route("/", get(balance)).route("/work", get(|| async { name })).with_state(shop);
    let mut terminated = signal(SignalKind::terminate())?;
    // First the others are told, so that they send nothing any more; then what they have sent is answered.
    let left = async move {
        terminated.recv().await;
        let _ = node.leave(LEAVE).await;
    };
    axum::serve(listener, routes).with_graceful_shutdown(left).await?;
    Ok(())
}
