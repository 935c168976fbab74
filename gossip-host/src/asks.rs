//! Questions under way: those that this node asks, and those that it is asked.

use crate::{ask_error::AskError, lock::lock};
use bytes::Bytes;
use gossip_core::{AskId, NodeId, Question, StateError};
use std::{
    collections::{BTreeMap, VecDeque},
    iter, mem,
    sync::Mutex,
    task::{Context, Poll, Waker},
};

/// Questions that wait for an answer at a time: as many as the core asks.
pub(crate) const MAX_ASKS: usize = 16;
/// Names that a node answers: as many as it can have keys.
pub(crate) const MAX_NAMES: usize = 64;
/// Questions of one name that wait to be answered: as many as the core puts to its host at once.
const MAX_QUESTIONS: usize = 32;

/// What a question ends with.
pub(crate) type Outcome = Result<Bytes, AskError>;

/// The names that one `Questions` answers.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(crate) enum Names {
    /// This one.
    One(String),
    /// All that begin with this, which ends with a `/`.
    Under(String),
}

impl Names {
    /// All that a question's name is among, the narrowest first.
    fn with(name: &str) -> impl Iterator<Item = Self> + '_ {
        let starts = name.rmatch_indices('/').filter_map(|(at, _)| name.get(..=at));
        iter::once(Self::One(name.to_owned())).chain(starts.map(|start| Self::Under(start.to_owned())))
    }
}

/// All questions under way: this node's own by their numbers, those of others by the names that it answers.
#[derive(Default)]
pub(crate) struct Asks(Mutex<Desk>);

#[derive(Default)]
struct Desk {
    has_ended: bool,
    /// Questions ever asked: the number of the next one.
    asked: u64,
    open: BTreeMap<u64, Open>,
    /// Questions that the node still has open, and nobody waits for: no more than the core asks at a time.
    forgotten: Vec<AskId>,
    answered: BTreeMap<Names, Line>,
}

struct Open {
    stage: Stage,
    waker: Option<Waker>,
}

enum Stage {
    /// The driver has not seen it yet.
    New {
        member: NodeId,
        name: String,
    },
    Asked(AskId),
    Ended(Outcome),
}

/// Questions that wait for one `Questions`, each with the name that it asks for.
#[derive(Default)]
struct Line {
    questions: VecDeque<(Question, String)>,
    waker: Option<Waker>,
}

/// What became of a question that came in.
#[derive(PartialEq, Eq, Debug)]
pub(crate) enum Put {
    /// It waits to be answered.
    Waiting,
    /// It waits, and the one that waited longest was dropped for it.
    Displaced,
    /// No `Questions` answers the name that it asks for.
    Unknown,
}

impl Asks {
    /// A new question, for the driver to ask; its number.
    pub(crate) fn open(&self, member: NodeId, name: &str) -> Result<u64, AskError> {
        let mut desk = lock(&self.0);
        if desk.has_ended {
            return Err(AskError::Stopped);
        }
        if desk.open.len() >= MAX_ASKS {
            return Err(AskError::State(StateError::TooManyAsked { most: MAX_ASKS }));
        }
        let number = desk.asked;
        desk.asked += 1;
        let stage = Stage::New { member, name: name.to_owned() };
        desk.open.insert(number, Open { stage, waker: None });
        Ok(number)
    }

    /// Drops a question whose future was dropped; returns whether the driver has to tell the node.
    pub(crate) fn forget(&self, number: u64) -> bool {
        let mut desk = lock(&self.0);
        let forgotten = desk.open.remove(&number);
        let asked = forgotten
            .as_ref()
            .and_then(|open| if let Stage::Asked(id) = open.stage { Some(id) } else { None });
        desk.forgotten.extend(asked);
        drop(desk);
        // A waker's destructor is foreign code: it runs after the lock is free.
        drop(forgotten);
        asked.is_some()
    }

    /// The questions that the node is to forget.
    pub(crate) fn take_forgotten(&self) -> Vec<AskId> {
        mem::take(&mut lock(&self.0).forgotten)
    }

    /// What a question ended with; otherwise the task is woken when it ends.
    pub(crate) fn poll(&self, cx: &Context<'_>, number: u64) -> Poll<Outcome> {
        let mut desk = lock(&self.0);
        let Some(open) = desk.open.get_mut(&number) else { return Poll::Pending };
        if let Stage::Ended(_) = open.stage
            && let Some(Open { stage: Stage::Ended(outcome), .. }) = desk.open.remove(&number)
        {
            return Poll::Ready(outcome);
        }
        let replaced = desk.open.get_mut(&number).and_then(|open| open.waker.replace(cx.waker().clone()));
        drop(desk);
        drop(replaced);
        Poll::Pending
    }

