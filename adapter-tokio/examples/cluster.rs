//! What members have in common: a setting, an event to all, and latencies that one of them asks the others for.
//!
//! `cargo run -p adapter-tokio --example cluster` takes five seconds: who has just started hears no events yet.

use adapter_tokio::{
    Bytes, ClusterChange, ClusterName, Config, Handle, Key, NodeId, Options, Questions, bind,
};
use gossip_summaries::Histogram;
use std::{collections::BTreeMap, error::Error, time::Duration};

/// A setting of the whole cluster.
const MODE: Key<String> = Key::new("mode");
/// Tells that the cache of a table is to be dropped.
const DROPPED: Key<String> = Key::new("cache/drop");
/// The latencies that a node has seen, in microseconds: a histogram of eight buckets an octave.
const LATENCY: Key<Bytes> = Key::raw("latency/8");

/// Tells whoever asks what this node has seen. A real one would swap in a new window each minute.
async fn answer(mut questions: Questions<Bytes>, seen: Histogram<8>) {
    let mut room = [0; 1_024];
    while let Some(question) = questions.next().await {
        let answered = match seen.encode(&mut room) {
            Ok(len) => question.answer(&Bytes::copy_from_slice(&room[..len])),
            Err(_) => question.refuse(),
        };
        if let Err(error) = answered {
            eprintln!("not answered: {error}");
        }
    }
}

/// The histograms of all members that answer, each once, however often it was asked.
async fn ask_all(node: &Handle) -> Result<BTreeMap<NodeId, Histogram<8>>, Box<dyn Error>> {
    let mut latest = BTreeMap::new();
    for member in node.routable() {
        match node.ask(member.id, &LATENCY).await {
            Ok(bytes) => drop(latest.insert(member.id, Histogram::decode(&bytes)?)),
            Err(error) => eprintln!("{} is missing: {error}", member.id),
        }
    }
    Ok(latest)
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn Error>> {
    let config = Config::local(ClusterName::named("in common")?);
    let mut nodes: Vec<Handle> = Vec::new();
    for (name, base) in [("ada", 900), ("bob", 1_500), ("cyd", 4_000)] {
        let mut options = Options::new(name, config);
        options.seeds = nodes.iter().map(|node| node.local_addr().into()).collect();
        let (node, driver) = bind(options).await?;
        driver.spawn();
        let mut seen = Histogram::new();
        (0..1_000).for_each(|i| seen.record(base + i));
        tokio::spawn(answer(node.answer(&LATENCY)?, seen));
        nodes.push(node);
    }
    let [ada, bob, cyd] = nodes.as_slice() else { return Err("three nodes were started".into()) };
    for node in &nodes {
        node.watch().until(|members| members.len() == 2).await.ok_or("a node stopped")?;
    }

    let mut modes = cyd.cluster().watch(&MODE);
    ada.cluster().set(&MODE, &"read-only".to_owned())?;
    if let Some(Ok(ClusterChange::Set(mode))) = modes.next().await {
        println!("cyd knows that the mode is {}, set by {}", mode.value, mode.writer);
    }

    let latest = ask_all(ada).await?;
    let mut all = Histogram::<8>::new();
    latest.values().for_each(|seen| all.merge(seen));
    let [median, worst] = [500, 990].map(|permille| all.quantile(permille).unwrap_or_default());
    println!("{} members saw {} requests: p50 {median} µs, p99 {worst} µs", latest.len(), all.count());

    let mut events = cyd.user_events();
    tokio::time::sleep(Duration::from_secs(4)).await;
    bob.send_event(&DROPPED, &"users".to_owned())?;
    if let Some(Ok(event)) = events.next().await
        && let Some(table) = event.value(&DROPPED)?
    {
        println!("cyd drops its cache of {table}, as {} says", event.origin);
    }
    Ok(())
}
