use super::*;

/// As many seeds as a quick test can afford; the program tries more.
const TRIED: u64 = 50;

#[test]
fn random_faults_break_no_law_and_quiet_heals_everything() {
    for seed in 0..TRIED {
        if let Err(failure) = run(seed) {
            let failure = replay(seed).err().unwrap_or(failure);
            panic!("{failure}\n{}", failure.trace.join("\n"));
        }
    }
}

#[test]
fn a_replay_is_the_same_run() {
    assert_eq!(run(3), replay(3));
}
