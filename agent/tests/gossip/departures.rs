//! Most nodes of a cluster leave in good order, and then one of the rest crashes: the others still notice.

use crate::process::Running;
use std::time::Instant;

/// A running node of the cluster.
struct Agent {
    id: String,
    address: String,
    process: Running,
}

impl Agent {
    /// Starts it with the default preset. It joins through a node of `cluster`, unless it is the first.
    fn start(cluster: &str, number: usize, seed: Option<&Self>) -> Self {
        let name = format!("{cluster}-{number}");
        let join = seed.map(|seed| format!("--join {}", seed.address)).unwrap_or_default();
        let process = Running::start(&format!(
            "run --name {name} --cluster {cluster} --bind 127.0.0.1:0 --json {join}"
        ));
        let address = process.event("started")["address"].as_str().unwrap().to_owned();
        let id = adapter_tokio::NodeId::from_name(&name).unwrap().to_string();
        Self { id, address, process }
    }

    /// Waits for one event of this kind about each of `others`, and fails at one about anyone else.
    fn reports(&self, event: &str, others: &[&Self]) {
        let next = |_| self.process.event(event)["id"].as_str().unwrap().to_owned();
        let mut reported: Vec<_> = others.iter().map(next).collect();
        let mut expected: Vec<_> = others.iter().map(|other| other.id.clone()).collect();
        reported.sort();
        expected.sort();
        assert_eq!(reported, expected, "{event}, as {} reports it", self.id);
    }
}

/// Adds nodes until there are `size`, and waits until everyone has seen everyone.
fn grow(agents: &mut Vec<Agent>, cluster: &str, size: usize) {
    let old = agents.len();
    for number in old..size {
        agents.push(Agent::start(cluster, number, agents.first()));
    }
    for (index, agent) in agents.iter().enumerate() {
        let new_to_it: Vec<_> = (0..size)
            .filter(|other| *other != index && (index >= old || *other >= old))
            .map(|other| &agents[other])
            .collect();
        agent.reports("up", &new_to_it);
    }
}

/// Stops all of `leaving` at once, and waits until those that stay have seen each of them leave.
fn leave(mut leaving: Vec<Agent>, staying: &[Agent]) {
    leaving.iter().for_each(|agent| agent.process.signal("TERM"));
    for agent in &mut leaving {
        assert!(agent.process.end().success(), "{}", agent.id);
    }
    let left: Vec<_> = leaving.iter().collect();
    staying.iter().for_each(|agent| agent.reports("left", &left));
}

/// Kills the last one, and waits until all others have declared it dead, and no one else.
fn crash_is_noticed(cluster: &str, mut agents: Vec<Agent>) {
    let victim = agents.pop().unwrap();
    let start = Instant::now();
    victim.process.signal("KILL");
    agents.iter().for_each(|agent| agent.reports("down", &[&victim]));
    println!("{cluster}: a crash known to all {} others after {:.1?}", agents.len(), start.elapsed());
}

#[test]
fn a_crash_is_noticed_after_seven_of_ten_nodes_have_left() {
    let mut agents = Vec::new();
    grow(&mut agents, "scale-in", 10);
    let leaving = agents.split_off(3);
    leave(leaving, &agents);
    crash_is_noticed("scale-in", agents);
}

#[test]
fn a_crash_is_noticed_after_new_nodes_have_replaced_all_old_ones() {
    let mut agents = Vec::new();
    grow(&mut agents, "surge-replace", 3);
    grow(&mut agents, "surge-replace", 6);
    let new = agents.split_off(3);
    leave(agents, &new);
    crash_is_noticed("surge-replace", new);
}