    /// The questions that the driver has to ask.
    pub(crate) fn new_ones(&self) -> Vec<(u64, NodeId, String)> {
        let desk = lock(&self.0);
        let new = desk.open.iter().filter_map(|(&number, open)| match &open.stage {
            Stage::New { member, name } => Some((number, *member, name.clone())),
            Stage::Asked(_) | Stage::Ended(_) => None,
        });
        new.collect()
    }

    /// The driver has asked a question, or could not.
    pub(crate) fn asked(&self, number: u64, asked: Result<AskId, StateError>) {
        match asked {
            Ok(id) => {
                let mut desk = lock(&self.0);
                match desk.open.get_mut(&number) {
                    Some(open) => open.stage = Stage::Asked(id),
                    // Whoever asked has dropped it meanwhile.
                    None => desk.forgotten.push(id),
                }
            }
            Err(error) => self.end_those(|at, _| at == number, &Err(AskError::State(error))),
        }
    }

    /// A question has ended.
    pub(crate) fn answered(&self, id: AskId, outcome: &Outcome) {
        self.end_those(|_, stage| matches!(stage, Stage::Asked(asked) if *asked == id), outcome);
    }

    fn end_those(&self, which: impl Fn(u64, &Stage) -> bool, outcome: &Outcome) {
        let mut woken = Vec::new();
        for (number, open) in &mut lock(&self.0).open {
            if which(*number, &open.stage) {
                open.stage = Stage::Ended(outcome.clone());
                woken.extend(open.waker.take());
            }
        }
        woken.into_iter().for_each(Waker::wake);
    }

    /// From now on the questions for these names wait for an answer.
    pub(crate) fn answer(&self, names: &Names) -> Result<(), NotAnswered> {
        let mut desk = lock(&self.0);
        if desk.answered.contains_key(names) {
            return Err(NotAnswered::Taken);
        }
        if desk.answered.len() >= MAX_NAMES {
            return Err(NotAnswered::TooMany);
        }
        desk.answered.insert(names.clone(), Line::default());
        Ok(())
    }

    /// The `Questions` of these names was dropped.
    pub(crate) fn answer_no_more(&self, names: &Names) {
        let line = lock(&self.0).answered.remove(names);
        drop(line);
    }

    /// A question has come, or has come again.
    pub(crate) fn put(&self, question: Question, name: &str) -> Put {
        let (put, waker) = {
            let mut desk = lock(&self.0);
            let names = Names::with(name).find(|names| desk.answered.contains_key(names));
            let Some(line) = names.and_then(|names| desk.answered.get_mut(&names)) else {
                return Put::Unknown;
            };
            if line.questions.iter().any(|(waiting, _)| *waiting == question) {
                return Put::Waiting;
            }
            let displaced = line.questions.len() == MAX_QUESTIONS && line.questions.pop_front().is_some();
            line.questions.push_back((question, name.to_owned()));
            (if displaced { Put::Displaced } else { Put::Waiting }, line.waker.take())
        };
        waker.into_iter().for_each(Waker::wake);
        put
    }

    /// The question for these names that waits longest, and its name; `None` once the driver has ended and none is left.
    pub(crate) fn poll_question(&self, cx: &Context<'_>, names: &Names) -> Poll<Option<(Question, String)>> {
        let mut desk = lock(&self.0);
        let has_ended = desk.has_ended;
        let Some(line) = desk.answered.get_mut(names) else { return Poll::Ready(None) };
        if let Some(question) = line.questions.pop_front() {
            return Poll::Ready(Some(question));
        }
        if has_ended {
            return Poll::Ready(None);
        }
        let replaced = line.waker.replace(cx.waker().clone());
        drop(desk);
        drop(replaced);
        Poll::Pending
    }

    /// The driver has ended: no question is asked or answered any more.
    pub(crate) fn end(&self) {
        let wakers: Vec<_> = {
            let mut desk = lock(&self.0);
            desk.has_ended = true;
            desk.answered.values_mut().filter_map(|line| mem::take(&mut line.waker)).collect()
        };
        wakers.into_iter().for_each(Waker::wake);
        self.end_those(|_, stage| !matches!(stage, Stage::Ended(_)), &Err(AskError::Stopped));
    }
}

