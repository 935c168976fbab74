//! Questions that a host asks other members, and answers.

use crate::{
    kernel::outbox::{Outbox, Output},
    node::api::Node,
    tables::memory::Memory,
    vocabulary::{
        ask::{Answer, AskId, Question},
        error::StateError,
        record::NodeId,
        time::Instant,
    },
};

impl<M: Memory> Node<M> {
    /// Asks another member for something that it has, by a name of 1 to 31 visible ASCII characters: what is too large, too
    /// short-lived or of interest to too few to be [published](Self::publish). That member's host finds the answer, which fits
    /// one datagram.
    ///
    /// The question is sent up to three times, and ends within six ack timeouts, which is less than a second in a local network:
    /// with [`Event::Answered`](crate::Event::Answered), or with [`Event::AskFailed`](crate::Event::AskFailed). At most 16
    /// questions wait at a time, 4 without the feature `alloc`.
    ///
    /// # Errors
    /// [`StateError::Key`], [`StateError::NoMember`], [`StateError::TooManyAsked`], or this node has left. Nothing was sent.
    pub fn ask<'o>(
        &mut self,
        now: Instant,
        member: NodeId,
        key: &str,
        out: &'o mut Outbox<'_>,
    ) -> Result<(AskId, Output<'o>), StateError> {
        let mut id = None;
        let output = self.write(now, out, |step| {
            id = Some(step.state.ask(&mut step.cx, member, key)?);
            Ok(())
        })?;
        id.map(|id| (id, output)).ok_or(StateError::OutboxTooSmall)
    }

    /// Forgets a question that still waits for its answer: it makes room for another, and no event tells how it ended.
    pub fn forget_ask(&mut self, ask: AskId) {
        self.planes.state.forget_ask(&mut self.kernel.metrics, ask);
    }

    /// Answers a [question](crate::Event::Asked) of another member. Do so soon: a question that is not answered is asked again.
    ///
    /// At most half of [`Budgets::state`](crate::Budgets) goes into answers. Any beyond that are dropped and counted, and so is
    /// an answer to a member that is gone.
    ///
    /// # Errors
    /// [`StateError::AnswerTooLarge`], or this node has left. Nothing was sent.
    pub fn answer<'o>(
        &mut self,
        now: Instant,
        question: Question,
        answer: Answer<'_>,
        out: &'o mut Outbox<'_>,
    ) -> Result<Output<'o>, StateError> {
        self.write(now, out, |step| step.state.answer(&mut step.cx, question, answer))
    }
}
