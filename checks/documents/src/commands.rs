//! The commands of the documents: what stands in blocks of `sh`, and what is to become of each line.

use pulldown_cmark::{CodeBlockKind, Event, Parser, Tag, TagEnd};

/// Documents whose commands must work as they stand.
pub const DOCUMENTS: [&str; 3] = ["README.md", "CONTRIBUTING.md", "docs/src"];

/// Programs that run until they are stopped: that one starts and prints something is enough. By what the command begins with.
const SERVERS: [&str; 4] = [
    "cargo run -p adapter-mio --example echo",
    "cargo run -p adapter-tokio --example members",
    "cargo run -p gossip-core --example by_hand",
    "gossip run",
];

/// Commands that are not run, and why.
pub const EXCEPTIONS: [(&str, &str); 6] = [
    ("cargo run --release -p simulator -- run loss --set config.fanout=4 --seeds 5 --json", "a minute"),
    ("cargo run --release -p simulator -- run soak --json", "four minutes"),
    ("cargo run --release -p simulator -- swarm --seeds 300", "a minute; .ci/run does with 50"),
    ("cargo test --workspace", "a check of .ci/run"),
    ("target/release/networks", "needs root; a check of .ci/run"),
    ("target/release/networks soak --agents 50 --minutes 30", "half an hour"),
];

/// What is to become of a command.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Plan {
    /// It ends by itself, with success.
    Run,
    /// It prints something, and is stopped when its block has been gone through.
    Serve,
    /// It is left out, for this reason.
    Skip(&'static str),
}

impl Plan {
    /// The plan for a command.
    pub fn of(command: &str) -> Self {
        let exception = EXCEPTIONS.iter().find(|(excepted, _)| *excepted == command);
        match exception {
            Some(&(_, why)) => Self::Skip(why),
            None if SERVERS.iter().any(|server| command.starts_with(server)) => Self::Serve,
            None => Self::Run,
        }
    }
}

/// The blocks of `sh` of a document: the commands of each, without comments; a backslash joins lines.
pub fn blocks(text: &str) -> Vec<Vec<String>> {
    let (mut blocks, mut within) = (vec![], false);
    for event in Parser::new(text) {
        match event {
            Event::Start(Tag::CodeBlock(CodeBlockKind::Fenced(language))) if &*language == "sh" => {
                within = true;
            }
            Event::End(TagEnd::CodeBlock) => within = false,
            Event::Text(code) if within => blocks.push(commands(&code)),
            _ => {}
        }
    }
    blocks
}

fn commands(code: &str) -> Vec<String> {
    let joined = code.replace("\\\n", " ");
    let commands = joined.lines().map(|line| line.split(" #").next().unwrap_or_default().trim());
    let commands = commands.filter(|line| !line.is_empty() && !line.starts_with('#'));
    commands.map(|line| line.split_whitespace().collect::<Vec<_>>().join(" ")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn commands_are_taken_from_blocks_of_sh_alone() {
        let text = "```sh\n# first\na b   # why\nc \\\n  d\n```\n\n```toml\ne\n```\n\n    f\n";
        assert_eq!(blocks(text), [["a b", "c d"]]);
    }

    #[test]
    fn what_is_not_listed_is_run() {
        assert_eq!(Plan::of("gossip id db-1"), Plan::Run);
        assert_eq!(Plan::of("gossip run --name db-1"), Plan::Serve);
        assert!(matches!(Plan::of("cargo test --workspace"), Plan::Skip(_)));
        assert_eq!(Plan::of("cargo test --workspace --release"), Plan::Run);
    }
}
