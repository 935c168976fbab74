//! What nodes ask each other.

#![allow(missing_docs, reason = "the name of a promise says all of it")]

use crate::{Adapter, Running, block_on, cluster::formed, eventually};
use gossip_core::{AskFailure, NodeId, StateError};
use gossip_host::{AskError, Bytes, Handle, Key, PublishError, Question, Questions};
use std::{
    collections::BTreeSet,
    task::{Context, Poll, Waker},
    thread,
};

const LOAD: Key<u32> = Key::new("load");
const BLOB: Key<Bytes> = Key::raw("blob");

fn next<T>(questions: &mut Questions<T>) -> Question<T> {
    block_on(questions.next()).unwrap()
}

/// Sees to the questions of a key, on a thread that ends with the node.
fn attend<T: 'static>(node: &Handle, key: &Key<T>, how: impl Fn(Question<T>) + Send + 'static) {
    let mut questions = node.answer(key).unwrap();
    thread::spawn(move || {
        while let Some(question) = block_on(questions.next()) {
            how(question);
        }
    });
}

/// What a node learns from a member that may be too busy to answer at once.
fn learn<T>(handle: &Handle, member: NodeId, key: &Key<T>) -> Result<T, AskError> {
    eventually("an answer", || match block_on(handle.ask(member, key)) {
        Err(AskError::Failed(AskFailure::Silent)) => None,
        outcome => Some(outcome),
    })
}

/// Questions that wait at a node at a time.
const MOST: u64 = 16;

pub fn questions_that_are_dropped_make_room_for_others<A: Adapter>() {
    let nodes = formed::<A>("dropped");
    let [asker, member] = [&nodes[0].handle, &nodes[1].handle];
    attend(member, &LOAD, |question| drop(question.answer(&7)));
    // Nobody reads these.
    let _waiting = member.answer(&BLOB).unwrap();
    let dropped: Vec<_> = (0..MOST).map(|_| asker.ask(member.id(), &BLOB)).collect();
    eventually("questions", || (asker.metrics().asked == MOST).then_some(()));
    drop(dropped);
    assert_eq!(learn(asker, member.id(), &LOAD), Ok(7));
}

pub fn a_node_learns_from_each_member_what_only_that_has<A: Adapter>() {
    let nodes = formed::<A>("ask");
    let port = |handle: &Handle| u32::from(handle.local_addr().port());
    for Running { handle, .. } in &nodes {
        let load = port(handle);
        // One that comes while the node stops has no answer.
        attend(handle, &LOAD, move |question| drop(question.answer(&load)));
    }
    let asker = &nodes[0].handle;
    for node in &nodes[1..] {
        assert_eq!(learn(asker, node.handle.id(), &LOAD), Ok(port(&node.handle)));
    }
    let all: Vec<_> = nodes[1..].iter().map(|node| asker.ask(node.handle.id(), &LOAD)).collect();
    let mut loads = BTreeSet::new();
    for (ask, node) in all.into_iter().zip(&nodes[1..]) {
        let load = block_on(ask).or_else(|_| learn(asker, node.handle.id(), &LOAD));
        loads.insert(load.unwrap());
    }
    assert_eq!(loads, nodes[1..].iter().map(|node| port(&node.handle)).collect(), "several at once");
    assert_eq!(block_on(asker.ask(asker.id(), &LOAD)), Err(AskError::State(StateError::NoMember)));
}

pub fn a_member_answers_all_names_under_one_and_sees_which_is_asked_for<A: Adapter>() {
    let nodes = formed::<A>("under");
    let [asker, member] = [&nodes[0].handle, &nodes[1].handle];
    let text = Key::<String>::new("of");
    let mut questions = member.answer_under(&text).unwrap();
    thread::spawn(move || {
        while let Some(question) = block_on(questions.next()) {
            let asked_for = question.name().to_owned();
            let _ = question.answer(&asked_for);
        }
    });
    for name in ["of/a", "of/b", "of/a/b"] {
        assert_eq!(learn(asker, member.id(), &text.named(name)), Ok(name.to_owned()));
    }
    for name in ["of", "off/a"] {
        let unknown = Err(AskError::Failed(AskFailure::Unknown));
        assert_eq!(learn(asker, member.id(), &text.named(name)), unknown, "{name}");
    }
}

