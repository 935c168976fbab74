//! Questions that a host asks other members, and answers.

use crate::{
    ask_error::AskError,
    asks::{MAX_NAMES, Names, NotAnswered},
    handle::Handle,
    key::{Key, VALUE_ROOM, is_name},
    shared::Shared,
    value::{PublishError, encoded},
};
use gossip_core::{Answer, NodeId, StateError};
use std::{
    fmt,
    future::poll_fn,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
};

/// Questions, for what is too large, too short-lived or of interest to too few to be [published](Handle::publish). It stays
/// at its member, and others ask that member by the name of a key. An answer fits one datagram.
impl Handle {
    /// Asks another live member for the value that it has for a key. The question is sent with this call, whether or not the
    /// future is awaited.
    ///
    /// The future resolves within six ack timeouts, which is less than a second in a local network; drop it to wait for a
    /// shorter time. At most 16 questions wait at a time: ask many members one after the other, or a few at once.
    ///
    /// # Errors
    /// The future resolves with the reason for which there is no answer: the member is not live, does not answer this name, or
    /// refuses; nothing came back; too many questions wait; or the answer is not of the key's type.
    pub fn ask<T>(&self, member: NodeId, key: &Key<T>) -> Ask<T> {
        let open = self.0.asks.open(member, key.name());
        if open.is_ok() {
            self.0.inbox.ask(|requests| requests.asks = true);
        }
        Ask { shared: Arc::clone(&self.0), key: key.clone(), open: Some(open) }
    }

    /// Answers the questions of other members for a key, until the returned [`Questions`] is dropped. To questions for any other
    /// key the node itself answers that it is unknown here.
    ///
    /// # Errors
    /// The key is not 1 to 31 visible ASCII characters, or is answered already; or this node answers 64 keys, which is the
    /// limit.
    pub fn answer<T>(&self, key: &Key<T>) -> Result<Questions<T>, PublishError> {
        let is_valid = is_name(key.name());
        self.answer_names(key, Names::One(key.name().to_owned()), is_valid)
    }

    /// Answers the questions of other members for all keys whose names begin with the name of this one and a `/`, until the returned
    /// [`Questions`] is dropped. What follows says what is asked about: [`Question::name`] has it. Where several fit a
    /// question, the narrowest is asked: [`answer`](Self::answer), and then the longest name.
    ///
    /// ```
    /// # use gossip_host::{Handle, Key, PublishError};
    /// # async fn answers(node: &Handle, queues: &std::collections::HashMap<String, u32>) -> Result<(), PublishError> {
    /// const QUEUED: Key<u32> = Key::new("queued");
    ///
    /// let mut questions = node.answer_under(&QUEUED)?;
    /// while let Some(question) = questions.next().await {
    ///     // Of `queued/mail`, it is `mail`.
    ///     match question.name().strip_prefix("queued/").and_then(|queue| queues.get(queue)) {
    ///         Some(queued) => question.answer(queued)?,
    ///         None => question.refuse()?,
    ///     }
    /// }
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// The key is not 1 to 29 visible ASCII characters, or is answered so already; or this node answers 64 keys, which is the limit.
    pub fn answer_under<T>(&self, key: &Key<T>) -> Result<Questions<T>, PublishError> {
        let start = format!("{}/", key.name());
        // With room for one character more.
        let is_valid = is_name(key.name()) && is_name(&format!("{start}x"));
        self.answer_names(key, Names::Under(start), is_valid)
    }

    fn answer_names<T>(
        &self,
        key: &Key<T>,
        names: Names,
        is_valid: bool,
    ) -> Result<Questions<T>, PublishError> {
        if !is_valid {
            return Err(StateError::Key.into());
        }
        match self.0.asks.answer(&names) {
            Ok(()) => Ok(Questions { shared: Arc::clone(&self.0), key: key.clone(), names }),
            Err(NotAnswered::Taken) => {
                let (Names::One(key) | Names::Under(key)) = names;
                Err(PublishError::Answered { key })
            }
            Err(NotAnswered::TooMany) => Err(PublishError::TooManyAnswered { most: MAX_NAMES }),
        }
    }
}

/// Resolves with the answer to a question, from [`Handle::ask`]. Dropping it forgets the question, and makes room for another.
pub struct Ask<T> {
    shared: Arc<Shared>,
    key: Key<T>,
    /// The number of the question, or why it was not asked; `None` once the future has resolved.
    open: Option<Result<u64, AskError>>,
}

