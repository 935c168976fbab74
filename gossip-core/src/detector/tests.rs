use super::*;
use crate::config::{Cluster, Config};

#[test]
fn a_probe_pings_then_asks_then_fails_then_is_forgotten() {
    let config = Config::lan(Cluster::named("test").unwrap());
    let walk = |purpose| {
        [Stage::Direct(0), Stage::Direct(3), Stage::Helping(1), Stage::Helping(2), Stage::Lingering]
            .map(|stage| stage.next(purpose, Effort::Full, &config))
    };
    let routine = [Move::Ping, Move::AskHelpers, Move::AskHelpers, Move::Fail, Move::Forget];
    assert_eq!(walk(Purpose::Routine), routine);
    assert_eq!(walk(Purpose::Check), routine);
    assert_eq!(Stage::Direct(2).next(Purpose::Routine, Effort::Full, &config), Move::Ping);
    assert_eq!(Stage::Direct(2).next(Purpose::Confirm, Effort::Full, &config), Move::LastPing);
    let alone = [Move::Ping, Move::Fail, Move::AskHelpers, Move::Fail, Move::Forget];
    assert_eq!(walk(Purpose::Confirm), alone);
    assert_eq!(walk(Purpose::Newcomer), alone);
}

#[test]
fn without_indirect_probes_the_last_ping_decides() {
    let mut config = Config::lan(Cluster::named("test").unwrap());
    config.mechanisms.indirect_probes = false;
    assert_eq!(Stage::Direct(3).next(Purpose::Routine, Effort::Full, &config), Move::Fail);
}
