//! One node and its host: subscribers, endings, epochs, refused starts.

#![allow(missing_docs, reason = "the name of a promise says all of it")]

use crate::{Adapter, Running, block_on, eventually, options, start};
use gossip_core::{ConfigError, Event, Health, Sighting, Status};
use gossip_host::{
    EpochError, EpochFile, Events, LeaveError, Left, MemberView, NotJoined, Options, StartError,
};
use std::{
    fs,
    net::{SocketAddr, UdpSocket},
    task::{Context, Poll, Waker},
    time::Duration,
};

/// Two nodes that know each other.
fn pair<A: Adapter>(test: &str, change: impl FnOnce(&mut Options)) -> (Running, Running) {
    let first = start::<A>(options(test, "first"));
    let mut options = options(test, "second");
    options.seeds.push(first.handle.local_addr().into());
    change(&mut options);
    let second = start::<A>(options);
    for node in [&first, &second] {
        block_on(node.handle.watch().until(|members| members.len() == 1)).unwrap();
    }
    (first, second)
}

pub fn a_slow_subscriber_is_told_what_it_missed_and_goes_on<A: Adapter>() {
    const KEPT: usize = 3;
    let (first, second) = pair::<A>("slow", |options| options.event_capacity = KEPT);
    let mut slow = second.handle.events();
    let mut quick = second.handle.events();
    for round in 0..2 * KEPT {
        let health = if round % 2 == 0 { Health::Degraded } else { Health::Healthy };
        first.handle.set_health(health);
        let updated = |event| event == Event::Updated(first.handle.id());
        while !updated(block_on(quick.next()).unwrap().unwrap().event) {}
    }
    let missed = block_on(slow.next()).unwrap().unwrap_err().0;
    assert!(missed >= KEPT as u64);
    assert!(second.handle.host_metrics().events_lagged >= missed);
    for _ in 0..KEPT {
        assert!(block_on(slow.next()).unwrap().is_ok(), "what is kept can be read");
    }
}

/// How often the notices not read yet say that the node has joined.
fn times_joined(events: &mut Events) -> usize {
    let mut next = || match events.poll_next(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(Some(next)) => Some(next.unwrap().event),
        _ => None,
    };
    std::iter::from_fn(&mut next).filter(|&event| event == Event::Joined).count()
}

pub fn a_first_node_has_joined_and_so_have_those_who_join_it<A: Adapter>() {
    let first = start::<A>(options("joined", "first"));
    let mut own = first.handle.events();
    assert_eq!(block_on(first.handle.wait_joined()), Ok(()));
    let seeds = vec![first.handle.local_addr().into()];
    let second = start::<A>(options("joined", "second").with(|o| o.seeds = seeds));
    assert_eq!(block_on(second.handle.wait_joined()), Ok(()));
    assert_eq!(block_on(second.handle.wait_joined()), Ok(()), "asked once more");
    assert_eq!(second.handle.members().len(), 1);
    second.handle.set_health(Health::Degraded);
    block_on(first.handle.watch().until(|members| members.iter().any(|m| m.health() == Health::Degraded)));
    assert!(times_joined(&mut own) <= 1, "told twice");
    assert!(first.handle.is_joined() && second.handle.is_joined());
}

pub fn a_node_whose_seeds_are_silent_or_unknown_has_not_joined<A: Adapter>() {
    for seed in ["127.0.0.1:9", "no-such-host.invalid:7946"] {
        let mut options = options("not joined", "node");
        options.bind =
            ([127, 0, 0, 1], UdpSocket::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()).into();
        // Its own address among them is no reason to take it that there is no one else.
        options.seeds = vec![seed.parse().unwrap(), options.bind.into()];
        let node = start::<A>(options);
        eventually("a look-up that failed, or a join", || {
            let failed = node.handle.host_metrics().lookups_failed > 0;
            (failed || node.handle.metrics().packets_sync > 0).then_some(())
        });
        assert!(!node.handle.is_joined(), "{seed}");
        let waits = node.handle.wait_joined();
        drop(node);
        assert_eq!(block_on(waits), Err(NotJoined), "{seed}");
    }
}

pub fn a_node_outlives_its_handles<A: Adapter>() {
    let (first, second) = pair::<A>("outlive", |_| {});
    let Some(member) = first.handle.member(second.handle.id()) else { panic!("no such member") };
    let third = {
        let handle = second.handle.clone();
        drop(handle);
        let mut options = options("outlive", "third");
        options.seeds.push(member.address().into());
        start::<A>(options)
    };
    assert!(block_on(third.handle.watch().until(|members| members.len() == 2)).is_some());
}

