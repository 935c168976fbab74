//! One node that is 10,000 members, so that an agent which joins it knows as many.
//!
//! It has restored all of them, and has a socket for each (`ulimit -n`).

use gossip_core::{
    Buffer, ClusterName, Config, Heap, Identity, Instant as Time, Locality, Node, NodeId, Output, Record,
    Versions,
};
use mio::{Events, Interest, Poll, Token, net::UdpSocket};
use std::{
    net::{Ipv4Addr, SocketAddr},
    ops::Range,
    thread,
    time::Instant,
};

pub(crate) const MEMBERS: u32 = 10_000;
pub(crate) const CLUSTER: &str = "everybody";

/// Starts it, for as long as the program runs: the address to join.
pub(crate) fn start() -> SocketAddr {
    let everybody = Everybody::new();
    let address = everybody.address();
    thread::spawn(|| everybody.run());
    address
}

/// One node serves what 10,000 would.
fn config() -> Config {
    let config = Config::lan(ClusterName::named(CLUSTER).unwrap());
    let budgets = config.budgets.with(|b| (b.total, b.sync) = (20_000_000, 10_000_000));
    config.with(|c| c.budgets = budgets)
}

fn identity(name: &str, address: SocketAddr, zone: u8) -> Identity {
    let locality = Locality { region: 0, zone, rack: 0 };
    Identity { id: NodeId::from_name(name).unwrap(), epoch: 1, address, locality }
}

/// The datagram header's bytes that are the sender's, and where it ends; see PROTOCOL.md, section 5.
const SENDER: Range<usize> = 6..14;
const HEADER: usize = 22;
const PING: u8 = 1;
const ACK: u8 = 2;

/// The answer to a ping, with the pinger's own view; nothing to other datagrams.
fn ack(datagram: &[u8]) -> Option<Vec<u8>> {
    let (header, mut rest) = datagram.split_at_checked(HEADER)?;
    while let Some((&[tag, high, low], behind)) = rest.split_first_chunk() {
        let (body, further) = behind.split_at_checked(usize::from(u16::from_be_bytes([high, low])))?;
        if tag == PING {
            let (nonce, target) = body.split_at_checked(4)?;
            let mut ack = [header, &[ACK, 0, 4], nonce].concat();
            ack[SENDER].copy_from_slice(target);
            return Some(ack);
        }
        rest = further;
    }
    None
}

/// One node that is all members: pings are answered for each, and other requests by it, under the name of whoever was asked.
struct Everybody {
    sockets: Vec<UdpSocket>,
    records: Vec<Record>,
    node: Node<Heap>,
    buffer: Box<Buffer<32, 256, { 32 * 1_400 }>>,
    poll: Poll,
    start: Instant,
}

impl Everybody {
    fn new() -> Self {
        let poll = Poll::new().unwrap();
        let (mut sockets, mut records) = (Vec::new(), Vec::new());
        for n in 0..MEMBERS {
            let [_, a, b, c] = (n + 1).to_be_bytes();
            let mut socket = UdpSocket::bind((Ipv4Addr::new(127, 1 + a, b, c), 0).into()).unwrap();
            poll.registry().register(&mut socket, Token(n as usize), Interest::READABLE).unwrap();
            let identity = identity(&format!("member-{n}"), socket.local_addr().unwrap(), (n % 100) as u8);
            records.push(Record::new(identity, Versions { min: 1, max: 1 }));
            sockets.push(socket);
        }
        let heap = Heap::for_members(16_384);
        let identity = identity("member-0", sockets[0].local_addr().unwrap(), 0);
        let mut node = Node::new(config(), identity, [2; 32], heap, Time::ZERO).unwrap();
        let mut buffer: Box<Buffer<32, 256, { 32 * 1_400 }>> = Box::default();
        let _ = node.restore(Time::ZERO, &records, &mut buffer.outbox());
        Self { sockets, records, node, buffer, poll, start: Instant::now() }
    }

    fn address(&self) -> SocketAddr {
        self.records[0].address()
    }

    fn now(&self) -> Time {
        Time::ZERO + self.start.elapsed()
    }

    /// Never returns.
    fn run(mut self) {
        let mut ready = Events::with_capacity(1_024);
        loop {
            let wait = self.node.next_tick().since(self.now());
            self.poll.poll(&mut ready, Some(wait)).unwrap();
            for event in &ready {
                self.receive(event.token().0);
            }
            let now = self.now();
            if self.node.next_tick() <= now {
                send(&self.node.tick(now, &mut self.buffer.outbox()), &self.sockets[0], &self.records[0]);
            }
        }
    }

    fn receive(&mut self, member: usize) {
        let (now, mut datagram) = (self.now(), [0; 1_500]);
        while let Ok((length, from)) = self.sockets[member].recv_from(&mut datagram) {
            let datagram = &mut datagram[..length];
            let (socket, record) = (&self.sockets[member], &self.records[member]);
            match ack(datagram).filter(|_| member > 0) {
                Some(ack) => _ = socket.send_to(&ack, from),
                None => {
                    let mut out = self.buffer.outbox();
                    send(&self.node.handle_datagram(now, from, datagram, &mut out), socket, record);
                }
            }
        }
    }
}

/// Sends what the node has to say as if it were this member.
fn send(output: &Output<'_>, socket: &UdpSocket, member: &Record) {
    for packet in output.packets() {
        let mut bytes = packet.bytes.to_vec();
        bytes[SENDER].copy_from_slice(&member.id().as_u64().to_be_bytes());
        let _ = socket.send_to(&bytes, packet.to);
    }
}