pub fn a_question_that_has_no_answer_ends_with_why<A: Adapter>() {
    let mut nodes = formed::<A>("no answer");
    let member = nodes.pop().unwrap();
    let (asker, id) = (&nodes[0].handle, member.handle.id());
    let failed = |failure| Err(AskError::Failed(failure));
    assert_eq!(learn(asker, id, &LOAD), failed(AskFailure::Unknown), "nobody answers it");

    let secret = LOAD.named("secret");
    attend(&member.handle, &secret, |question| drop(question.refuse()));
    assert_eq!(learn(asker, id, &secret), failed(AskFailure::Refused));

    let mut questions = member.handle.answer(&LOAD).unwrap();
    let ask = asker.ask(id, &LOAD);
    drop(next(&mut questions));
    assert_eq!(block_on(ask), failed(AskFailure::Silent), "its host does not answer");

    let mut blobs = member.handle.answer(&BLOB).unwrap();
    let ask = asker.ask(id, &BLOB);
    let error = next(&mut blobs).answer(&Bytes::from(vec![0; 2_000])).unwrap_err();
    assert!(matches!(error, PublishError::State(StateError::AnswerTooLarge { .. })), "{error}");
    drop(ask);

    let text = Key::<String>::with_schema("text", 1);
    attend(&member.handle, &text, |question| drop(question.answer(&"high".to_owned())));
    let error = learn(asker, id, &LOAD.named("text")).unwrap_err();
    assert!(matches!(error, AskError::Decode(_)), "{error}");
    assert_eq!(asker.host_metrics().values_undecoded, 1);

    drop(member);
    let gone = learn(asker, id, &LOAD);
    let is_gone =
        matches!(gone, Err(AskError::Failed(AskFailure::Gone) | AskError::State(StateError::NoMember)));
    assert!(is_gone, "{gone:?}");
}

pub fn a_question_reaches_whoever_asks_in_a_loop_of_its_own<A: Adapter>() {
    let nodes = formed::<A>("ask by hand");
    let (asker, answerer) = (&nodes[0].handle, &nodes[1].handle);
    let mut questions = answerer.answer(&LOAD).unwrap();
    let mut ask = std::pin::pin!(asker.ask(answerer.id(), &LOAD));
    // Nothing here is woken: it is polled, as a loop does that has other things to see to.
    let mut cx = Context::from_waker(Waker::noop());
    let load = eventually("an answer", || {
        while let Poll::Ready(Some(question)) = questions.poll_next(&mut cx) {
            assert_eq!(question.from(), asker.id());
            question.answer(&7).unwrap();
        }
        match ask.as_mut().poll(&mut cx) {
            Poll::Ready(outcome) => Some(outcome),
            Poll::Pending => None,
        }
    });
    assert_eq!(load, Ok(7));
    assert_eq!(answerer.host_metrics().questions_dropped, 0);
}

pub fn questions_that_nobody_reads_make_room_for_newer_ones<A: Adapter>() {
    let mut nodes = formed::<A>("unread");
    let answerer = nodes.pop().unwrap();
    let mut questions = answerer.handle.answer(&LOAD).unwrap();
    // The four together ask more than wait at a time. Who got no answer asks anew.
    eventually("one makes room", || {
        let asks =
            nodes.iter().flat_map(|node| (0..16).map(|_| node.handle.ask(answerer.handle.id(), &LOAD)));
        asks.collect::<Vec<_>>().into_iter().for_each(|ask| drop(block_on(ask)));
        (answerer.handle.host_metrics().questions_dropped > 0).then_some(())
    });
    let mut cx = Context::from_waker(Waker::noop());
    let waiting = std::iter::from_fn(|| match questions.poll_next(&mut cx) {
        Poll::Ready(question) => question,
        Poll::Pending => None,
    });
    assert_eq!(waiting.count(), 32);
}
