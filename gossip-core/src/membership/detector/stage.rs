//! The stages of a probe, and what leads from one to the next.

use crate::vocabulary::config::Config;

/// Rounds of relays of one probe. A relay's way is lost with its request, its answer or its pings: at 20 %
/// loss with probability 0.44. Three of them after three pings fail in 0.41 % of probes, two rounds in 0.04 %.
pub(super) const RELAY_ROUNDS: u8 = 2;

/// How many rounds of relays a probe asks before it fails.
fn relay_rounds(config: &Config) -> u8 {
    if config.mechanisms.two_relay_rounds { RELAY_ROUNDS } else { 1 }
}

/// Why a member is probed.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Purpose {
    /// It is its turn.
    Routine,
    /// As a relay we could not reach it, and may accuse it in our own name. Asks no relays, or
    /// relays would start each other's probes without end.
    Confirm,
    /// Its suspicion has run out.
    Check,
    /// It was unknown and came by repair: its news is passed on once it answers.
    /// Asks no relays, which would accuse it in their own names.
    Newcomer,
    /// It was found unreachable, and was heard from or of since. Asks no other member and accuses none.
    Recheck,
    /// Its zone is quarantined, and may answer again: a single ping, since the next one follows soon.
    ZoneCheck,
}

impl Purpose {
    /// Whether a crash makes many nodes probe like this at once.
    pub(super) fn is_hurried(self) -> bool {
        matches!(self, Self::Check | Self::Confirm)
    }

    /// Whether it can only improve what is believed of the member.
    pub(super) fn is_recheck(self) -> bool {
        matches!(self, Self::Recheck | Self::ZoneCheck)
    }
}

/// What a probe spends on a member that does not answer: less while this node quarantines itself, since a failure
/// then has no consequence for now.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Effort {
    Full,
    /// One round of relays.
    OneRound,
    /// For a member that was silent before: one ping, one relay, and no controls.
    Brief,
}

/// Where a probe stands.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Stage {
    /// This many direct pings were sent.
    Direct(u8),
    /// This many rounds of relays were asked.
    Relayed(u8),
    /// It failed; a late ack may still come.
    Lingering,
}

/// What a probe does when its time is up.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Move {
    Ping,
    /// Ping the target and the controls: there is no further attempt.
    LastPing,
    /// Ask relays, and ping the controls.
    AskRelays,
    Fail,
    Forget,
}

impl Stage {
    /// The transitions of the picture in `detector`.
    pub(super) fn next(self, purpose: Purpose, effort: Effort, config: &Config) -> Move {
        let alone = purpose != Purpose::Routine && purpose != Purpose::Check;
        let helped = config.mechanisms.indirect_probes && config.relays > 0 && !alone;
        match self {
            Self::Direct(sent) if purpose.is_recheck() => {
                let most = if purpose == Purpose::ZoneCheck { 1 } else { config.direct_pings };
                if sent < most { Move::Ping } else { Move::Fail }
            }
            Self::Direct(1) if effort == Effort::Brief && helped => Move::AskRelays,
            Self::Relayed(_) if effort != Effort::Full => Move::Fail,
            Self::Direct(sent) if sent + 1 == config.direct_pings && !helped => Move::LastPing,
            Self::Direct(sent) if sent < config.direct_pings => Move::Ping,
            Self::Direct(_) if helped => Move::AskRelays,
            Self::Relayed(rounds) if rounds < relay_rounds(config) => Move::AskRelays,
            Self::Direct(_) | Self::Relayed(_) => Move::Fail,
            Self::Lingering => Move::Forget,
        }
    }

    /// Where a probe stands when it has made a move. What is forgotten lingered until then.
    pub(super) fn after(self, made: Move) -> Self {
        match (self, made) {
            (Self::Direct(sent), Move::Ping | Move::LastPing) => Self::Direct(sent + 1),
            (Self::Direct(_), Move::AskRelays) => Self::Relayed(1),
            (Self::Relayed(rounds), Move::AskRelays) => Self::Relayed(rounds + 1),
            (_, Move::Fail) => Self::Lingering,
            (stage, Move::Ping | Move::LastPing | Move::AskRelays | Move::Forget) => stage,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::vocabulary::config::ClusterName;
    use Effort::{Brief, Full, OneRound};
    use Purpose::{Check, Confirm, Newcomer, Recheck, Routine, ZoneCheck};
    use std::string::String;

    /// What a probe does, move by move, if no member ever answers: a letter for each.
    fn walk(purpose: Purpose, effort: Effort, config: &Config) -> String {
        let (mut stage, mut moves) = (Stage::Direct(0), String::new());
        while !moves.ends_with('.') {
            let made = stage.next(purpose, effort, config);
            moves.push(match made {
                Move::Ping => 'p',
                Move::LastPing => 'P',
                Move::AskRelays => 'R',
                Move::Fail => 'f',
                Move::Forget => '.',
            });
            assert!(moves.len() < 16, "{moves} goes on for ever");
            stage = stage.after(made);
        }
        moves
    }

    #[test]
    fn every_probe_advances_as_its_table_says() {
        let lan = Config::lan(ClusterName::named("test").unwrap());
        let one_round = lan.with(|config| config.mechanisms.two_relay_rounds = false);
        let no_relays = lan.with(|config| config.relays = 0);
        let one_ping = lan.with(|config| config.direct_pings = 1);
        for (purposes, effort, moves) in [
            //                                  lan       one round  no relays one ping
            (&[Routine, Check][..], Full, ["pppRRf.", "pppRf.", "ppPf.", "pRRf."]),
            (&[Routine, Check], OneRound, ["pppRf.", "pppRf.", "ppPf.", "pRf."]),
            (&[Routine, Check], Brief, ["pRf.", "pRf.", "ppPf.", "pRf."]),
            (&[Confirm, Newcomer], Full, ["ppPf.", "ppPf.", "ppPf.", "Pf."]),
            (&[Confirm, Newcomer], OneRound, ["ppPf.", "ppPf.", "ppPf.", "Pf."]),
            (&[Confirm, Newcomer], Brief, ["ppPf.", "ppPf.", "ppPf.", "Pf."]),
            (&[Recheck], Full, ["pppf.", "pppf.", "pppf.", "pf."]),
            (&[ZoneCheck], Full, ["pf.", "pf.", "pf.", "pf."]),
        ] {
            for &purpose in purposes {
                let walks =
                    [&lan, &one_round, &no_relays, &one_ping].map(|config| walk(purpose, effort, config));
                assert_eq!(walks, moves, "{purpose:?} {effort:?}");
            }
        }
    }

    #[test]
    fn indirect_probes_that_are_off_are_as_no_relays() {
        let lan = Config::lan(ClusterName::named("test").unwrap());
        let off = lan.with(|config| config.mechanisms.indirect_probes = false);
        assert_eq!(walk(Routine, Full, &off), "ppPf.");
    }

    #[test]
    fn a_stage_changes_by_its_own_moves_alone() {
        let made = [Move::Ping, Move::LastPing, Move::AskRelays, Move::Fail, Move::Forget];
        let [sent, asked, failed] = [Stage::Direct(2), Stage::Relayed(1), Stage::Lingering];
        for (stage, next) in [
            (sent, [Stage::Direct(3), Stage::Direct(3), Stage::Relayed(1), failed, sent]),
            (asked, [asked, asked, Stage::Relayed(2), failed, asked]),
            (failed, [failed, failed, failed, failed, failed]),
        ] {
            assert_eq!(made.map(|made| stage.after(made)), next, "{stage:?}");
        }
    }
}
