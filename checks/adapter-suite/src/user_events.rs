//! What members send to all.

#![allow(missing_docs, reason = "the name of a promise says all of it")]

use crate::{
    Adapter, Running, block_on,
    cluster::{formed, until},
    eventually, options, start,
};
use gossip_core::StateError;
use gossip_host::{Bytes, Handle, Key, PublishError, UserEvent, UserEvents};
use std::{
    task::{Context, Poll, Waker},
    thread,
    time::Duration,
};

const MOVED: Key<u32> = Key::new("shard/moved");
const WARM: Key<u32> = Key::new("warm");
const BLOB: Key<Bytes> = Key::raw("blob");

/// Sends an event as soon as the node may.
fn send(handle: &Handle, key: &Key<u32>, value: u32) {
    eventually("an event is sent", || match handle.send_event(key, &value) {
        Ok(()) => Some(()),
        Err(PublishError::State(StateError::Busy { .. })) => None,
        Err(error) => panic!("{error}"),
    });
}

/// Waits until the others hear what a node sends, which those do not that have just started.
pub(crate) fn warm(sender: &Handle, others: &[Running]) {
    for round in 0.. {
        send(sender, &WARM, round);
        let heard = |other: &Running| other.handle.metrics().events_delivered > 0;
        if others.iter().all(heard) {
            break;
        }
        // As much as it may send in the long run, so that it may send eight at once afterwards.
        thread::sleep(Duration::from_secs(1));
    }
}

/// The next event of this key.
fn next(events: &mut UserEvents, key: &Key<u32>) -> UserEvent {
    loop {
        let event = block_on(events.next()).unwrap().unwrap();
        if event.name == key.name() {
            return event;
        }
    }
}

pub fn an_event_is_heard_by_all_others_once<A: Adapter>() {
    let mut nodes = formed::<A>("user events");
    let sender = nodes.remove(1);
    warm(&sender.handle, &nodes);
    let mut own = sender.handle.user_events();
    let mut all: Vec<_> = nodes.iter().map(|node| node.handle.user_events()).collect();
    for shard in [7, 8] {
        send(&sender.handle, &MOVED, shard);
    }
    for events in &mut all {
        let mut heard = [next(events, &MOVED), next(events, &MOVED)];
        // They come in any order.
        heard.sort_by_key(|event| event.sequence);
        let values = heard.each_ref().map(|event| event.value(&MOVED));
        assert_eq!(values, [Ok(Some(7)), Ok(Some(8))]);
        assert!(heard.iter().all(|event| event.origin == sender.handle.id()));
        assert_eq!(heard[0].value(&WARM), Ok(None), "another key");
        assert!(heard[0].value(&Key::<u32>::with_schema("shard/moved", 1)).is_err(), "another schema");
    }
    let error = sender.handle.send_event(&BLOB, &Bytes::from(vec![0; 600]));
    assert!(matches!(error, Err(PublishError::State(StateError::EventTooLarge { most: 512 }))), "{error:?}");
    // A third event, after which neither of the first two has come again.
    send(&sender.handle, &MOVED, 9);
    for events in &mut all {
        assert_eq!(next(events, &MOVED).value(&MOVED), Ok(Some(9)));
    }
    let mut cx = Context::from_waker(Waker::noop());
    assert!(own.poll_next(&mut cx).is_pending(), "who sends is not told");
    drop(nodes);
    assert!(all.iter_mut().all(|events| block_on(events.next()).is_none()), "the nodes are gone");
}

pub fn a_slow_reader_of_events_loses_the_oldest_and_is_told_how_many<A: Adapter>() {
    let first = start::<A>(options("event lag", "first"));
    let seeds = vec![first.handle.local_addr().into()];
    let second =
        start::<A>(options("event lag", "second").with(|o| (o.seeds, o.event_capacity) = (seeds, 2)));
    until(&first.handle, |members| members.len() == 1);
    let second = [second];
    let handle = &second[0].handle;
    warm(&first.handle, &second);
    let [mut fast, mut slow] = [handle.user_events(), handle.user_events()];
    let mut cx = Context::from_waker(Waker::noop());
    let mut read = |events: &mut UserEvents| match events.poll_next(&mut cx) {
        Poll::Ready(next) => Some(next.unwrap()),
        Poll::Pending => None,
    };
    for shard in 0..5 {
        send(&first.handle, &MOVED, shard);
    }
    let mut told = 0;
    eventually("all are told", || {
        while let Some(next) = read(&mut fast) {
            told += next.map_or_else(|lagged| lagged.0, |_| 1);
        }
        (told >= 5).then_some(())
    });
    let lagged = read(&mut slow).unwrap().unwrap_err();
    assert!(lagged.0 >= 3, "two of five are kept: {lagged}");
    assert!(handle.host_metrics().user_events_lagged >= lagged.0);
    let mut slowly = lagged.0;
    // One that was sent before may still come.
    eventually("each was told, or counted as missed", || {
        for (events, told) in [(&mut fast, &mut told), (&mut slow, &mut slowly)] {
            while let Some(next) = read(events) {
                *told += next.map_or_else(|lagged| lagged.0, |_| 1);
            }
        }
        (told == slowly).then_some(())
    });
}
