//! This project's nodes on tokio: all in this process, each with a UDP socket of its own.

use super::{GOSSIP_INTERVAL, Kind, Peer, Sighting, TAG, name, number_of, staggered, value};
use adapter_tokio::{ClusterName, Config, Event, Events, Handle, Key, Options, bind};
use anyhow::{Context as _, Result};
use std::sync::mpsc::Sender;
use tokio::runtime::Runtime;

/// The tag that changes.
const KEY: Key<String> = Key::new(TAG);

/// The nodes, and what they run on.
pub(super) struct Gossip {
    _runtime: Runtime,
    nodes: Vec<Handle>,
}

impl Gossip {
    /// Starts the nodes.
    ///
    /// # Errors
    /// A socket could not be bound.
    pub(super) fn start(nodes: usize, sightings: &Sender<Sighting>) -> Result<Self> {
        let runtime = Runtime::new()?;
        let nodes = staggered(nodes, |node| runtime.block_on(spawn(node, sightings.clone())))?;
        Ok(Self { _runtime: runtime, nodes })
    }
}

async fn spawn(node: usize, sightings: Sender<Sighting>) -> Result<Handle> {
    let config =
        Config::lan(ClusterName::named("peers")?).with(|config| config.gossip_interval = GOSSIP_INTERVAL);
    let mut options = Options::new(name(node), config);
    options.bind = Kind::Gossip.address(node).into();
    if node > 0 {
        options.seeds = vec![Kind::Gossip.address(0).to_string().parse()?];
    }
    let (handle, driver) = bind(options).await?;
    handle.publish(&KEY, &value(0))?;
    tokio::spawn(follow(node, handle.clone(), handle.events(), sightings));
    driver.spawn();
    Ok(handle)
}

/// Reports what the node learns of others' tags.
async fn follow(node: usize, handle: Handle, mut events: Events, sightings: Sender<Sighting>) {
    while let Some(notice) = events.next().await {
        let Ok(Event::State(owner)) = notice.map(|notice| notice.event) else { continue };
        let tag = handle.get(owner, &KEY).ok().flatten();
        if let Some(number) = tag.and_then(|tag| number_of(&tag.value)) {
            // Nobody listens any more when the round is over.
            let _ = sightings.send(Sighting::now(node, number));
        }
    }
}

impl Peer for Gossip {
    fn is_complete(&self) -> bool {
        self.nodes.iter().all(|node| node.routable().len() + 1 >= self.nodes.len())
    }

    fn set(&mut self, node: usize, value: &str) -> Result<()> {
        let node = self.nodes.get(node).context("no such node")?;
        node.publish(&KEY, &value.to_owned()).context("publish")
    }
}
