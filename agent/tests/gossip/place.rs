//! A place for agents that are asked by commands of their own.

use crate::process::{Running, success};
use serde_json::Value;
use std::{env, fs, path::PathBuf, thread, time::Duration};

/// A directory for sockets, removed at the end.
pub(crate) struct Place(pub(crate) PathBuf);

impl Place {
    pub(crate) fn new(test: &str) -> Self {
        let path = env::temp_dir().join(format!("gossip-control-{}-{test}", std::process::id()));
        fs::create_dir_all(&path).unwrap();
        Self(path)
    }

    pub(crate) fn socket(&self, name: &str) -> String {
        self.0.join(format!("{name}.sock")).display().to_string()
    }

    /// An agent that is controlled at a socket of its name, and its address.
    pub(crate) fn agent(&self, name: &str, more: &str) -> (Running, String) {
        let socket = self.socket(name);
        let agent = Running::start(&format!(
            "run --name {name} --cluster control --bind 127.0.0.1:0 --preset local --json --control {socket} {more}"
        ));
        let address = agent.event("started")["address"].as_str().unwrap().to_owned();
        (agent, address)
    }

    /// What a command that asks an agent of this name prints.
    pub(crate) fn ask(&self, name: &str, command: &str) -> String {
        success(&format!("{command} --control {}", self.socket(name)))
    }

    pub(crate) fn ask_json(&self, name: &str, command: &str) -> Value {
        serde_json::from_str(&self.ask(name, &format!("{command} --json"))).unwrap()
    }

    /// Asks until the answer is as it should be.
    pub(crate) fn until(&self, name: &str, command: &str, holds: impl Fn(&Value) -> bool) -> Value {
        for _ in 0..600 {
            let answer = self.ask_json(name, command);
            if holds(&answer) {
                return answer;
            }
            thread::sleep(Duration::from_millis(50));
        }
        panic!("{command}: {}", self.ask(name, command));
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}
