//! What members ask each other: each question ends soon, once, and draws a bounded number of answers.

use crate::support::{
    Datagram, Input, Link, Network, Step, Watch, across_seeds,
    forge::{self, datagram, head},
    lan, secs, seeds,
};
use gossip_core::{
    Answer, AskFailure, AskId, Buffer, Config, Event, Heap, Instant, Memory, Node, Outbox, Question,
    StateError, Traffic, Verdict,
};
use std::{net::SocketAddr, time::Duration};

/// What hosts were asked and told, and what was sent of class state.
#[derive(Default)]
struct Desk {
    questions: Vec<(usize, Question, String)>,
    /// How many questions there were.
    asked: u32,
    answered: Vec<(usize, AskId, Vec<u8>)>,
    failed: Vec<(usize, AskId, AskFailure)>,
    sent: Vec<Datagram>,
    /// Packets that the last datagram drew.
    drawn: usize,
}

impl<M: Memory> Watch<M> for Desk {
    fn after(&mut self, step: &Step<'_, M>) {
        for event in step.output.events() {
            let payload = step.output.payload(event).to_vec();
            match *event {
                Event::Asked { question, .. } => {
                    self.asked += 1;
                    self.questions.push((step.host, question, String::from_utf8_lossy(&payload).into()));
                }
                Event::Answered { ask, .. } => self.answered.push((step.host, ask, payload)),
                Event::AskFailed { ask, why, .. } => self.failed.push((step.host, ask, why)),
                _ => assert!(payload.is_empty(), "{event:?}"),
            }
        }
        if step.input == Input::Datagram {
            self.drawn = step.output.packets().len();
        }
        let of_state = step.output.packets().filter(|packet| packet.class == Traffic::State);
        self.sent.extend(of_state.map(|packet| Datagram {
            from: step.address,
            to: packet.to,
            bytes: packet.bytes.to_vec(),
        }));
    }
}

fn restored(seed: u64, nodes: usize, config: Config, link: Link) -> Network<Heap, Desk> {
    let mut network = Network::new(seed, config, || Heap::without_state(64), Desk::default());
    network.set_link(link);
    network.add_restored(nodes);
    network.run_for(secs(5));
    network
}

/// Lets a host ask another.
fn ask(network: &mut Network<Heap, Desk>, host: usize, of: usize, key: &str) -> AskId {
    let (member, mut id) = (network.hosts[of].id, None);
    network.command(host, |node, now, out| match node.ask(now, member, key, out) {
        Ok((ask, output)) => {
            id = Some(ask);
            output
        }
        Err(error) => panic!("{key}: {error}"),
    });
    id.unwrap_or_else(|| panic!("{key}: a question has an id"))
}

