use super::{Quarantine::*, *};

/// What is enough.
const DEAD: Evidence = Evidence {
    patience: false,
    zone: None,
    own: None,
    upheld: false,
    checked: true,
    accusers: 2,
    voters: 9,
    overdue: false,
};
/// All is well.
const WELL: Signs = Signs { asked: 6, answered: 6, probed: 8, failed: 0, kept: 9, lost: 0, growing: false };

#[test]
fn each_row_of_the_ruling() {
    use Reason::*;
    for (evidence, ruling) in [
        (DEAD, Ruling::Dead),
        (Evidence { patience: true, zone: Active, own: Active, ..DEAD }, Ruling::Wait(Patience)),
        (Evidence { zone: Active, own: Exhausted, ..DEAD }, Ruling::Wait(SilentZone)),
        (Evidence { own: Active, ..DEAD }, Ruling::Wait(OwnTrouble)),
        (Evidence { zone: Exhausted, own: Active, ..DEAD }, Ruling::Dead),
        (Evidence { checked: false, overdue: true, ..DEAD }, Ruling::Check),
        (Evidence { zone: Exhausted, checked: false, ..DEAD }, Ruling::Check),
        (Evidence { accusers: 1, ..DEAD }, Ruling::Check),
        (Evidence { zone: Exhausted, accusers: 1, ..DEAD }, Ruling::Check),
        (Evidence { accusers: 1, voters: 1, ..DEAD }, Ruling::Dead),
        (Evidence { accusers: 1, overdue: true, ..DEAD }, Ruling::Dead),
        (Evidence { accusers: 1, own: Exhausted, ..DEAD }, Ruling::Check),
        (Evidence { accusers: 1, own: Exhausted, upheld: true, ..DEAD }, Ruling::Dead),
        (Evidence { accusers: 1, own: Exhausted, upheld: true, checked: false, ..DEAD }, Ruling::Check),
    ] {
        assert_eq!(judge(&evidence), ruling, "{evidence:?}");
    }
}

#[test]
fn each_sign_of_own_trouble() {
    for (signs, trouble) in [
        (WELL, false),
        (Signs { answered: 2, ..WELL }, true),
        (Signs { answered: 3, ..WELL }, false),
        (Signs { asked: 2, answered: 0, ..WELL }, false),
        (Signs { failed: 3, ..WELL }, true),
        (Signs { failed: 2, ..WELL }, false),
        (Signs { probed: 4, failed: 2, ..WELL }, true),
        (Signs { probed: 4, failed: 1, ..WELL }, false),
        (Signs { kept: 5, lost: 5, ..WELL }, true),
        (Signs { kept: 6, lost: 5, ..WELL }, false),
        (Signs { kept: 6, lost: 3, growing: true, ..WELL }, true),
        (Signs { kept: 7, lost: 3, growing: true, ..WELL }, false),
        (Signs { kept: 1, lost: 1, growing: true, ..WELL }, false),
    ] {
        assert_eq!(in_trouble(&signs), trouble, "{signs:?}");
    }
}
