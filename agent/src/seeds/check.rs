//! What the operator is told of the seeds, and when a node that finds none of them gives up.

use crate::cli::RunArgs;
use adapter_tokio::{Handle, Seed, UnresolvedSeed};
use anyhow::{Result, bail};
use std::{
    collections::HashSet,
    net::{SocketAddr, UdpSocket},
};

/// Checks of the seeds, one a second, before the operator is told that none has answered: by then an address was asked at
/// least three times.
const PATIENCE: u32 = 5;
/// Look-ups that must have failed of every seed before the program ends. The last of them begins more than 5 s after the
/// start, so that a name which can be found by then never ends it.
const LOOK_UPS: u32 = 4;

/// Looks after the seeds until the node has met someone.
pub(crate) struct SeedCheck {
    given: HashSet<Seed>,
    advertise: Option<SocketAddr>,
    /// Never give up.
    retry: bool,
    /// Names, and why they could not be found, that were told of.
    told: Vec<(String, String)>,
    checks: u32,
    has_met_somebody: bool,
}

/// What is known of the seeds at a check.
pub(crate) struct Seen {
    /// Where others are told to reach this node.
    me: SocketAddr,
    unresolved: Vec<UnresolvedSeed>,
    has_members: bool,
}

impl Seen {
    /// By a running node.
    pub(crate) fn by(handle: &Handle) -> Self {
        let (me, unresolved) = (handle.me().address(), handle.unresolved_seeds());
        Self { me, unresolved, has_members: !handle.members().is_empty() }
    }
}

impl SeedCheck {
    pub(crate) fn new(args: &RunArgs) -> Self {
        Self {
            given: args.join.iter().cloned().collect(),
            advertise: args.advertise,
            retry: args.retry_join,
            told: Vec::new(),
            checks: 0,
            has_met_somebody: false,
        }
    }

    /// What to warn of: names that newly cannot be found, and once that no seed answers.
    ///
    /// A node that was told whom to join and can find none of them would be a cluster of its own and look as
    /// if all were well, so it stops, and whatever restarts it tries again. A node that has joined never stops
    /// for want of DNS.
    ///
    /// # Errors
    /// None of the seeds was found since the start.
    pub(crate) fn check(&mut self, seen: &Seen) -> Result<Vec<String>> {
        let failed =
            seen.unresolved.iter().filter_map(|name| Some((name.seed.clone(), name.reason.clone()?)));
        let failed: Vec<_> = failed.collect();
        let mut warnings: Vec<_> = failed
            .iter()
            .filter(|name| !self.told.contains(name))
            .map(|(seed, why)| format!("{seed} (--join) cannot be found: {why}; it will be looked up again"))
            .collect();
        self.told = failed;
        self.checks = self.checks.saturating_add(1);
        self.has_met_somebody |= seen.has_members;
        if self.given.is_empty() || self.has_met_somebody {
            return Ok(warnings);
        }
        let hopeless = seen.unresolved.iter().filter(|name| name.failures >= LOOK_UPS).count();
        if hopeless == self.given.len() && !self.retry {
            bail!(
                "no node given with --join can be found: check their names, and that DNS answers here; \
                 with --retry-join the node waits until they can be"
            );
        }
        if self.checks == PATIENCE {
            warnings.push(format!(
                "no node given with --join has answered yet; still trying. {}",
                self.hints(seen).join(". ")
            ));
        }
        Ok(warnings)
    }

    /// What may be wrong, most certain first.
    fn hints(&self, seen: &Seen) -> Vec<String> {
        let mut hints = Vec::new();
        let me = seen.me;
        let elsewhere =
            |seed: &Seed| !seed.to_string().parse::<SocketAddr>().is_ok_and(|to| to.ip().is_loopback());
        if me.ip().is_loopback() && self.given.iter().any(elsewhere) {
            let option = if self.advertise.is_some() { "--advertise" } else { "--bind" };
            hints.push(format!(
                "This node is at {me} ({option}), where only this machine can reach it: give an address that the \
                 others can reach"
            ));
        } else if self.advertise.is_some() {
            let here = is_of_this_machine(me);
            let whose = if here { "" } else { ", which is no address of this machine" };
            hints.push(format!(
                "Answers go to {me} (--advertise){whose}: check that this node is reached there"
            ));
        }
        for name in seen.unresolved.iter().filter(|name| name.reason.is_none()) {
            hints.push(format!("The resolver has not answered for {}: check DNS on this machine", name.seed));
        }
        let others = "Check that one of them runs, that UDP passes both ways, and that it was started with the same --cluster and \
             another --name";
        hints.push(others.to_owned());
        hints
    }
}