impl<T> Future for Ask<T> {
    type Output = Result<T, AskError>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let outcome = match &self.open {
            None => return Poll::Pending,
            Some(Err(error)) => Err(error.clone()),
            Some(Ok(number)) => match self.shared.asks.poll(cx, *number) {
                Poll::Ready(outcome) => outcome,
                Poll::Pending => return Poll::Pending,
            },
        };
        self.open = None;
        let decode = |bytes: bytes::Bytes| self.shared.decode(&self.key, &bytes).map_err(AskError::Decode);
        Poll::Ready(outcome.and_then(decode))
    }
}

impl<T> Drop for Ask<T> {
    fn drop(&mut self) {
        if let Some(Ok(number)) = self.open
            && self.shared.asks.forget(number)
        {
            self.shared.inbox.ask(|requests| requests.asks = true);
        }
    }
}

impl<T> fmt::Debug for Ask<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Ask").field("key", &self.key).finish_non_exhaustive()
    }
}

/// The questions of other members for one key, from [`Handle::answer`], or for all keys under one, from [`Handle::answer_under`].
///
/// Answer soon: a member waits for a fraction of a second, asks twice more meanwhile, and gives up. Up to 32 questions wait
/// here; beyond that the oldest is dropped, and counted in
/// [`HostMetrics::questions_dropped`](crate::HostMetrics::questions_dropped).
pub struct Questions<T> {
    shared: Arc<Shared>,
    key: Key<T>,
    names: Names,
}

impl<T> Questions<T> {
    /// The next question; `None` once the driver has ended and all are read. Nothing is lost when the future is dropped.
    pub async fn next(&mut self) -> Option<Question<T>> {
        poll_fn(|cx| self.poll_next(cx)).await
    }

    /// [`Questions::next`] for hand-written futures.
    pub fn poll_next(&mut self, cx: &mut Context<'_>) -> Poll<Option<Question<T>>> {
        let next = self.shared.asks.poll_question(cx, &self.names);
        next.map(|next| {
            next.map(|(question, name)| Question {
                shared: Arc::clone(&self.shared),
                key: self.key.named(name),
                question,
            })
        })
    }
}

impl<T> Drop for Questions<T> {
    fn drop(&mut self) {
        self.shared.asks.answer_no_more(&self.names);
    }
}

/// The same as [`Questions::next`], for the adapters of `futures` (feature `stream`).
#[cfg(feature = "stream")]
impl<T> futures_core::Stream for Questions<T> {
    type Item = Question<T>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        Questions::poll_next(&mut self, cx)
    }
}

impl<T> fmt::Debug for Questions<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Questions")
            .field("key", &self.key)
            .field("names", &self.names)
            .finish_non_exhaustive()
    }
}

/// A question of another member. If it is dropped, it is not answered: the member asks again, and then gives up.
pub struct Question<T> {
    shared: Arc<Shared>,
    key: Key<T>,
    question: gossip_core::Question,
}

impl<T> Question<T> {
    /// The name of the key that is asked for.
    pub fn name(&self) -> &str {
        self.key.name()
    }

    /// Who asks.
    pub fn from(&self) -> NodeId {
        self.question.from()
    }

    /// Answers with a value. At most half of [`Budgets::state`](gossip_core::Budgets) goes into answers; any beyond that are
    /// dropped and counted.
    ///
    /// # Errors
    /// The value cannot be encoded or is too large for the datagrams that reach the member; or this node has left. Nothing is
    /// sent then.
    pub fn answer(self, value: &T) -> Result<(), PublishError> {
        let mut room = [0; VALUE_ROOM];
        let bytes = encoded(&self.key, value, &mut room)?;
        self.say(Answer::Found(bytes))
    }

    /// Refuses to answer, for now or for good.
    ///
    /// # Errors
    /// This node has left.
    pub fn refuse(self) -> Result<(), PublishError> {
        self.say(Answer::Refused)
    }

    fn say(&self, answer: Answer<'_>) -> Result<(), PublishError> {
        self.shared.write(|node, now, out| node.answer(now, self.question, answer, out))
    }
}

impl<T> fmt::Debug for Question<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Question").field("key", &self.key).field("from", &self.from()).finish_non_exhaustive()
    }
}
