//! The program in README.md is that of the example `members`, and does what it says.

#![allow(clippy::unwrap_used, reason = "a test may panic")]

use std::{
    env,
    io::{BufRead as _, BufReader, Read as _},
    net::{SocketAddr, UdpSocket},
    process::{Child, Command, Stdio},
};

const README: &str = include_str!("../../README.md");
const EXAMPLE: &str = include_str!("../examples/members.rs");

/// The example, running; killed in the end.
struct Program(Child);

impl Program {
    /// `cargo test` builds a package's examples along with its tests.
    fn start(arguments: &[String]) -> Self {
        let tests = env::current_exe().unwrap();
        let program = tests.parent().unwrap().with_file_name("examples").join("members");
        assert!(program.is_file(), "{} is not there: cargo build --example members", program.display());
        let mut command = Command::new(program);
        Self(command.args(arguments).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap())
    }

    fn wait_for(&mut self, words: &str) {
        let output = BufReader::new(self.0.stdout.as_mut().unwrap());
        assert!(output.lines().any(|line| line.unwrap().contains(words)), "it ended without {words}");
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

#[test]
fn the_readmes_program_is_the_example() {
    let (_, program) = EXAMPLE.split_once("\n\n").unwrap();
    assert!(README.contains(&format!("```rust,no_run\n{program}```\n")));
}

#[test]
fn the_readmes_program_tells_of_another_one_on_this_machine() {
    // Two that are free now.
    let [first, second]: [SocketAddr; 2] =
        [(); 2].map(|()| UdpSocket::bind("127.0.0.1:0").unwrap()).map(|socket| socket.local_addr().unwrap());
    let mut one = Program::start(&[first.to_string()]);
    let mut other = Program::start(&[second.to_string(), first.to_string()]);
    one.wait_for(&format!("is up at {second}"));
    other.wait_for(&format!("is up at {first}"));
}

#[test]
fn the_readmes_program_prints_errors_for_people() {
    // An address for documentation, which no machine has.
    for (address, error) in [
        ("here", "error: here is no address and port to listen on\n"),
        (
            "203.0.113.1:7946",
            "error: cannot bind 203.0.113.1:7946, which must be an address of this machine: ",
        ),
    ] {
        let mut wrong = Program::start(&[address.to_owned()]);
        let mut text = String::new();
        wrong.0.stderr.as_mut().unwrap().read_to_string(&mut text).unwrap();
        assert!(text.starts_with(error) && text.lines().count() == 1, "{text}");
        assert_eq!(wrong.0.wait().unwrap().code(), Some(1));
    }
}
