//! A gossip node inside a service that is already there: each instance of a small TCP line service serves
//! the keys that are its own and passes the others on to the member that they belong to.
//!
//! `cargo run -p adapter-tokio --example embed` starts three instances and asks one of them for some keys,
//! before and after another one says that it is unhealthy.

use adapter_tokio::{ClusterName, Config, Handle, Health, MemberView, NodeId, Options, bind};
use siphasher::sip::SipHasher13;
use std::{
    error::Error,
    io,
    net::{Ipv4Addr, SocketAddr},
    sync::Arc,
    time::Duration,
};
use tokio::{
    io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader},
    net::{TcpListener, TcpStream},
    time::{sleep, timeout},
};

/// How long one line, or its answer, may take to come.
const PATIENCE: Duration = Duration::from_secs(5);
/// The longest line read, in bytes.
const MAX_LINE: u64 = 1_024;
/// What a line begins with that one instance passes on to another.
const PASSED_ON: char = '>';

struct Service {
    name: String,
    node: Handle,
}

impl Service {
    /// Starts an instance: TCP for its clients and UDP for gossip, both on one port, so that a member's
    /// address is where its service is.
    async fn start(name: &str, seed: Option<SocketAddr>) -> Result<Arc<Self>, Box<dyn Error>> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
        let mut options = Options::new(name, Config::local(ClusterName::named("embed")?));
        options.bind = listener.local_addr()?;
        options.seeds = seed.map(Into::into).into_iter().collect();
        let (node, driver) = bind(options).await?;
        driver.spawn();
        let service = Arc::new(Self { name: name.to_owned(), node });
        tokio::spawn(Arc::clone(&service).serve(listener));
        Ok(service)
    }

    async fn serve(self: Arc<Self>, listener: TcpListener) {
        loop {
            match listener.accept().await {
                Ok((client, _)) => drop(tokio::spawn(Arc::clone(&self).answer(client))),
                // Mostly too many open files: it passes when clients go.
                Err(_) => sleep(Duration::from_millis(100)).await,
            }
        }
    }

    /// Answers one line, which is a key. One passed on by another instance is served here, whatever this one
    /// thinks of it: while views differ, a key must not travel in circles.
    async fn answer(self: Arc<Self>, client: TcpStream) -> io::Result<()> {
        let mut client = BufReader::new(client);
        let line = read_line(&mut client).await?;
        let owner = if line.starts_with(PASSED_ON) { None } else { self.owner(&line) };
        let answer = match owner {
            Some(address) => ask(address, &format!("{PASSED_ON}{line}")).await?,
            None => format!("served by {}", self.name),
        };
        client.write_all(format!("{answer}\n").as_bytes()).await
    }

    /// Where a key belongs: the highest of the hashes of the key with each routable member. `None` is here.
    fn owner(&self, key: &str) -> Option<SocketAddr> {
        let me = self.node.me();
        let here = (me.health() != Health::Unhealthy).then_some((weight(key, me.id()), None));
        let others = self.node.members().into_iter().filter(|member| member.routable);
        let others = others.map(|member| (weight(key, member.id), Some(member.address())));
        others.chain(here).max_by_key(|&(weight, _)| weight).and_then(|(_, owner)| owner)
    }
}

/// The same in every release and on every machine, which the standard library's hasher does not promise: all instances
/// must place a key alike, while they are upgraded, too.
fn weight(key: &str, id: NodeId) -> u64 {
    SipHasher13::new_with_keys(id.as_u64(), 0).hash(key.as_bytes())
}

async fn ask(address: SocketAddr, line: &str) -> io::Result<String> {
    let mut service = BufReader::new(TcpStream::connect(address).await?);
    service.write_all(format!("{line}\n").as_bytes()).await?;
    read_line(&mut service).await
}

async fn read_line(stream: &mut BufReader<TcpStream>) -> io::Result<String> {
    let mut line = String::new();
    timeout(PATIENCE, stream.take(MAX_LINE).read_line(&mut line)).await??;
    Ok(line.trim().to_owned())
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let ada = Service::start("ada", None).await?;
    let bob = Service::start("bob", Some(ada.node.local_addr())).await?;
    let cyd = Service::start("cyd", Some(ada.node.local_addr())).await?;
    for service in [&ada, &bob, &cyd] {
        let all_known = service.node.watch().until(|members| members.len() == 2).await;
        all_known.ok_or("a node stopped")?;
    }

    println!("all are well:");
    show(&ada).await?;
    bob.node.set_health(Health::Unhealthy);
    for service in [&ada, &cyd] {
        let without_bob = |member: &MemberView| member.id == bob.node.id() && !member.routable;
        let known = service.node.watch().until(|members| members.iter().any(without_bob)).await;
        known.ok_or("a node stopped")?;
    }
    println!("bob is unhealthy:");
    show(&ada).await
}

async fn show(service: &Service) -> Result<(), Box<dyn Error>> {
    for key in ["k1", "k2", "k3", "k4", "k5", "k6"] {
        println!("    {key}: {}", ask(service.node.local_addr(), key).await?);
    }
    Ok(())
}
