//! A cluster's life in eight chapters, on real sockets in one process: each is asserted and timed.

use crate::{
    cli::DemoArgs,
    configuration::knobs::Preset,
    keys::new_key,
    print::{self, Format},
    run::adapter::Adapter,
};
use adapter_tokio::{
    ClusterName, Config, Handle, Health, Key, KeyRing, Keys, MemberView, NodeId, Options, Seed, Status,
    Stopped, UserEvents,
};
use anyhow::{Context as _, Result, anyhow, bail};
use comfy_table::{Table, presets};
use serde::Serialize;
use std::{
    collections::VecDeque,
    io::{self, Write as _},
    net::{IpAddr, Ipv4Addr, SocketAddr},
    sync::Arc,
    time::Duration,
};
use tokio::{
    task::JoinHandle,
    time::{Instant, sleep, sleep_until, timeout},
};

/// A chapter that takes longer has failed: several times what the slowest one, the crash, takes.
const CHAPTER_LIMIT: Duration = Duration::from_secs(15);
/// How often the nodes are asked whether a chapter's promise has come true; also the figures' resolution.
const POLL: Duration = Duration::from_millis(2);
/// The name of the node that everything happens to.
const FIRST: &str = "node-1";
/// Where the first node's service listens, as it says.
const PORT: Key<u16> = Key::new("port");
const SERVICE_PORT: u16 = 8_080;
/// A flag of the whole cluster.
const MAINTENANCE: Key<bool> = Key::new("maintenance");
/// Tells that the cache of a table is to be dropped.
const DROPPED: Key<String> = Key::new("cache/drop");
const TABLE: &str = "users";
/// From this age on a node hears what others send to all: before, an earlier life of its own may have heard it. That is 3.75 s,
/// and longer for a node that was held up by the system meanwhile.
const HEARS_EVENTS: Duration = Duration::from_secs(6);
/// Any free port of the loopback interface.
const LOOPBACK: SocketAddr = SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), 0);

/// Tells the story, chapter by chapter, and sums it up.
///
/// # Errors
/// The promise that did not come true, or the node that could not start.
pub(crate) async fn demo(args: DemoArgs) -> Result<()> {
    let ring = args.sealed.then(|| Ok::<_, anyhow::Error>(KeyRing::new(&[new_key()?])?)).transpose()?;
    let mut nodes = Nodes::new(args.adapter, Preset::Local.config(ClusterName::named("demo")?), ring);
    let mut story = Story { format: Format::of(args.json), chapters: Vec::new() };
    let told = story.tell(&mut nodes, args.nodes).await;
    story.end(args.nodes, told.is_ok() && nodes.agree())?;
    told
}

/// A promise that came true.
struct Kept {
    what: String,
    took: Duration,
}

/// A chapter that ended; without `seconds`, it failed.
#[derive(Debug, Serialize)]
struct Chapter {
    chapter: &'static str,
    what: String,
    seconds: Option<f64>,
}

/// What the last line of `--json` says; the figure of a chapter that failed or was not reached is null.
#[derive(Debug, Serialize)]
struct Summary {
    nodes: u8,
    formed_s: Option<f64>,
    published_s: Option<f64>,
    flag_set_s: Option<f64>,
    crash_detected_s: Option<f64>,
    event_heard_s: Option<f64>,
    rejoined_s: Option<f64>,
    left_s: Option<f64>,
    views_equal: bool,
}

/// What was told so far.
struct Story {
    format: Format,
    chapters: Vec<Chapter>,
}

impl Story {
    async fn tell(&mut self, nodes: &mut Nodes, n: u8) -> Result<()> {
        let sealed = if nodes.ring.is_some() { " They seal all that they say." } else { "" };
        let opening = format!("{n} nodes start, and join through the first.{sealed}");
        self.chapter("form", &opening, nodes.form(n)).await?;
        self.chapter("spread", "The first says that it is degraded.", nodes.spread()).await?;
        self.chapter("publish", "It says where its service listens.", nodes.publish()).await?;
        self.chapter("flag", "It sets a flag for the whole cluster.", nodes.flag()).await?;
        self.chapter("crash", "It crashes.", nodes.crash()).await?;
        self.chapter("event", "The second one tells all to drop a cache.", nodes.event()).await?;
        self.chapter("restart", "It starts again, on another port.", nodes.restart()).await?;
        self.chapter("leave", "The second one leaves.", nodes.leave()).await
    }

