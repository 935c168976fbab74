//! The adapters' common behaviour, on mio, and what is mio's own.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test may panic")]

use adapter_mio::{
    ClusterName, Config, Driver, Handle, Health, Left, Options, StartError, Stopped, bind, with_socket,
};
use adapter_suite::{Adapter, Control, Running, behaviours};
use mio::{Events, Interest, Poll, Token};
use std::{io, net::UdpSocket, ops::ControlFlow, sync::Arc, task::Context, time::Duration};

const WAKER: Token = Token(0);
const GOSSIP: Token = Token(1);

struct Mio;

impl Adapter for Mio {
    fn run(options: Options, socket: Option<UdpSocket>) -> Result<Running, StartError> {
        let (mut poll, handle, mut driver) = registered(options, socket)?;
        Ok(Running::new(handle, move |control: Control| {
            while control.poll_stop(&Context::from_waker(driver.waker())).is_pending()
                && round(&mut poll, &mut driver).is_continue()
            {}
        }))
    }
}

behaviours!(Mio);

fn registered(options: Options, socket: Option<UdpSocket>) -> Result<(Poll, Handle, Driver), StartError> {
    let poll = Poll::new().unwrap();
    let waker = Arc::new(mio::Waker::new(poll.registry(), WAKER).unwrap());
    let (handle, mut driver) = match socket {
        Some(socket) => with_socket(options, waker, socket),
        None => bind(options, waker),
    }?;
    poll.registry().register(&mut driver, GOSSIP, Interest::READABLE).unwrap();
    Ok((poll, handle, driver))
}

/// One round of the loop.
fn round(poll: &mut Poll, driver: &mut Driver) -> ControlFlow<Stopped> {
    let mut ready = Events::with_capacity(8);
    if let Err(error) = poll.poll(&mut ready, driver.next_timeout()) {
        assert_eq!(error.kind(), io::ErrorKind::Interrupted, "{error}");
    }
    if ready.iter().any(|event| event.token() == GOSSIP) {
        driver.on_ready()?;
    }
    driver.on_timeout()
}

fn options(name: &str) -> Options {
    Options::new(name, Config::lan(ClusterName::named("mio").unwrap()))
}

#[test]
fn a_driver_that_has_left_waits_for_nothing_and_does_nothing() {
    let (mut poll, handle, mut driver) = registered(options("alone"), None).unwrap();
    drop(handle.leave(Duration::from_secs(30)));
    let stopped = loop {
        if let ControlFlow::Break(stopped) = round(&mut poll, &mut driver) {
            break stopped;
        }
    };
    assert_eq!(stopped, Ok(Left { acknowledged: 0 }));
    assert_eq!(driver.next_timeout(), None);
    assert_eq!(driver.on_ready(), ControlFlow::Break(stopped));
    assert_eq!(driver.on_timeout(), ControlFlow::Break(stopped));
    poll.registry().deregister(&mut driver).unwrap();
}

#[test]
fn a_request_ends_a_wait_of_the_loop() {
    let (mut poll, handle, mut driver) = registered(options("asked"), None).unwrap();
    assert!(round(&mut poll, &mut driver).is_continue());
    assert_ne!(driver.next_timeout(), Some(Duration::ZERO));
    handle.set_health(Health::Degraded);
    assert_eq!(driver.next_timeout(), Some(Duration::ZERO));
    let mut ready = Events::with_capacity(8);
    poll.poll(&mut ready, None).unwrap();
    assert!(ready.iter().any(|event| event.token() == WAKER));
    assert!(driver.on_timeout().is_continue());
    assert_eq!(handle.me().health(), Health::Degraded);
}