/// Whether a socket could be bound there.
fn is_of_this_machine(address: SocketAddr) -> bool {
    UdpSocket::bind((address.ip(), 0)).is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::{Cli, Command};
    use clap::Parser as _;

    fn check(args: &str) -> SeedCheck {
        let args = "gossip run --name a --cluster c ".to_owned() + args;
        let Command::Run(args) = Cli::try_parse_from(args.split_whitespace()).unwrap().command else {
            panic!()
        };
        SeedCheck::new(&args)
    }

    /// What is seen of names of which this many look-ups failed; of `None` the first has no answer.
    fn seen(names: &[(&str, Option<u32>)]) -> Seen {
        let unresolved = names.iter().map(|&(seed, failures)| {
            let mut name = UnresolvedSeed::default();
            name.seed = seed.to_owned();
            name.reason = failures.map(|_| "no such host".to_owned());
            name.failures = failures.unwrap_or_default();
            name
        });
        Seen { me: "127.0.0.1:7946".parse().unwrap(), unresolved: unresolved.collect(), has_members: false }
    }

    #[test]
    fn a_node_gives_up_only_when_every_name_failed_again_and_again() {
        for (args, names, ends) in [
            ("--join a:1", [("a:1", Some(4))].as_slice(), true),
            ("--join a:1 --join a:1", &[("a:1", Some(4))], true),
            ("--join a:1", &[("a:1", Some(3))], false),
            ("--join a:1", &[("a:1", None)], false),
            ("--join a:1 --join b:1", &[("a:1", Some(9)), ("b:1", Some(4))], true),
            ("--join a:1 --join b:1", &[("a:1", Some(9)), ("b:1", Some(3))], false),
            ("--join a:1 --join b:1", &[("a:1", Some(9))], false),
            ("--join a:1 --join 10.0.0.1:1", &[("a:1", Some(9))], false),
            ("--join a:1 --retry-join", &[("a:1", Some(99))], false),
        ] {
            assert_eq!(check(args).check(&seen(names)).is_err(), ends, "{args}: {names:?}");
        }
        let mut joined = check("--join a:1");
        joined.check(&Seen { has_members: true, ..seen(&[]) }).unwrap();
        assert!(joined.check(&seen(&[("a:1", Some(99))])).is_ok(), "it had joined");
    }

    #[test]
    fn a_name_that_cannot_be_found_is_told_of_once_for_each_reason() {
        let mut check = check("--join a:1");
        let seen = seen(&[("a:1", Some(1))]);
        assert!(check.check(&seen).unwrap().concat().contains("a:1 (--join) cannot be found: no such host"));
        assert_eq!(check.check(&seen).unwrap(), [""; 0]);
    }

    #[test]
    fn silent_seeds_are_told_of_once_with_what_is_most_likely_wrong() {
        let elsewhere = "203.0.113.1:7946";
        for (args, me, names, first) in [
            ("--join 10.0.0.1:1", "127.0.0.1:7946", [].as_slice(), "This node is at 127.0.0.1:7946 (--bind)"),
            ("--join a:1", "[::1]:7946", &[], "This node is at [::1]:7946 (--bind)"),
            ("--join 127.0.0.1:1", "127.0.0.1:7946", &[], "Check that one of them runs"),
            ("--join 10.0.0.1:1", "10.0.0.2:7946", &[], "Check that one of them runs"),
            (
                "--join 10.0.0.1:1 --advertise 203.0.113.1:7946",
                elsewhere,
                &[],
                "Answers go to 203.0.113.1:7946 (--advertise), which is no address of this machine",
            ),
            ("--join a:1", "10.0.0.2:7946", &[("a:1", None)], "The resolver has not answered for a:1"),
        ] {
            let mut check = check(args);
            let seen = Seen { me: me.parse().unwrap(), ..seen(names) };
            let said: Vec<_> = (0..20).flat_map(|_| check.check(&seen).unwrap()).collect();
            let [warning] = said.as_slice() else { panic!("{args}: {said:?}") };
            assert!(warning.contains(&format!("still trying. {first}")), "{args}: {warning}");
            assert!(warning.contains("--cluster"), "{args}: {warning}");
        }
    }
}