pub fn nothing_hangs_when_the_driver_is_dropped<A: Adapter>() {
    let (_first, second) = pair::<A>("dropped", |_| {});
    let handle = second.handle.clone();
    let (mut events, mut watch) = (handle.events(), handle.watch());
    drop(second);
    while block_on(events.next()).is_some() {}
    while block_on(watch.changed()).is_some() {}
    assert_eq!(block_on(handle.leave(Duration::from_secs(30))), Err(LeaveError::DriverDropped));
    assert_eq!(handle.members().len(), 1, "the last view stays");
    handle.set_health(Health::Degraded);
    handle.join(["127.0.0.1:9".parse().unwrap()]);
}

pub fn a_cancelled_driver_frees_its_address<A: Adapter>() {
    let (_first, second) = pair::<A>("cancelled", |_| {});
    let bind = second.handle.local_addr();
    let handle = second.handle.clone();
    drop(second);
    let again = start::<A>(options("cancelled", "again").with(|o| o.bind = bind));
    assert_eq!((handle.local_addr(), again.handle.local_addr()), (bind, bind));
}

pub fn a_leave_that_nobody_hears_of_ends_with_its_time<A: Adapter>() {
    let (first, second) = pair::<A>("unheard", |_| {});
    drop(first);
    assert_eq!(block_on(second.handle.leave(Duration::ZERO)), Err(LeaveError::Unacknowledged));
}

pub fn a_leave_that_only_the_dead_could_hear_is_no_success<A: Adapter>() {
    let (first, second) = pair::<A>("dead", |_| {});
    drop(first);
    assert_eq!(block_on(second.handle.leave(Duration::from_secs(30))), Err(LeaveError::Unacknowledged));
}

pub fn a_leave_of_two_is_acknowledged_by_the_other_and_of_one_by_nobody<A: Adapter>() {
    let (first, second) = pair::<A>("acknowledged", |_| {});
    assert_eq!(block_on(second.handle.leave(Duration::from_secs(30))), Ok(Left { acknowledged: 1 }));
    block_on(first.handle.watch().until(|members| members.iter().all(|m| m.status() == Status::Left)));
    assert_eq!(block_on(first.handle.leave(Duration::from_secs(30))), Ok(Left { acknowledged: 0 }));
}

pub fn epochs_rise_across_restarts<A: Adapter>() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("epoch");
    let mut last = 0;
    for _ in 0..3 {
        let node = start::<A>(options("epochs", "node").with(|o| o.epoch_file = Some(path.clone())));
        let epoch = node.handle.me().incarnation().epoch;
        assert!(epoch > last);
        assert_eq!(EpochFile::new(&path).read().unwrap(), Some(epoch));
        last = epoch;
    }
}

pub fn an_epoch_that_the_cluster_teaches_is_persisted<A: Adapter>() {
    let directory = tempfile::tempdir().unwrap();
    let file = EpochFile::new(directory.path().join("epoch"));
    let ahead = u32::MAX / 2 + 1_000;
    file.write(ahead).unwrap();
    let with_file = |options: &mut Options| options.epoch_file = Some(directory.path().join("epoch"));
    let (first, second) = pair::<A>("taught", with_file);
    drop(second);

    fs::remove_file(directory.path().join("epoch")).unwrap();
    let mut again = options("taught", "second");
    with_file(&mut again);
    again.seeds.push(first.handle.local_addr().into());
    let again = start::<A>(again);
    let persisted =
        eventually("the epoch above the one lost", || file.read().unwrap().filter(|&epoch| epoch > ahead));
    assert_eq!(again.handle.me().incarnation().epoch, persisted);
    assert_eq!(again.handle.host_metrics().epoch_errors, 0);
}

pub fn an_unusable_epoch_file_is_refused_and_left_alone<A: Adapter>() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("epoch");
    fs::write(&path, "twelve\n").unwrap();
    let refused = A::run(options("garbage", "node").with(|o| o.epoch_file = Some(path.clone())), None);
    let Err(StartError::Epoch(error @ EpochError::Garbage { .. })) = refused else { panic!("accepted") };
    assert!(error.to_string().contains(path.to_str().unwrap()), "{error}");
    assert_eq!(fs::read_to_string(&path).unwrap(), "twelve\n");

    let nowhere = Some(directory.path().join("missing").join("epoch"));
    let refused = A::run(options("garbage", "node").with(|o| o.epoch_file = nowhere), None);
    assert!(matches!(refused, Err(StartError::Epoch(EpochError::Write { .. }))));
}

