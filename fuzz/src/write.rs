//! What the hosts of nodes write, send, ask and answer.

use crate::forge::{id, key, value};
use arbitrary::Arbitrary;
use gossip_core::{AfterDeath, Answer, Instant, Memory, Node, Outbox, Output, Question, Terms};

/// Something that a host writes, sends or asks; see [`key`] and [`value`].
#[derive(Arbitrary, Clone, PartialEq, Debug)]
pub enum Write {
    /// See [`Node::publish`].
    Publish {
        /// Which key.
        key: u8,
        /// How many bytes.
        len: u16,
        /// For how many seconds, if not for ever.
        ttl: Option<u8>,
        /// Whether it outlives its owner.
        outlives: bool,
    },
    /// See [`Node::withdraw`].
    Withdraw(u8),
    /// See [`Node::send_event`].
    Event(u16),
    /// See [`Node::set_value`]; [`Node::delete_value`] where there is no length.
    Value(u8, Option<u16>),
    /// See [`Node::pulse`].
    Pulse(u8),
    /// See [`Node::ask`].
    Ask {
        /// Whom.
        member: u8,
        /// For what.
        key: u8,
    },
    /// See [`Node::answer`]: what the host was asked first and has not answered yet.
    Answer(u16),
}

impl Write {
    /// Has a node do it, which was asked `question`. Nothing comes of what breaks a limit.
    pub fn apply<'o, M: Memory>(
        &self,
        node: &mut Node<M>,
        now: Instant,
        question: Option<Question>,
        out: &'o mut Outbox<'_>,
    ) -> Option<Output<'o>> {
        match *self {
            Self::Publish { key: n, len, ttl, outlives } => {
                let after_death = if outlives { AfterDeath::Kept } else { AfterDeath::Hidden };
                let ttl = ttl.map(u32::from);
                node.publish(now, &key(n), &value(n, len), Terms { ttl, after_death }, out).ok()
            }
            Self::Withdraw(n) => node.withdraw(now, &key(n), out).ok(),
            Self::Event(len) => node.send_event(now, &value(len as u8, len), out).ok(),
            Self::Value(n, Some(len)) => node.set_value(now, &key(n), &value(n, len), out).ok(),
            Self::Value(n, None) => node.delete_value(now, &key(n), out).ok(),
            Self::Pulse(len) => node.pulse(now, &value(len, len.into()), out).ok(),
            Self::Ask { member, key: n } => {
                node.ask(now, id(member), &key(n), out).ok().map(|(_, output)| output)
            }
            Self::Answer(len) => {
                let found = value(len as u8, len);
                let answer = match len % 4 {
                    0 => Answer::Unknown,
                    1 => Answer::Refused,
                    _ => Answer::Found(&found),
                };
                question.and_then(|question| node.answer(now, question, answer, out).ok())
            }
        }
    }
}
