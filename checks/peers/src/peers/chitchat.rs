//! chitchat 0.13: all nodes in this process, each with a UDP socket of its own.
//!
//! In every round it sends digests of all nodes, whose length varies by more than a change costs. What a change adds are
//! the deltas that ride on them, so these are counted where they are sent.

use super::{GOSSIP_INTERVAL, Kind, Peer, Sighting, TAG, name, number_of, staggered, value};
use anyhow::{Context as _, Result};
use async_trait::async_trait;
use chitchat::{
    ChitchatConfig, ChitchatEnvelope, ChitchatHandle, ChitchatId, ChitchatMessage, FailureDetectorConfig,
    ProtocolVersion, Serializable as _, spawn_chitchat,
    transport::{RecvOutcome, SendOutcome, Socket, Transport, UdpTransport},
};
use std::{
    net::SocketAddr,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
        mpsc::Sender,
    },
    time::Duration,
};
use tokio::runtime::Runtime;

/// As in its own documentation. Nothing is deleted here.
const DELETION_GRACE: Duration = Duration::from_secs(3_600);

/// The bytes of a delta that has nothing to say.
const EMPTY_DELTA: usize = 1;

/// The nodes, and what they run on.
pub(super) struct Chitchat {
    runtime: Runtime,
    nodes: Vec<ChitchatHandle>,
    deltas: Deltas,
}

/// The bytes of deltas that all nodes have sent.
#[derive(Clone, Default)]
struct Deltas(Arc<AtomicU64>);

impl Chitchat {
    /// Starts the nodes.
    ///
    /// # Errors
    /// A socket could not be bound.
    pub(super) fn start(nodes: usize, sightings: &Sender<Sighting>) -> Result<Self> {
        let runtime = Runtime::new()?;
        let deltas = Deltas::default();
        let nodes = staggered(nodes, |node| runtime.block_on(spawn(node, sightings.clone(), &deltas)))?;
        Ok(Self { runtime, nodes, deltas })
    }
}

async fn spawn(node: usize, sightings: Sender<Sighting>, deltas: &Deltas) -> Result<ChitchatHandle> {
    let config = ChitchatConfig {
        chitchat_id: ChitchatId::new(name(node), 0, Kind::Chitchat.address(node).into()),
        cluster_id: "peers".to_owned(),
        gossip_interval: GOSSIP_INTERVAL,
        listen_addr: Kind::Chitchat.address(node).into(),
        seed_nodes: vec![Kind::Chitchat.address(0).to_string()],
        failure_detector_config: FailureDetectorConfig::default(),
        marked_for_deletion_grace_period: DELETION_GRACE,
        catchup_callback: None,
        extra_liveness_predicate: None,
        // The newer one, which compresses digests.
        protocol_version: ProtocolVersion::V1,
    };
    let tags = vec![(TAG.to_owned(), value(0))];
    let handle = spawn_chitchat(config, tags, deltas).await?;
    let subscribe = |chitchat: &mut chitchat::Chitchat| {
        let sightings = sightings.clone();
        chitchat.subscribe_event(TAG, move |event| {
            if let Some(number) = number_of(event.value) {
                // Nobody listens any more when the round is over.
                let _ = sightings.send(Sighting::now(node, number));
            }
        })
    };
    handle.with_chitchat(subscribe).await.forever();
    Ok(handle)
}

#[async_trait]
impl Transport for Deltas {
    async fn open(&self, address: SocketAddr) -> Result<Box<dyn Socket>> {
        let socket = UdpTransport.open(address).await?;
        Ok(Box::new(CountingSocket { socket, deltas: self.clone() }))
    }
}

/// A socket that counts what it sends.
struct CountingSocket {
    socket: Box<dyn Socket>,
    deltas: Deltas,
}

#[async_trait]
impl Socket for CountingSocket {
    fn local_addr(&self) -> Result<SocketAddr> {
        self.socket.local_addr()
    }

    async fn send(&mut self, to: SocketAddr, envelope: ChitchatEnvelope) -> Result<SendOutcome> {
        if let ChitchatMessage::SynAck { delta, .. } | ChitchatMessage::Ack { delta } = &envelope.message {
            let bytes = delta.serialized_len().saturating_sub(EMPTY_DELTA);
            self.deltas.0.fetch_add(bytes as u64, Ordering::Relaxed);
        }
        self.socket.send(to, envelope).await
    }

    async fn recv(&mut self) -> Result<RecvOutcome> {
        self.socket.recv().await
    }
}

impl Peer for Chitchat {
    fn is_complete(&self) -> bool {
        let all = self.nodes.len();
        self.runtime.block_on(async {
            for node in &self.nodes {
                if node.with_chitchat(|chitchat| chitchat.live_nodes().count()).await < all {
                    return false;
                }
            }
            true
        })
    }

    fn set(&mut self, node: usize, value: &str) -> Result<()> {
        let node = self.nodes.get(node).context("no such node")?;
        self.runtime.block_on(node.with_chitchat(|chitchat| chitchat.self_node_state().set(TAG, value)));
        Ok(())
    }

    fn state_bytes(&self) -> Option<u64> {
        Some(self.deltas.0.load(Ordering::Relaxed))
    }
}