pub fn an_address_in_use_is_said_to_be<A: Adapter>() {
    let first = start::<A>(options("in use", "first"));
    let bind = first.handle.local_addr();
    let Err(error) = A::run(options("in use", "second").with(|o| o.bind = bind), None) else {
        panic!("bound twice")
    };
    assert!(matches!(error, StartError::AddressInUse(address) if address == bind));
    assert!(error.to_string().contains(&bind.to_string()), "{error}");
}

pub fn any_interface_needs_an_advertised_address<A: Adapter>() {
    let bind = ([0, 0, 0, 0], 0).into();
    let refused = A::run(options("any", "node").with(|o| o.bind = bind), None);
    assert!(matches!(refused, Err(StartError::Advertise(_))));
    let advertise = Some(([127, 0, 0, 1], 0).into());
    let node = start::<A>(options("any", "node").with(|o| {
        o.bind = bind;
        o.advertise = advertise;
    }));
    assert_eq!(node.handle.me().address(), ([127, 0, 0, 1], node.handle.local_addr().port()).into());
}

/// Bound to every interface, and told a wrong address: as after a move to another one.
pub fn a_node_at_another_address_than_it_says_is_told_and_can_correct_it<A: Adapter>() {
    let (first, second) = pair::<A>("elsewhere", |_| {});
    let mut seen = first.handle.events();
    let mut options = options("elsewhere", "third");
    options.bind = ([0, 0, 0, 0], 0).into();
    let silent = [UdpSocket::bind("127.0.0.1:0").unwrap(), UdpSocket::bind("127.0.0.1:0").unwrap()];
    let [wrong, nobody] = silent.each_ref().map(|socket| socket.local_addr().unwrap());
    options.advertise = Some(wrong);
    // No one answers there; the others are named once all that comes of it can be seen.
    options.seeds.push(nobody.into());
    let third = start::<A>(options);
    let mut own = third.handle.events();
    third.handle.join([&first, &second].map(|node| node.handle.local_addr().into()));
    let right = SocketAddr::from(([127, 0, 0, 1], third.handle.local_addr().port()));
    let mut observed = || loop {
        let notice = block_on(own.next()).unwrap().unwrap();
        if let Event::ObservedAddress { observed } = notice.event {
            return observed.socket_addr();
        }
    };
    assert_eq!((observed(), third.handle.me().address()), (right, wrong));
    assert!(!third.handle.is_joined());
    assert_eq!(third.handle.set_advertise(([0, 0, 0, 0], 1).into()), Err(ConfigError::Address));
    assert_eq!(third.handle.set_advertise(([127, 0, 0, 1], 0).into()), Ok(()));
    assert_eq!(block_on(third.handle.wait_joined()), Ok(()));
    let nodes = [&first, &second];
    let routes = |address: SocketAddr| {
        let to_it = |m: &MemberView| m.id == third.handle.id() && m.routable && m.address() == address;
        for node in nodes {
            assert!(block_on(node.handle.watch().until(|members| members.iter().any(to_it))).is_some());
        }
    };
    routes(right);

    // And while it is a member.
    third.handle.set_advertise(wrong).unwrap();
    assert_eq!((observed(), third.handle.me().address()), (right, wrong));
    let elsewhere = Event::MemberObserved(Sighting::new(third.handle.id(), right));
    while block_on(seen.next()).unwrap().unwrap().event != elsewhere {}
    third.handle.set_advertise(right).unwrap();
    routes(right);
}

pub fn a_configuration_is_checked_before_it_is_taken_over<A: Adapter>() {
    let node = start::<A>(options("config", "node"));
    let config = options("config", "node").config;
    let invalid = config.with(|c| c.fanout = 0);
    assert!(matches!(node.handle.reconfigure(invalid), Err(ConfigError::Range { field: "fanout", .. })));
    let fixed = options("another", "node").config;
    assert_eq!(node.handle.reconfigure(fixed), Err(ConfigError::Fixed { field: "cluster" }));
    let changed = config.with(|c| c.fanout = 5);
    assert_eq!(node.handle.reconfigure(changed), Ok(()));
    let refused = A::run(options("config", "other").with(|o| o.config = invalid), None);
    assert!(matches!(refused, Err(StartError::Config(ConfigError::Range { field: "fanout", .. }))));
}
