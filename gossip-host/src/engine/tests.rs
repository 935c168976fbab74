//! The engine on a socket and a clock that the tests steer.

use super::*;
use crate::testing::{FakeTransport, PEER};
use gossip_core::{ClusterName, Config, Traffic};
use std::{task::Waker, thread, time::Duration};

fn engine(change: impl FnOnce(&mut Options)) -> (Handle, Engine) {
    let mut options = Options::new("node", Config::lan(ClusterName::named("engine").unwrap()));
    options.capacity = 16;
    options.rng_seed = Some([5; 32]);
    change(&mut options);
    Engine::start(options, ([127, 0, 0, 1], 7946).into(), || Instant::ZERO).unwrap()
}

fn turn(engine: &mut Engine, transport: &mut FakeTransport) -> Turn {
    match engine.turn(transport) {
        ControlFlow::Continue(turn) => turn,
        ControlFlow::Break(stopped) => panic!("{stopped:?}"),
    }
}

#[test]
fn a_flood_delays_no_timer() {
    let (handle, mut engine) = engine(|options| options.seeds.push(PEER.into()));
    let mut transport = FakeTransport::default();
    turn(&mut engine, &mut transport);
    for _ in 0..20 {
        transport.now = engine.next_tick;
        let turn = turn(&mut engine, &mut transport);
        assert!(engine.next_tick > transport.now, "what was due is done");
        assert!(turn.until <= transport.now, "there is more to read");
    }
    assert_eq!(transport.received, 21 * DATAGRAMS_PER_TURN);
    assert_eq!(handle.metrics().malformed, transport.received as u64);
}

#[test]
fn a_node_without_seeds_has_joined_unless_they_are_still_looked_for() {
    for awaits_seeds in [false, true] {
        let (handle, mut engine) = engine(|options| options.awaits_seeds = awaits_seeds);
        let mut transport =
            FakeTransport { receive_error: Some(io::ErrorKind::WouldBlock), ..FakeTransport::default() };
        for _ in 0..100 {
            transport.now = engine.next_tick;
            let _ = turn(&mut engine, &mut transport);
        }
        assert_eq!(handle.is_joined(), !awaits_seeds);
        // It was told that there are no others.
        handle.join([handle.local_addr().into()]);
        for _ in 0..100 {
            let _ = turn(&mut engine, &mut transport);
            transport.now = engine.next_tick;
        }
        assert!(handle.is_joined());
    }
}

#[test]
fn errors_of_the_socket_are_counted_and_do_not_spin() {
    for kind in [io::ErrorKind::ConnectionRefused, io::ErrorKind::Other] {
        let (handle, mut engine) = engine(|_| {});
        let mut transport = FakeTransport { receive_error: Some(kind), ..FakeTransport::default() };
        let rests = (0..100).any(|_| {
            let turn = turn(&mut engine, &mut transport);
            !turn.readable && turn.until > transport.now
        });
        assert!(rests, "{kind}");
        assert_eq!(handle.host_metrics().receive_errors, transport.received as u64);
        let before = transport.received;
        turn(&mut engine, &mut transport);
        assert_eq!(transport.received, before, "the socket rests");
        transport.now = transport.now + Duration::from_secs(5);
        transport.receive_error = Some(io::ErrorKind::WouldBlock);
        assert!(turn(&mut engine, &mut transport).readable);
    }
}

#[test]
fn packets_that_wait_ask_for_a_writable_socket() {
    let (handle, mut engine) = engine(|_| {});
    let mut transport = FakeTransport {
        receive_error: Some(io::ErrorKind::WouldBlock),
        send_error: Some(io::ErrorKind::WouldBlock),
        ..FakeTransport::default()
    };
    assert!(!turn(&mut engine, &mut transport).writable);
    let packet = Packet { to: PEER, bytes: b"ping", class: Traffic::Probe };
    engine.shared.count_fate(engine.backlog.send(&mut transport, packet));
    assert!(turn(&mut engine, &mut transport).writable);
    assert_eq!(handle.host_metrics().queued, 1);
    transport.send_error = None;
    assert!(!turn(&mut engine, &mut transport).writable);
    assert_eq!(transport.sent, [b"ping"]);
}

#[test]
fn a_sign_of_life_is_given_by_a_turn_and_by_nothing_else() {
    let (handle, mut engine) = engine(|_| {});
    let mut transport = FakeTransport::default();
    turn(&mut engine, &mut transport);
    assert_eq!(handle.check_driver(), 0, "nobody had asked for one");
    assert_eq!(handle.check_driver(), 0, "there was no turn");
    assert!(engine.poll_requests(&Context::from_waker(Waker::noop())).is_ready());
    turn(&mut engine, &mut transport);
    assert_eq!(handle.check_driver(), 1);
}

#[test]
fn a_leave_ends_with_its_time_by_the_engines_own_clock() {
    let (handle, mut engine) = engine(|_| {});
    let mut transport =
        FakeTransport { receive_error: Some(io::ErrorKind::WouldBlock), ..FakeTransport::default() };
    turn(&mut engine, &mut transport);
    engine.leave = Leaving::Until { end: transport.now + Duration::from_secs(9), lost: true };
    assert!(turn(&mut engine, &mut transport).until <= Instant::from_millis(9_000));
    drop(handle.leave(Duration::from_secs(4)));
    assert!(turn(&mut engine, &mut transport).until <= Instant::from_millis(4_000), "the shorter one");
    transport.now = Instant::from_millis(4_000);
    assert_eq!(engine.turn(&mut transport), ControlFlow::Break(Err(LeaveError::Unacknowledged)));
}

#[test]
fn a_socket_of_ipv6_is_given_mapped_addresses() {
    let v4 = SocketAddr::from(([10, 0, 0, 1], 7));
    let v6 = "[::1]:7".parse().unwrap();
    assert_eq!(outward(v4, v6), "[::ffff:10.0.0.1]:7".parse().unwrap());
    assert_eq!((outward(v4, v4), outward(v6, v6)), (v4, v6));
}

#[test]
fn a_panic_under_a_lock_does_not_end_the_node() {
    let (handle, mut engine) = engine(|_| {});
    let shared = Arc::clone(&engine.shared);
    let panicked = thread::spawn(move || {
        let _node = lock(&shared.node);
        panic!("as a subscriber might");
    });
    assert!(panicked.join().is_err());
    turn(&mut engine, &mut FakeTransport::default());
    assert_eq!(handle.members(), []);
}