    async fn chapter(
        &mut self,
        chapter: &'static str,
        opening: &str,
        promise: impl Future<Output = Result<Kept>>,
    ) -> Result<()> {
        if self.format == Format::Words {
            writeln!(io::stdout(), "{opening}")?;
        }
        let (what, seconds, outcome) = match promise.await {
            Ok(kept) => (kept.what, Some(seconds(kept.took)), Ok(())),
            Err(error) => (format!("failed: {error}"), None, Err(anyhow!("chapter {chapter}: {error}"))),
        };
        let chapter = Chapter { chapter, what, seconds };
        if self.format == Format::Json {
            print::print_json(&chapter)?;
        }
        self.chapters.push(chapter);
        outcome
    }

    fn end(&self, nodes: u8, views_equal: bool) -> io::Result<()> {
        match self.format {
            Format::Words => writeln!(io::stdout(), "\n{}", self.table()),
            Format::Json => print::print_json(&Summary {
                nodes,
                formed_s: self.seconds("form"),
                published_s: self.seconds("publish"),
                flag_set_s: self.seconds("flag"),
                crash_detected_s: self.seconds("crash"),
                event_heard_s: self.seconds("event"),
                rejoined_s: self.seconds("restart"),
                left_s: self.seconds("leave"),
                views_equal,
            }),
        }
    }

    fn seconds(&self, chapter: &str) -> Option<f64> {
        self.chapters.iter().find(|told| told.chapter == chapter)?.seconds
    }

    fn table(&self) -> Table {
        let mut table = Table::new();
        table.load_style(presets::ASCII_MARKDOWN).set_header(["chapter", "what came of it", "took"]);
        for Chapter { chapter, what, seconds } in &self.chapters {
            let took = seconds.map_or_else(|| String::from("-"), |seconds| format!("{seconds:.3} s"));
            table.add_row([*chapter, what, &took]);
        }
        table
    }
}

/// Seconds, to the next millisecond.
fn seconds(duration: Duration) -> f64 {
    duration.as_micros().div_ceil(1_000) as f64 / 1_000.0
}

/// One node of the demo.
struct Running {
    name: String,
    handle: Handle,
    events: UserEvents,
    driver: JoinHandle<Result<Stopped>>,
}

impl Running {
    fn id(&self) -> NodeId {
        self.handle.id()
    }

    /// Waits until this node hears from another one that the cache is to be dropped.
    async fn hears(&mut self, from: NodeId) -> Result<()> {
        while let Some(event) = self.events.next().await {
            let event = event?;
            if event.origin == from && event.value(&DROPPED)?.as_deref() == Some(TABLE) {
                return Ok(());
            }
        }
        bail!("{} has stopped", self.name)
    }

    fn sees(&self, id: NodeId, holds: impl Fn(&MemberView) -> bool) -> bool {
        self.handle.member(id).is_some_and(|member| holds(&member))
    }
}

/// The nodes that run, the next one to meet trouble first.
struct Nodes {
    adapter: Adapter,
    config: Config,
    /// The key that all of them have.
    ring: Option<KeyRing>,
    running: VecDeque<Running>,
    /// When the youngest one was started.
    started: Instant,
}

impl Nodes {
    fn new(adapter: Adapter, config: Config, ring: Option<KeyRing>) -> Self {
        Self { adapter, config, ring, running: VecDeque::new(), started: Instant::now() }
    }

    async fn form(&mut self, n: u8) -> Result<Kept> {
        let start = Instant::now();
        for i in 1..=n {
            self.start(format!("node-{i}")).await?;
        }
        self.until("the nodes did not all find each other", Self::is_formed).await?;
        let what = format!("each of {n} nodes knows all the others");
        Ok(Kept { what, took: start.elapsed() })
    }

