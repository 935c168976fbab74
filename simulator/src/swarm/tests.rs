use super::*;
use gossip_core::Terms;

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

#[test]
fn a_broken_law_is_told_with_the_time_and_what_went_before() {
    let mut swarm = Swarm::new(1, true).unwrap();
    swarm.pass_until(SECOND).unwrap();
    // As if someone else had spoken for node 0: the laws know of nothing that it has said.
    swarm.world.watch.forget_what_was_said(0);
    let failure = swarm.pass_until(30 * SECOND).unwrap_err();
    assert!(failure.what.contains("never said"), "{failure}");
    assert!(failure.at_s > 1.0 && !failure.trace.is_empty());
}

#[test]
fn a_zone_that_is_quarantined_and_routed_to_breaks_a_law() {
    let mut swarm = Swarm::new(1, false).unwrap();
    swarm.pass_until(SECOND).unwrap();
    let zone = swarm.world.hosts()[0].locality.domain();
    let hosts = swarm.world.hosts().len() as HostId;
    (0..hosts).for_each(|host| swarm.world.watch.quarantine(host, zone));
    let failure = swarm.pass_until(30 * SECOND).unwrap_err();
    assert!(failure.what.contains("whose zone is quarantined"), "{failure}");
}

#[test]
fn a_node_that_keeps_changing_its_mind_breaks_a_law() {
    let mut swarm = Swarm::new(1, false).unwrap();
    swarm.pass_until(SECOND).unwrap();
    swarm.world.watch.allow_changes(1);
    swarm.world.pause(0, 10 * SECOND);
    let failure = swarm.pass_until(30 * SECOND).unwrap_err();
    assert!(failure.what.contains("status within a minute"), "{failure}");
}

#[test]
fn a_key_that_its_owner_never_wrote_breaks_a_law() {
    let mut swarm = Swarm::new(1, false).unwrap();
    swarm.pass_until(SECOND).unwrap();
    swarm.world.publish(0, "port", b"1:8080", Terms::default()).unwrap();
    let failure = swarm.pass_until(30 * SECOND).unwrap_err();
    assert!(failure.what.contains("of itself"), "{failure}");
}

#[test]
fn a_value_of_another_life_breaks_a_law() {
    let mut swarm = Swarm::new(1, false).unwrap();
    swarm.pass_until(SECOND).unwrap();
    // As if it had been published in a life that is still to come.
    swarm.world.watch.expect_value(0, "port", b"7:8080");
    swarm.world.publish(0, "port", b"7:8080", Terms::default()).unwrap();
    let failure = swarm.pass_until(30 * SECOND).unwrap_err();
    assert!(failure.what.contains("of another life"), "{failure}");
}

#[test]
fn an_event_that_comes_twice_or_was_never_sent_breaks_a_law() {
    for (sends, named) in [(true, "Again"), (false, "Unsent")] {
        let mut swarm = Swarm::new(1, false).unwrap();
        // Who has just begun delivers nothing.
        swarm.pass_until(5 * SECOND).unwrap();
        let number = swarm.world.watch.shared.events.next();
        if sends {
            swarm.send_event(0);
        }
        // The same number once more, or without that it counts as sent.
        swarm.world.send_event(0, &number.to_be_bytes()).unwrap();
        let failure = swarm.pass_until(10 * SECOND).unwrap_err();
        assert!(failure.what.contains(named), "{failure}");
    }
}

#[test]
fn a_cluster_wide_value_that_nobody_wrote_breaks_a_law() {
    let mut swarm = Swarm::new(1, false).unwrap();
    swarm.pass_until(SECOND).unwrap();
    swarm.world.write_value(0, "value-0", Some(b"1000000:")).unwrap();
    let failure = swarm.pass_until(30 * SECOND).unwrap_err();
    assert!(failure.what.contains("never wrote"), "{failure}");
}
