use super::*;

fn scenario(text: &str) -> Result<Vec<Scenario>, ScenarioError> {
    Plan::parse("test", text)?.variants()
}

const PLAIN: &str = "about = 'x'\nnodes = 5\nduration_s = 10\n";

fn complaint(more: &str) -> String {
    let plain =
        if more.contains("duration_s") { PLAIN.replace("duration_s = 10\n", "") } else { PLAIN.into() };
    match scenario(&format!("{plain}{more}")) {
        Ok(_) => panic!("accepted: {more}"),
        Err(error) => error.to_string(),
    }
}

#[test]
fn every_shipped_scenario_is_valid() {
    for (name, _) in SHIPPED {
        let variants = load(name).unwrap().variants().unwrap();
        assert!(!variants.is_empty(), "{name}");
        for variant in variants {
            assert!(!variant.expect.is_empty(), "{name} expects nothing");
            assert_eq!(crate::outcome::check(&variant), Ok(()), "{name}");
        }
    }
}

#[test]
fn what_is_wrong_with_keys_and_attacks_is_named() {
    for (more, named) in [
        ("[sealing]\nmode = 'require'", "sealing: without a key"),
        ("[sealing]\nmode = 'always'\nkeys = [1]", "always"),
        ("[sealing]\nkeys = [1, 1]", "key 1 is given twice"),
        ("[sealing]\nkeys = [128]", "there is no key 128: 1 to 127"),
        ("[sealing]\nkeys = [1, 2, 3, 4, 5]", "there are 5 keys: up to 4"),
        ("[sealing]\nkey = 1", "key"),
        ("[[sealing.other]]\nwho = { nodes = [9] }\nkeys = [1]", "sealing.other 0: there is no node 9"),
        ("[[sealing.other]]\nwho = { nodes = [1] }\nmode = 'accept'", "sealing.other 0: without a key"),
        ("[[sealing.other]]\nwho = { count = 1 }\nkeys = [1]", "at random"),
        ("[[step]]\nat_s = 1\ndo = 'keys'", "needs 'keys', 'mode' or 'rotate'"),
        ("[[step]]\nat_s = 1\ndo = 'keys'\nkeys = []", "keys is empty"),
        ("[[step]]\nat_s = 1\ndo = 'keys'\nkeys = [1]\nrotate = 'add'", "keys or rotate"),
        ("[[step]]\nat_s = 1\ndo = 'keys'\nkeys = [0]", "there is no key 0"),
        ("[[step]]\nat_s = 1\ndo = 'crash'\nforce = true", "force"),
        ("[[step]]\nat_s = 1\ndo = 'crash'\ninsider = true", "insider"),
        ("[[step]]\nat_s = 1\ndo = 'flood'\nspoofed = true", "spoofed"),
        ("[signing]\nmode = 'prefer'", "signing: \"prefer\" is a mode of sealing"),
        ("[signing]\ntrust = 'nobody'", "nobody"),
        ("[[signing.other]]\nwho = { nodes = [9] }\nmode = 'off'", "signing.other 0: there is no node 9"),
        ("[[signing.other]]\nwho = { share = 0.5 }\nmode = 'off'", "at random"),
        ("[[step]]\nat_s = 1\ndo = 'sign'", "Sign needs a mode"),
        ("[[step]]\nat_s = 1\ndo = 'sign'\nmode = 'off'", "Sign needs a mode"),
        ("[[step]]\nat_s = 1\ndo = 'sign'\nmode = 'accept'\nkeys = [1]", "keys"),
        ("[[step]]\nat_s = 1\ndo = 'restart'\nsybil = 'unsigned'", "sybil"),
        ("[[step]]\nat_s = 1\ndo = 'poison'", "from"),
        ("[[step]]\nat_s = 1\ndo = 'clone'", "needs one host"),
    ] {
        let complaint = complaint(more);
        assert!(complaint.contains(named), "{more}: {complaint}");
    }
}

