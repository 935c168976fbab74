//! A TCP echo server that is also a member of a cluster, on one thread and one `Poll`. It tells other members that ask how many
//! clients it has.
//!
//! In two terminals, and a third one to talk to either of them, with `nc 127.0.0.1 7101`:
//!
//! ```sh
//! cargo run -p adapter-mio --example echo -- ada 127.0.0.1:7101
//! cargo run -p adapter-mio --example echo -- bob 127.0.0.1:7102 127.0.0.1:7101
//! ```

use adapter_mio::{ClusterName, Config, Driver, Events, Key, Options, Questions, bind};
use mio::{
    Interest, Poll, Registry, Token, Waker,
    net::{TcpListener, TcpStream},
};
use std::{
    collections::BTreeMap,
    env,
    error::Error,
    io::{self, Read as _, Write as _},
    ops::ControlFlow,
    sync::Arc,
    task::{Context, Poll as Asked},
};

const WAKER: Token = Token(0);
const GOSSIP: Token = Token(1);
const LISTENER: Token = Token(2);
const FIRST_CLIENT: usize = 3;
/// How many clients a member has at the moment, for members that ask.
const CLIENTS: Key<u32> = Key::new("clients");
/// Clients served at a time; one more is turned away.
const MAX_CLIENTS: usize = 64;
/// Chunks echoed to one client before the others, and the cluster, have their turn.
const CHUNKS_PER_TURN: usize = 16;

/// A client, and what is still to be sent back.
struct Client {
    stream: TcpStream,
    chunk: [u8; 4_096],
    pending: std::ops::Range<usize>,
}

impl Client {
    /// Echoes until there is nothing to do, the budget is spent (`Continue`), or the client is gone (`Break`).
    fn serve(&mut self, registry: &Registry, token: Token) -> ControlFlow<()> {
        for _ in 0..CHUNKS_PER_TURN {
            let done = if self.pending.is_empty() {
                self.stream.read(&mut self.chunk).map(|length| (self.pending = 0..length, length).1)
            } else {
                let sent = self.stream.write(&self.chunk[self.pending.clone()]);
                sent.inspect(|sent| self.pending.start += sent)
            };
            match done {
                Ok(0) => return ControlFlow::Break(()),
                Ok(_) => {}
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return ControlFlow::Continue(()),
                Err(_) => return ControlFlow::Break(()),
            }
        }
        // There is more: registered anew, it is reported anew.
        match registry.reregister(&mut self.stream, token, Interest::READABLE | Interest::WRITABLE) {
            Ok(()) => ControlFlow::Continue(()),
            Err(_) => ControlFlow::Break(()),
        }
    }
}

fn accept(
    listener: &TcpListener,
    registry: &Registry,
    clients: &mut BTreeMap<Token, Client>,
) -> io::Result<()> {
    while let Ok((mut stream, _)) = listener.accept() {
        let free = (FIRST_CLIENT..FIRST_CLIENT + MAX_CLIENTS).map(Token);
        let Some(token) = free.into_iter().find(|token| !clients.contains_key(token)) else { continue };
        registry.register(&mut stream, token, Interest::READABLE | Interest::WRITABLE)?;
        clients.insert(token, Client { stream, chunk: [0; 4_096], pending: 0..0 });
    }
    Ok(())
}

/// Prints what happened in the cluster since the last round, and has the loop woken when more happens.
fn report(events: &mut Events, driver: &Driver) {
    let mut cx = Context::from_waker(driver.waker());
    while let Asked::Ready(Some(next)) = events.poll_next(&mut cx) {
        match next {
            Ok(notice) => println!("{:?}", notice.event),
            Err(lagged) => println!("{lagged}"),
        }
    }
}

/// Answers the members that have asked since the last round, and has the loop woken when more do.
fn answer(questions: &mut Questions<u32>, clients: usize, driver: &Driver) {
    let mut cx = Context::from_waker(driver.waker());
    while let Asked::Ready(Some(question)) = questions.poll_next(&mut cx) {
        if let Err(error) = question.answer(&(clients as u32)) {
            println!("not answered: {error}");
        }
    }
}

fn main() -> Result<(), Box<dyn Error>> {
    let usage = "usage: echo NAME IP:PORT [SEED]";
    let mut arguments = env::args().skip(1);
    let mut options =
        Options::new(arguments.next().ok_or(usage)?, Config::local(ClusterName::named("echo")?));
    options.bind = arguments.next().ok_or(usage)?.parse()?;
    options.seeds = arguments.map(|seed| seed.parse()).collect::<Result<_, _>>()?;

    let mut poll = Poll::new()?;
    let waker = Arc::new(Waker::new(poll.registry(), WAKER)?);
    let mut listener = TcpListener::bind(options.bind)?;
    let (node, mut driver) = bind(options, waker)?;
    poll.registry().register(&mut listener, LISTENER, Interest::READABLE)?;
    poll.registry().register(&mut driver, GOSSIP, Interest::READABLE)?;

    let mut clients = BTreeMap::new();
    let mut events = node.events();
    let mut questions = node.answer(&CLIENTS)?;
    let mut ready = mio::Events::with_capacity(128);
    loop {
        match poll.poll(&mut ready, driver.next_timeout()) {
            // What interrupts a wait is a signal, and no reason to stop.
            Err(error) if error.kind() != io::ErrorKind::Interrupted => return Err(error.into()),
            _ => {}
        }
        for token in ready.iter().map(|event| event.token()) {
            match token {
                WAKER => {}
                GOSSIP if driver.on_ready().is_break() => return Ok(()),
                GOSSIP => {}
                LISTENER => accept(&listener, poll.registry(), &mut clients)?,
                token => {
                    let client = clients.get_mut(&token);
                    if client.is_some_and(|client| client.serve(poll.registry(), token).is_break()) {
                        clients.remove(&token);
                    }
                }
            }
        }
        if driver.on_timeout().is_break() {
            return Ok(());
        }
        report(&mut events, &driver);
        answer(&mut questions, clients.len(), &driver);
    }
}