/// What a call on a host's node says, without the network.
fn call<T>(
    network: &mut Network<Heap, Desk>,
    host: usize,
    call: impl FnOnce(&mut Node<Heap>, Instant, &mut Outbox<'_>) -> T,
) -> T {
    let (mut buffer, now) = (Buffer::<8, 128, 9_600>::new(), network.now());
    call(&mut network.hosts[host].node, now, &mut buffer.outbox())
}

/// What a host answers by itself.
fn found(host: usize, key: &str) -> Option<Vec<u8>> {
    match key {
        "number" => Some(host.to_string().into_bytes()),
        "nothing" => Some(vec![]),
        _ => key.parse().ok().map(|length: usize| vec![7; length]),
    }
}

/// Lets time pass; hosts answer what they are asked within a millisecond.
fn run(network: &mut Network<Heap, Desk>, span: Duration) {
    let end = network.now() + span;
    while network.now() < end {
        network.run_for(Duration::from_millis(1));
        for (host, question, key) in std::mem::take(&mut network.watch.questions) {
            if !network.hosts[host].is_running() || key == "silence" {
                continue;
            }
            let found = found(host, &key);
            let answer = match &found {
                Some(found) => Answer::Found(found),
                None if key == "secret" => Answer::Refused,
                None => Answer::Unknown,
            };
            network.command(host, |node, now, out| match node.answer(now, question, answer, out) {
                Ok(output) => output,
                Err(error) => panic!("{key}: {error}"),
            });
        }
    }
}

fn bytes_of_state(network: &Network<Heap, Desk>, host: usize) -> u64 {
    network.hosts[host].node.metrics().bytes_state
}

#[test]
fn a_member_answers_what_it_is_asked() {
    let mut network = restored(1, 3, lan(), Link::PERFECT);
    let asks: Vec<AskId> =
        ["number", "nothing", "other", "secret", "1165"].map(|key| ask(&mut network, 0, 2, key)).to_vec();
    run(&mut network, Duration::from_millis(50));
    let Desk { answered, failed, .. } = &network.watch;
    let expected = [(asks[0], b"2".to_vec()), (asks[1], vec![]), (asks[4], vec![7; 1_165])];
    assert_eq!(*answered, expected.map(|(ask, found)| (0, ask, found)));
    assert_eq!(*failed, [(0, asks[2], AskFailure::Unknown), (0, asks[3], AskFailure::Refused)]);
    let metrics = network.hosts[0].node.metrics();
    assert_eq!((metrics.asked, metrics.asked_answered, metrics.asked_failed), (5, 3, 2));
    let metrics = network.hosts[2].node.metrics();
    assert_eq!((metrics.questions, metrics.answers), (5, 5));
}

#[test]
fn a_question_that_is_forgotten_makes_room_at_once_and_is_told_of_no_more() {
    let mut network = restored(1, 3, lan(), Link::PERFECT);
    let asks: Vec<AskId> = (0..16).map(|_| ask(&mut network, 0, 2, "number")).collect();
    let member = network.hosts[2].id;
    let full = |network: &mut Network<Heap, Desk>| {
        call(network, 0, |node, now, out| node.ask(now, member, "number", out).err())
    };
    assert_eq!(full(&mut network), Some(StateError::TooManyAsked { most: 16 }));
    for &ask in &asks {
        network.hosts[0].node.forget_ask(ask);
    }
    let again: Vec<AskId> = (0..16).map(|_| ask(&mut network, 0, 2, "nothing")).collect();
    // Those that are not open are no one's.
    network.hosts[0].node.forget_ask(asks[0]);
    assert_eq!(full(&mut network), Some(StateError::TooManyAsked { most: 16 }));
    run(&mut network, secs(2));
    let told: Vec<AskId> = network.watch.answered.iter().map(|&(_, ask, _)| ask).collect();
    assert_eq!(told, again);
    assert_eq!(network.watch.failed, []);
    let metrics = network.hosts[0].node.metrics();
    assert_eq!((metrics.asked, metrics.asked_answered, metrics.asked_failed), (32, 16, 16));
}

#[test]
fn at_20_percent_loss_nine_in_ten_questions_are_answered_and_all_end() {
    let (mut answered, mut all) = (0, 0);
    across_seeds(seeds(), |seed| {
        let link = Link { loss: 0.2, duplication: 0.1, reordering: 0.1, ..Link::PERFECT };
        let mut network = restored(seed, 8, lan(), link);
        let mut open = vec![];
        for n in 0..40 {
            open.push(ask(&mut network, 0, 1 + n % 7, "number"));
            run(&mut network, Duration::from_millis(200));
        }
        run(&mut network, secs(5));
        let Desk { answered: answers, failed, .. } = &network.watch;
        let mut ended: Vec<AskId> = answers.iter().map(|(_, ask, _)| *ask).collect();
        ended.extend(failed.iter().map(|(_, ask, _)| *ask));
        ended.sort_unstable();
        assert_eq!(ended, open, "seed {seed}");
        for (_, ask, found) in answers {
            let of = 1 + open.iter().position(|open| open == ask).unwrap() % 7;
            assert_eq!(*found, of.to_string().into_bytes(), "seed {seed}");
        }
        all += open.len();
        answered += answers.len();
    });
    assert!(answered * 10 >= all * 9, "{answered} of {all} were answered");
}

#[test]
fn a_question_to_a_dead_member_ends_within_a_second_or_is_refused() {
    let mut network = restored(1, 8, lan(), Link::PERFECT);
    network.crash(3);
    let asked = ask(&mut network, 0, 3, "number");
    run(&mut network, secs(1));
    assert_eq!(network.watch.failed, [(0, asked, AskFailure::Silent)]);
    let sent = network.watch.sent.iter().filter(|datagram| datagram.to == network.hosts[3].address);
    assert_eq!(sent.count(), 3);
    run(&mut network, secs(60));
    let dead = network.hosts[3].id;
    let refused = call(&mut network, 0, |node, now, out| node.ask(now, dead, "number", out).err());
    assert_eq!(refused, Some(StateError::NoMember));
}

#[test]
fn a_question_to_a_member_that_leaves_ends_when_that_is_known() {
    let mut network = restored(1, 8, lan(), Link::PERFECT);
    let asked = ask(&mut network, 0, 3, "silence");
    network.leave(3);
    run(&mut network, Duration::from_millis(500));
    assert_eq!(network.watch.failed, [(0, asked, AskFailure::Gone)]);
}

#[test]
fn a_host_that_does_not_answer_is_asked_three_times() {
    let mut network = restored(1, 3, lan(), Link::PERFECT);
    let asked = ask(&mut network, 0, 2, "silence");
    run(&mut network, secs(1));
    assert_eq!(network.watch.failed, [(0, asked, AskFailure::Silent)]);
    assert_eq!(network.watch.asked, 3);
}

#[test]
fn what_breaks_a_limit_of_questions_is_refused_and_says_which() {
    let mut network = restored(1, 3, lan(), Link::PERFECT);
    let [me, other] = [0, 1].map(|host| network.hosts[host].id);
    let long = "k".repeat(32);
    for key in ["", &long, "two words", "käse"] {
        let refused = call(&mut network, 0, |node, now, out| node.ask(now, other, key, out).err());
        assert_eq!(refused, Some(StateError::Key), "{key:?}");
    }
    for nobody in [me, forge::id(1)] {
        let refused = call(&mut network, 0, |node, now, out| node.ask(now, nobody, "key", out).err());
        assert_eq!(refused, Some(StateError::NoMember));
    }
    for _ in 0..16 {
        ask(&mut network, 0, 1, "silence");
    }
    let refused = call(&mut network, 0, |node, now, out| node.ask(now, other, "key", out).err());
    assert_eq!(refused, Some(StateError::TooManyAsked { most: 16 }));
    network.run_for(Duration::from_millis(10));
    let (_, question, _) = network.watch.questions[0].clone();
    let large = Answer::Found(&[0; 1_166]);
    let refused = call(&mut network, 1, |node, now, out| node.answer(now, question, large, out).err());
    assert_eq!(refused, Some(StateError::AnswerTooLarge { most: 1_165 }));
    run(&mut network, secs(2));
    assert_eq!(network.watch.failed.len(), 16);
    ask(&mut network, 0, 1, "number");
    network.leave(0);
    let refused = call(&mut network, 0, |node, now, out| node.ask(now, other, "key", out).err());
    assert_eq!(refused, Some(StateError::Inactive));
}

#[test]
fn the_smallest_outbox_and_datagram_have_room_for_question_and_answer() {
    let mut config = lan();
    config.max_datagram = 400;
    let mut network = restored(1, 3, config, Link::PERFECT);
    network.lend(Buffer::<2, 47, 800>::new());
    let asked = ask(&mut network, 0, 2, "365");
    run(&mut network, secs(1));
    assert_eq!(network.watch.answered, [(0, asked, vec![7; 365])]);
}

/// A question in the name of a host.
fn forged(network: &Network<Heap, Desk>, host: usize, nonce: u32, key: &str) -> Vec<u8> {
    datagram(&head(lan()), network.hosts[host].id, &[forge::ask(nonce, key)])
}

#[test]
fn a_flood_of_questions_draws_a_bounded_number_of_answers() {
    let mut network = restored(1, 8, lan(), Link::PERFECT);
    let (before, from) = (bytes_of_state(&network, 0), network.hosts[1].address);
    for n in 0..10_000 {
        let question = forged(&network, 1, n, "1165");
        network.send(&Datagram { from, to: network.hosts[0].address, bytes: question });
        run(&mut network, Duration::from_millis(1));
    }
    run(&mut network, Duration::from_millis(20));
    let metrics = network.hosts[0].node.metrics();
    let bytes = bytes_of_state(&network, 0) - before;
    // Half of 8 kB a second, and four datagrams at once.
    assert!((40_000..46_000).contains(&bytes), "{bytes} bytes of answers");
    assert_eq!(bytes, metrics.answers * 1_195);
    assert_eq!(metrics.questions + metrics.dropped_questions, 10_000);
    assert!((320..=353).contains(&metrics.questions), "{} questions", metrics.questions);
    assert_eq!(metrics.answers + metrics.dropped_answers, metrics.questions);
    // Others get what they ask for once it is over.
    run(&mut network, secs(2));
    let asked = ask(&mut network, 4, 0, "number");
    run(&mut network, secs(1));
    assert_eq!(network.watch.answered, [(4, asked, b"0".to_vec())]);
}

#[test]
fn a_question_that_comes_again_is_put_to_the_host_within_the_limit() {
    let mut network = restored(1, 3, lan(), Link::PERFECT);
    let (question, from) = (forged(&network, 1, 8, "number"), network.hosts[1].address);
    for _ in 0..200 {
        network.inject(0, from, &question);
    }
    assert_eq!(network.watch.asked, 32);
    assert_eq!(network.hosts[0].node.metrics().dropped_questions, 168);
}

#[test]
fn non_members_and_members_from_elsewhere_get_no_answer() {
    let mut network = restored(1, 3, lan(), Link::PERFECT);
    let elsewhere: SocketAddr = ([192, 0, 2, 1], 7_946).into();
    let non_member = datagram(&head(lan()), forge::id(7), &[forge::ask(8, "number")]);
    assert_eq!(network.inject(0, elsewhere, &non_member), Verdict::NonMember);
    assert_eq!(network.watch.drawn, 0);
    let member = forged(&network, 1, 8, "number");
    network.inject(0, elsewhere, &member);
    assert_eq!((network.watch.drawn, network.watch.asked), (0, 0));
    assert_eq!(network.hosts[0].node.metrics().dropped_questions, 1);
    network.inject(0, network.hosts[1].address, &member);
    assert_eq!(network.watch.asked, 1);
}

#[test]
fn an_answer_goes_to_where_the_asker_is_by_then_or_nowhere() {
    let mut network = restored(1, 8, lan(), Link::PERFECT);
    ask(&mut network, 1, 0, "number");
    network.run_for(Duration::from_millis(20));
    let (_, question, _) = network.watch.questions[0].clone();
    assert_eq!(question.from(), network.hosts[1].id);
    network.crash(1);
    network.run_for(secs(60));
    let before = network.watch.sent.len();
    network.command(0, |node, now, out| match node.answer(now, question, Answer::Unknown, out) {
        Ok(output) => output,
        Err(error) => panic!("{error}"),
    });
    assert_eq!(network.watch.sent.len(), before);
    assert_eq!(network.hosts[0].node.metrics().dropped_answers, 1);
}

#[test]
fn an_answer_counts_from_the_member_that_was_asked_and_with_its_nonce() {
    let mut network = restored(1, 3, lan(), Link::PERFECT);
    let asked = ask(&mut network, 0, 2, "number");
    let question = &network.watch.sent.last().unwrap().bytes;
    let nonce = u32::from_be_bytes(question[25..29].try_into().unwrap());
    for (from, nonce) in [(1, nonce), (2, nonce ^ 1)] {
        let host = &network.hosts[from];
        let answer = datagram(&head(lan()), host.id, &[forge::answer(nonce, 0, b"forged")]);
        let address = host.address;
        network.inject(0, address, &answer);
    }
    assert_eq!(network.hosts[0].node.metrics().dropped_answers, 2);
    run(&mut network, Duration::from_millis(50));
    assert_eq!(network.watch.answered, [(0, asked, b"2".to_vec())]);
    assert_eq!(network.watch.failed, []);
}
