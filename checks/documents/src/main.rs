//! Runs the commands of README, CONTRIBUTING and the book, from the root of the repository, and fails if one does.
//!
//! Release builds of the programs must be there already: the directory that holds them is searched first.

use documents::{
    commands::{DOCUMENTS, Plan, blocks},
    markdown_under, root,
};
use std::{
    env, fs,
    io::{self, BufRead as _, BufReader},
    process::{Child, Command, ExitCode, Stdio},
    sync::mpsc,
    thread,
    time::{Duration, Instant},
};

/// The most that one command may take. Most of it is for what cargo may have to build first.
const PATIENCE: Duration = Duration::from_secs(300);
const POLL: Duration = Duration::from_millis(20);

/// A program that runs until it is stopped; stopped in the end.
struct Server(Child);

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn main() -> io::Result<ExitCode> {
    let mut failures = 0;
    for document in DOCUMENTS.iter().flat_map(|document| markdown_under(&root().join(document))) {
        for block in blocks(&fs::read_to_string(&document)?) {
            let mut servers = vec![];
            for command in block {
                let start = Instant::now();
                let outcome = match Plan::of(&command) {
                    Plan::Skip(why) => format!("skipped: {why}"),
                    Plan::Run if ends_well(&command)? => format!("{:.1?}", start.elapsed()),
                    Plan::Serve if serves(&command, &mut servers)? => {
                        format!("serves, {:.1?}", start.elapsed())
                    }
                    _ => {
                        failures += 1;
                        format!("FAILED, {:.1?}", start.elapsed())
                    }
                };
                println!("{command}\n    {outcome}");
            }
        }
    }
    println!("{failures} commands failed");
    Ok(if failures == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// The shell with that command: in its own place, so that to stop the child stops the command.
fn shell(command: &str) -> io::Result<Command> {
    let target = env::var_os("CARGO_TARGET_DIR").unwrap_or_else(|| root().join("target").into_os_string());
    let mut path = target;
    path.push("/release:");
    path.push(env::var_os("PATH").unwrap_or_default());
    let mut shell = Command::new("sh");
    shell.args(["-c", &format!("exec {command}")]).current_dir(root()).env("PATH", path);
    shell.stdin(Stdio::null());
    Ok(shell)
}

fn ends_well(command: &str) -> io::Result<bool> {
    let mut child = Server(shell(command)?.stdout(Stdio::null()).spawn()?);
    let start = Instant::now();
    while start.elapsed() < PATIENCE {
        if let Some(status) = child.0.try_wait()? {
            return Ok(status.success());
        }
        thread::sleep(POLL);
    }
    Ok(false)
}

fn serves(command: &str, servers: &mut Vec<Server>) -> io::Result<bool> {
    let mut child = shell(command)?.stdout(Stdio::piped()).spawn()?;
    let output = child.stdout.take();
    servers.push(Server(child));
    let (sender, first) = mpsc::channel();
    thread::spawn(move || {
        // To the end, so that the program never waits for a reader.
        for line in output.map(BufReader::new).into_iter().flat_map(BufReader::lines) {
            let _ = sender.send(line.is_ok());
        }
    });
    Ok(first.recv_timeout(PATIENCE) == Ok(true))
}