#[test]
fn what_is_wrong_is_named() {
    for (more, named) in [
        ("colour = 1", "colour"),
        ("seeds = 9", "seeds"),
        ("preset = 'mars'", "mars"),
        ("[config]\nfanout = 99", "fanout"),
        ("[config.mechanisms]\nbase = 'magic'", "magic"),
        ("[link]\nloss = 1.5", "loss"),
        ("[[step]]\nat_s = 1\ndo = 'dance'", "dance"),
        ("[[step]]\nat_s = 1\ndo = 'pause'", "for_s"),
        ("[[step]]\nat_s = 1\ndo = 'crash'\nppm = 3", "ppm"),
        ("[state]\ntags = 17", "state.tags"),
        ("[[step]]\nat_s = 1\ndo = 'forge-leave'\nfor_s = 3", "for_s"),
        ("[[step]]\nat_s = -1\ndo = 'crash'", "step 0"),
        (
            "[[step]]\nat_s = 10\ndo = 'crash'\n[[step]]\nat_s = 10.1\ndo = 'crash'",
            "step 1: at_s is 10.1, when all is over",
        ),
        ("[[step]]\nat_s = 1\ndo = 'cut'\nuntil_s = 5", "for_s"),
        ("[topology]\nregions = 0", "topology"),
        ("[[step]]\nat_s = 1\ndo = 'crash'\nmode = 'off'", "mode"),
        ("[host]\nuptime_s = -1", "uptime_s"),
        ("[host]\nunix_s = 4294901759", "unix_s"),
        ("[host]\nrefutation = 4294901760", "refutation"),
        ("start = 'cold'\n[host]\nstate_version = 1", "state_version"),
        ("[topology]\nregions = 2\n[[links.pair]]\nregions = [0, 1]\nlatencyms = 3", "latencyms"),
        ("[topology]\nregions = 2\n[[links.pair]]\nregions = [0, 2]\nlatency_ms = 3", "no region 2"),
        ("[[links.pair]]\nlatency_ms = 3", "links"),
        ("[link]\nbandwidth_mbit = nan", "bandwidth"),
        ("[link]\nbandwidth_mbit = 1\nqueue_kb = 9000000000000000000", "queue"),
        ("[host]\nuplink_mbit = -1", "uplink"),
        ("[host]\ndrift_ppm = 4000000000", "drift_ppm"),
        ("[host]\nstep_us = 9000000000000000000", "step_us"),
        ("[[step]]\nat_s = 1\ndo = 'drift'\nppm = -1000000", "ppm"),
        ("[[step]]\nat_s = 1\ndo = 'slow'\nstep_us = 9000000000000000000", "step_us"),
        ("[[step]]\nat_s = 1\ndo = 'cut'\ndelay_ms = nan", "delay_ms"),
        ("[[step]]\nat_s = 1\ndo = 'cut'\njitter_ms = -1", "jitter_ms"),
        ("[[step]]\nat_s = 1\ndo = 'cut'\ncorrupt = 2", "corrupt"),
        ("[[step]]\nat_s = 1\ndo = 'crash'\nreplay = 0.5", "it goes with [Cut]"),
        ("duration_s = 600\n[[step]]\nat_s = 0\ndo = 'update'\nevery_s = 0.001", "100000 times"),
        ("start = 'warm'", "\"cold\""),
        ("start = [{ nodes = [5] }]", "no node 5"),
        ("start = [{ except = [6] }]", "no node 6"),
        ("start = [{ colour = 1 }]", "colour"),
        ("start = 'cold'\nseeds = 0", "seeds"),
        ("[host]\ncapacity = 1", "capacity"),
        ("[[step]]\nat_s = 1\ndo = 'crash'\nwho = { nodes = [7] }", "step 0: who: there is no node 7"),
        ("[[step]]\nat_s = 1\ndo = 'crash'\nwho = { zone = 1 }", "topology.zones is 1"),
        ("[[step]]\nat_s = 1\ndo = 'join'\nregion = 1", "no region 1"),
        ("[[step]]\nat_s = 1\ndo = 'restart'\nregion = 0", "it goes with [Join]"),
        ("[[step]]\nat_s = 1\ndo = 'restart'\nname_of = { count = 1 }", "name_of"),
        ("[[step]]\nat_s = 1\ndo = 'restart'\nthrough = { nodes = [9] }", "through: there is no node 9"),
        ("[[step]]\nat_s = 1\ndo = 'crash'\nstale = true", "stale"),
        ("[[step]]\nat_s = 1\ndo = 'restart'\nnew_address = true\naddress_of = { count = 1 }", "one address"),
        ("[[step]]\nat_s = 1\ndo = 'audit'", "for_s"),
        ("[[step]]\nat_s = 1\ndo = 'watch'", "name"),
        ("[[step]]\nat_s = 1\ndo = 'watch'\nname = 'a b'", "letters"),
        ("[[step]]\nat_s = 1\ndo = 'watch'\nname = 'a'\nevery_s = 2\nfor_s = 3", "overlap"),
        ("[[step]]\nat_s = 1\ndo = 'watch'\nname = 'a'\ndeaths = [0]", "deaths"),
        ("[[step]]\nat_s = 1\ndo = 'crash'\nname = 'a'", "name"),
        (
            "[[step]]\nat_s = 1\ndo = 'watch'\nname = 'a'\n[[step]]\nat_s = 2\ndo = 'watch'\nname = 'a'",
            "step 1",
        ),
    ] {
        assert!(complaint(more).contains(named), "{more}: {}", complaint(more));
    }
}