    async fn spread(&mut self) -> Result<Kept> {
        let sick = self.running.front().context("nobody runs")?;
        let (name, id, start) = (sick.name.clone(), sick.id(), Instant::now());
        sick.handle.set_health(Health::Degraded);
        self.until("the new health did not reach everybody", |nodes| {
            nodes.others(id).all(|node| node.sees(id, |member| member.health() == Health::Degraded))
        })
        .await?;
        let what = format!("all the others know that {name} is {}", print::health(Health::Degraded));
        Ok(Kept { what, took: start.elapsed() })
    }

    /// The first node publishes a port, which the others read under its name.
    async fn publish(&mut self) -> Result<Kept> {
        let node = self.running.front().context("nobody runs")?;
        let (name, id, start) = (node.name.clone(), node.id(), Instant::now());
        node.handle.publish(&PORT, &SERVICE_PORT)?;
        self.until("the port did not reach everybody", |nodes| {
            nodes.others(id).all(|node| {
                let found = node.handle.find(&name);
                let port = found.and_then(|id| node.handle.get(id, &PORT).ok().flatten());
                port.is_some_and(|port| port.value == SERVICE_PORT)
            })
        })
        .await?;
        let what = format!("all the others find {name} by its name, and its service at port {SERVICE_PORT}");
        Ok(Kept { what, took: start.elapsed() })
    }

    /// The first node sets a flag that belongs to no node.
    async fn flag(&mut self) -> Result<Kept> {
        let node = self.running.front().context("nobody runs")?;
        let (id, start) = (node.id(), Instant::now());
        node.handle.cluster().set(&MAINTENANCE, &true)?;
        self.until("the flag did not reach everybody", |nodes| {
            let is_set = |node: &Running| node.handle.cluster().get(&MAINTENANCE).ok().flatten();
            nodes.others(id).all(|node| is_set(node).is_some_and(|flag| flag.value))
        })
        .await?;
        let what = format!("all the others know that the flag {} is set", MAINTENANCE.name());
        Ok(Kept { what, took: start.elapsed() })
    }

    /// The first node that still runs sends an event to all, once they are old enough to hear it.
    async fn event(&mut self) -> Result<Kept> {
        sleep_until(self.started + HEARS_EVENTS).await;
        let (sender, start) = (self.running.front().context("nobody runs")?, Instant::now());
        let (name, id) = (sender.name.clone(), sender.id());
        sender.handle.send_event(&DROPPED, &TABLE.to_owned())?;
        let all_hear = async {
            for other in self.running.iter_mut().filter(|node| node.id() != id) {
                other.hears(id).await?;
            }
            Ok::<_, anyhow::Error>(())
        };
        let in_time = timeout(CHAPTER_LIMIT, all_hear).await;
        in_time.map_err(|_| {
            anyhow!("the event did not reach everybody within {} s", CHAPTER_LIMIT.as_secs())
        })??;
        let what = format!("all the others have heard from {name} to drop the cache of {TABLE}");
        Ok(Kept { what, took: start.elapsed() })
    }

    /// The first node crashes, which all the others joined through.
    async fn crash(&mut self) -> Result<Kept> {
        let Running { name, handle, driver, .. } = self.running.pop_front().context("nobody runs")?;
        let (id, start) = (handle.id(), Instant::now());
        driver.abort();
        let seen = |node: &Running, least| node.sees(id, |member| member.status() >= least);
        self.until("nobody suspected the crashed node", |nodes| {
            nodes.running.iter().any(|node| seen(node, Status::Suspect))
        })
        .await?;
        let suspected = seconds(start.elapsed());
        self.until("not everybody declared the crashed node dead", |nodes| {
            nodes.running.iter().all(|node| seen(node, Status::Dead))
        })
        .await?;
        let what = format!("{name} was suspected after {suspected:.3} s, and all know that it is dead");
        Ok(Kept { what, took: start.elapsed() })
    }