/// Why a name is not answered.
#[derive(PartialEq, Eq, Debug)]
pub(crate) enum NotAnswered {
    /// It is answered already.
    Taken,
    /// As many are as may be.
    TooMany,
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        Engine, Handle, Key, Options, PublishError,
        testing::{FakeTransport, PEER},
    };
    use gossip_core::{ClusterName, Config, Instant};
    use std::{io, pin::pin};

    const LOAD: Key<u32> = Key::new("load");

    fn started() -> (Handle, Engine) {
        let options = Options::new("node", Config::lan(ClusterName::named("asks").unwrap()));
        Engine::start(options, PEER, || Instant::ZERO).unwrap()
    }

    fn ended<T>(future: impl Future<Output = T>) -> Option<T> {
        match pin!(future).poll(&mut Context::from_waker(Waker::noop())) {
            Poll::Ready(output) => Some(output),
            Poll::Pending => None,
        }
    }

    #[test]
    fn questions_are_bounded_and_one_that_is_dropped_makes_room() {
        let (node, mut engine) = started();
        let other = NodeId::from_name("other").unwrap();
        let mut asks: Vec<_> = (0..MAX_ASKS).map(|_| node.ask(other, &LOAD)).collect();
        let error = ended(node.ask(other, &LOAD)).unwrap().unwrap_err();
        assert_eq!(error, AskError::State(StateError::TooManyAsked { most: MAX_ASKS }));
        assert!(error.to_string().contains("16 questions wait"), "{error}");
        asks.pop();
        let mut again = pin!(node.ask(other, &LOAD));
        assert_eq!(ended(again.as_mut()), None, "the driver has not seen it");
        let receive_error = Some(io::ErrorKind::WouldBlock);
        let _ = engine.turn(&mut FakeTransport { receive_error, ..FakeTransport::default() });
        let no_member = AskError::State(StateError::NoMember);
        assert_eq!(ended(again.as_mut()), Some(Err(no_member.clone())));
        assert_eq!(ended(again), None, "it is told once");
        assert!(asks.into_iter().all(|ask| ended(ask) == Some(Err(no_member.clone()))));
        assert!(lock(&node.0.asks.0).open.is_empty());
    }

    #[test]
    fn a_name_is_answered_once_and_by_no_more_than_may_be() {
        let (node, _engine) = started();
        let questions = node.answer(&LOAD).unwrap();
        let taken = PublishError::Answered { key: "load".to_owned() };
        assert_eq!(node.answer(&LOAD).map(drop), Err(taken));
        assert!(node.answer(&LOAD.named("a b")).unwrap_err().to_string().contains("visible ASCII"));
        drop(questions);
        let mut all: Vec<_> =
            (0..MAX_NAMES).map(|i| node.answer(&LOAD.named(format!("load/{i}"))).unwrap()).collect();
        let error = node.answer(&LOAD).unwrap_err();
        assert!(error.to_string().contains("64 keys at the most"), "{error}");
        all.pop();
        assert!(node.answer(&LOAD).is_ok());
    }

    #[test]
    fn a_question_goes_to_the_narrowest_that_answers_its_name() {
        let names = |name: &str| Names::with(name).collect::<Vec<_>>();
        let [one, under] = [Names::One, Names::Under].map(|of| move |text: &str| of(text.to_owned()));
        assert_eq!(names("load"), [one("load")]);
        assert_eq!(names("load/a/1"), [one("load/a/1"), under("load/a/"), under("load/")]);
        assert_eq!(names("load/"), [one("load/"), under("load/")]);
    }

    #[test]
    fn a_name_and_all_that_are_under_it_are_answered_apart() {
        let (node, _engine) = started();
        let _one = node.answer(&LOAD).unwrap();
        let under = node.answer_under(&LOAD).unwrap();
        let taken = PublishError::Answered { key: "load/".to_owned() };
        assert_eq!(node.answer_under(&LOAD).map(drop), Err(taken));
        let room = LOAD.named("x".repeat(29));
        assert!(node.answer_under(&room).is_ok());
        for name in ["x".repeat(30), String::new(), "a b".to_owned()] {
            let error = node.answer_under(&LOAD.named(name.clone())).unwrap_err();
            assert!(error.to_string().contains("visible ASCII"), "{name}: {error}");
        }
        drop(under);
        assert!(node.answer_under(&LOAD).is_ok());
    }

    #[test]
    fn all_that_waits_for_a_question_or_an_answer_ends_with_the_driver() {
        let (node, engine) = started();
        let mut questions = node.answer(&LOAD).unwrap();
        let other = NodeId::from_name("other").unwrap();
        let mut ask = pin!(node.ask(other, &LOAD));
        assert!(ended(ask.as_mut()).is_none() && ended(questions.next()).is_none());
        drop(engine);
        assert_eq!(ended(ask), Some(Err(AskError::Stopped)));
        assert!(matches!(ended(questions.next()), Some(None)));
        assert_eq!(ended(node.ask(other, &LOAD)), Some(Err(AskError::Stopped)));
    }
}
