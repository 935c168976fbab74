//! The stages of a probe, and what leads from one to the next.

use crate::vocabulary::config::Config;

/// Rounds of relays of one probe. A relay's way is lost with its request, its answer or its pings: at 20 %
/// loss with probability 0.44. Three of them after three pings fail in 0.41 % of probes, two rounds in 0.04 %.
pub(super) const RELAY_ROUNDS: u8 = 2;

/// How many rounds of relays a probe asks before it fails.
pub(super) fn relay_rounds(config: &Config) -> u8 {
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
    /// It was found unreachable, and there is a sign of life. Asks nobody else and accuses nobody.
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

/// What a probe spends on a member that does not answer: less while this node quarantines itself, since a failure then has no
/// consequence for now.
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
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::vocabulary::config::ClusterName;

    #[test]
    fn a_probe_pings_then_asks_then_fails_then_is_forgotten() {
        let config = Config::lan(ClusterName::named("test").unwrap());
        let walk = |purpose| {
            [Stage::Direct(0), Stage::Direct(3), Stage::Relayed(1), Stage::Relayed(2), Stage::Lingering]
                .map(|stage| stage.next(purpose, Effort::Full, &config))
        };
        let routine = [Move::Ping, Move::AskRelays, Move::AskRelays, Move::Fail, Move::Forget];
        assert_eq!(walk(Purpose::Routine), routine);
        assert_eq!(walk(Purpose::Check), routine);
        assert_eq!(Stage::Direct(2).next(Purpose::Routine, Effort::Full, &config), Move::Ping);
        assert_eq!(Stage::Direct(2).next(Purpose::Confirm, Effort::Full, &config), Move::LastPing);
        let alone = [Move::Ping, Move::Fail, Move::AskRelays, Move::Fail, Move::Forget];
        assert_eq!(walk(Purpose::Confirm), alone);
        assert_eq!(walk(Purpose::Newcomer), alone);
    }

    #[test]
    fn without_indirect_probes_the_last_ping_decides() {
        let mut config = Config::lan(ClusterName::named("test").unwrap());
        config.mechanisms.indirect_probes = false;
        assert_eq!(Stage::Direct(3).next(Purpose::Routine, Effort::Full, &config), Move::Fail);
    }
}