    /// The crashed node comes back, on another port.
    async fn restart(&mut self) -> Result<Kept> {
        let start = Instant::now();
        self.start(String::from(FIRST)).await?;
        let back = self.running.back().context("nobody runs")?;
        let (id, address) = (back.id(), back.handle.local_addr());
        self.until("the restarted node did not become a member again", |nodes| {
            let is_back = |member: &MemberView| member.address() == address;
            nodes.is_formed() && nodes.others(id).all(|node| node.sees(id, is_back))
        })
        .await?;
        let what = format!("all know {FIRST} at its new address, and it knows all");
        Ok(Kept { what, took: start.elapsed() })
    }

    async fn leave(&mut self) -> Result<Kept> {
        let leaver = self.running.pop_front().context("nobody runs")?;
        let (id, start) = (leaver.id(), Instant::now());
        let (outcome, all_know) = tokio::join!(
            leaver.handle.leave(CHAPTER_LIMIT),
            self.until("not everybody heard of the leave", |nodes| {
                let has_left = |member: &MemberView| member.status() == Status::Left;
                nodes.agree() && nodes.running.iter().all(|node| node.sees(id, has_left))
            })
        );
        all_know?;
        outcome.with_context(|| format!("{} could not tell that it leaves", leaver.name))?;
        let what = format!("all know that {} left, and is not dead", leaver.name);
        Ok(Kept { what, took: start.elapsed() })
    }

    /// Starts a node that joins through the first one running.
    async fn start(&mut self, name: String) -> Result<()> {
        let seeds = self.running.front().map(|node| Seed::from(node.handle.local_addr()));
        let (handle, driver) = self
            .adapter
            .bind(Options::new(name.as_str(), self.config).with(|o| {
                o.bind = LOOPBACK;
                o.keys = self.ring.clone().map(|ring| Arc::new(ring) as Arc<dyn Keys>);
                o.seeds = seeds.into_iter().collect();
            }))
            .await?;
        self.started = Instant::now();
        let events = handle.user_events();
        self.running.push_back(Running { name, handle, events, driver: driver.spawn() });
        Ok(())
    }

    fn others(&self, id: NodeId) -> impl Iterator<Item = &Running> {
        self.running.iter().filter(move |node| node.id() != id)
    }

    /// Each node knows all the others as alive, and all agree.
    fn is_formed(&self) -> bool {
        let knows = |node: &Running, id| node.sees(id, |member| member.status() == Status::Alive);
        let knows_all = |node: &Running| self.others(node.id()).all(|other| knows(node, other.id()));
        self.agree() && self.running.iter().all(knows_all)
    }

    /// All nodes have the same view: their fingerprints are equal.
    fn agree(&self) -> bool {
        let mut fingerprints = self.running.iter().map(|node| node.handle.fingerprint());
        fingerprints.next().is_some_and(|first| fingerprints.all(|other| other == first))
    }

    /// Waits until `holds`; after [`CHAPTER_LIMIT`] that is an error, which begins with `otherwise`.
    async fn until(&self, otherwise: &str, holds: impl Fn(&Self) -> bool) -> Result<()> {
        let start = Instant::now();
        while !holds(self) {
            if start.elapsed() > CHAPTER_LIMIT {
                bail!("{otherwise} within {} s", CHAPTER_LIMIT.as_secs());
            }
            sleep(POLL).await;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_promise_not_kept_in_time_fails_its_chapter_and_leaves_no_figure() {
        let config = Preset::Local.config(ClusterName::named("demo").unwrap());
        let nodes = Nodes::new(Adapter::Tokio, config, None);
        let mut story = Story { format: Format::Words, chapters: Vec::new() };
        let broken = async {
            nodes.until("nothing happened", |_| false).await?;
            Ok(Kept { what: String::new(), took: Duration::ZERO })
        };
        let error = story.chapter("crash", "It crashes.", broken).await.unwrap_err();
        assert_eq!(error.to_string(), "chapter crash: nothing happened within 15 s");
        assert_eq!(story.seconds("crash"), None);
        assert!(story.table().to_string().contains("failed: nothing happened"));
    }
}
