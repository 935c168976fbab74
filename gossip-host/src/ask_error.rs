//! Why a question has no answer.

use crate::key::DecodeError;
use gossip_core::{AskFailure, StateError};
use std::{error::Error, fmt};

/// Why a question has no answer that can be used.
#[derive(Clone, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub enum AskError {
    /// It was not asked: there is no such live member, too many questions wait, or this node is leaving.
    State(StateError),
    /// It was asked, and has no answer.
    Failed(AskFailure),
    /// The answer is not of the key's type.
    Decode(DecodeError),
    /// The node has stopped.
    Stopped,
}

impl fmt::Display for AskError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::State(error) => error.fmt(f),
            Self::Failed(failure) => failed(*failure, f),
            Self::Decode(error) => error.fmt(f),
            Self::Stopped => f.write_str("this node has stopped"),
        }
    }
}

fn failed(failure: AskFailure, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    f.write_str(match failure {
        AskFailure::Silent => {
            "no answer came: the member is asked too much, its host is slow, or all tries were lost"
        }
        AskFailure::Unknown => "the member answers nothing of this name",
        AskFailure::Refused => "the member does not tell it, or not now",
        AskFailure::Gone => "the member has left, or is dead",
        other => return write!(f, "there is no answer: {other}"),
    })
}

impl Error for AskError {}