#[test]
fn what_is_wrong_with_a_write_or_an_event_is_named() {
    for (step, named) in [
        ("'publish'", "key"),
        ("'withdraw'\nkey = 'k'\nbytes = 3", "bytes"),
        ("'event'\nkey = 'k'", "key"),
        ("'event'\nbytes = 7", "bytes"),
        ("'pulse'\nbytes = 61", "60 at the most"),
        ("'value'", "key"),
        ("'delete-value'\nkey = 'k'\nbytes = 9", "bytes"),
    ] {
        let wrong = complaint(&format!("[[step]]\nat_s = 1\ndo = {step}"));
        assert!(wrong.contains(named), "{step}: {wrong}");
    }
}

#[test]
fn an_unknown_name_is_not_a_file() {
    assert!(matches!(load("no-such-scenario"), Err(ScenarioError::Unknown(_))));
}

#[test]
fn overrides_reach_every_place() {
    let mut plan = Plan::parse("test", &format!("{PLAIN}[[step]]\nat_s = 1\ndo = 'crash'")).unwrap();
    for assignment in
        ["nodes=7", "config.fanout=4", "step.0.at_s=2.5", "preset=wan", "expect.spread.p99_s={max=3}"]
    {
        plan.set(assignment).unwrap();
    }
    let scenario = plan.variants().unwrap().remove(0);
    assert_eq!((scenario.nodes, scenario.config.fanout, scenario.events[0].at_s), (7, Some(4), 2.5));
    assert_eq!(scenario.preset, "wan");
    assert_eq!(scenario.expect["spread.p99_s"], Bound::Within(Range { min: None, max: Some(3.0) }));
    for wrong in ["nodes", "step.7.at_s=1", "step.at_s=1", "nodes.x=1", "=3"] {
        assert!(plan.set(wrong).is_err(), "{wrong}");
    }
}

#[test]
fn axes_multiply() {
    let axes =
        "[[axis]]\na = { nodes = 6 }\nb = { nodes = 7 }\n[[axis]]\nc = { 'config.fanout' = 2 }\nd = {}\n";
    let variants = scenario(&format!("{PLAIN}{axes}")).unwrap();
    let names: Vec<&str> = variants.iter().map(|variant| variant.name.as_str()).collect();
    assert_eq!(names, ["test/a/c", "test/a/d", "test/b/c", "test/b/d"]);
    assert_eq!((variants[2].nodes, variants[2].config.fanout), (7, Some(2)));
}

#[test]
fn links_differ_by_distance() {
    use gossip_core::Locality;
    let links = "[topology]\nregions = 3\nzones = 2\n[link]\nlatency_ms = 1\nloss = 0.1\n[links.zones]\nlatency_ms = 2
        [links.regions]\nlatency_ms = 40\n[[links.pair]]\nregions = [2, 0]\nlatency_ms = 80";
    let scenario = scenario(&format!("{PLAIN}{links}")).unwrap().remove(0);
    let at = |region, zone| Locality { region, zone, rack: 0 };
    let latency = |to| scenario.link(at(0, 0), to).latency;
    assert_eq!([at(0, 0), at(0, 1), at(1, 0), at(2, 1)].map(latency), [1_000, 2_000, 40_000, 80_000]);
    assert_eq!(scenario.link(at(0, 0), at(2, 0)).loss, 0.1);
}

#[test]
fn selectors_narrow() {
    use gossip_core::Locality;
    let at = |region| Locality { region, zone: 0, rack: 0 };
    let who = Selector { region: Some(1), seeds: Some(false), share: Some(0.5), ..Selector::default() };
    assert!(who.fits(7, at(1), 3) && !who.fits(7, at(0), 3) && !who.fits(2, at(1), 3));
    assert_eq!((who.picks(9), Selector { count: Some(2), ..who }.picks(9)), (5, 2));
    let but = Selector { but: Some(2), except: vec![7], ..Selector::default() };
    assert!(but.fits(6, at(0), 3) && !but.fits(7, at(0), 3));
    assert_eq!((but.picks(9), but.picks(1)), (7, 0));
}
