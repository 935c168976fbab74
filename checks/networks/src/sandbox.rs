//! Namespaces of our own, and their end.
//!
//! The program runs itself once more, as the first process of new namespaces. When that process ends, the kernel
//! kills all others in them and takes down networks and mounts; and it ends when the outer one does, by a pipe that
//! closes, even if that was killed.

use anyhow::{Context as _, Result, ensure};
use std::{
    env,
    io::{self, Read as _},
    path::Path,
    process::{self, Command, ExitCode, Stdio},
    thread,
};

/// The outermost namespaces, as `unshare` calls them.
const NAMESPACES: [&str; 6] = ["--mount", "--pid", "--net", "--fork", "--kill-child", "--mount-proc"];

/// The programs in use, each with an argument that does nothing.
const PROGRAMS: [(&str, &str); 4] =
    [("ip", "-V"), ("nft", "--version"), ("mount", "--version"), ("unshare", "--version")];

/// Why the test cannot run here.
pub(crate) fn missing() -> Option<String> {
    if !rustix::process::geteuid().is_root() {
        return Some("network namespaces need root".to_owned());
    }
    if !Path::new(crate::tun::CLONE_DEVICE).exists() {
        return Some(format!("{} is not there", crate::tun::CLONE_DEVICE));
    }
    let works = |command: &mut Command| command.output().is_ok_and(|output| output.status.success());
    if let Some((program, _)) =
        PROGRAMS.iter().find(|(program, nothing)| !works(Command::new(program).arg(nothing)))
    {
        return Some(format!("the program `{program}` is not installed"));
    }
    let allowed = works(Command::new("unshare").args(NAMESPACES).arg("true"));
    (!allowed).then(|| "this machine allows no new namespaces".to_owned())
}

/// Runs this program once more, in namespaces of its own.
///
/// # Errors
/// It could not be started.
pub(crate) fn rerun(gossip: &Path, seed: u64) -> Result<ExitCode> {
    let mut inner = Command::new("unshare")
        .args(NAMESPACES)
        .arg(env::current_exe()?)
        .args(["--inside", "--seed", &seed.to_string(), "--gossip"])
        .arg(gossip.canonicalize()?)
        .stdin(Stdio::piped())
        .spawn()
        .context("unshare")?;
    // Waiting would close the pipe at once, and with it end the inner process.
    let pipe = inner.stdin.take();
    let status = inner.wait()?;
    drop(pipe);
    Ok(if status.success() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// Inside: lets this process, and with it all of the namespaces, end with the one that started it.
///
/// # Errors
/// This process is not the first of its namespace: whoever asked for it would have the machine's own network
/// rebuilt.
pub(crate) fn end_with_parent() -> Result<()> {
    ensure!(process::id() == 1, "--inside is not for people");
    thread::spawn(|| {
        let _ = io::stdin().read_to_end(&mut Vec::new());
        process::exit(1);
    });
    // `ip netns` keeps names in /run.
    run("mount", &["-t", "tmpfs", "none", "/run"], "")?;
    Ok(())
}

/// Runs a program to its end and returns what it printed.
///
/// # Errors
/// It failed, with what it said.
pub(crate) fn run(program: &str, arguments: &[&str], input: &str) -> Result<String> {
    let mut child = Command::new(program)
        .args(arguments)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .context(program.to_owned())?;
    if let Some(mut pipe) = child.stdin.take() {
        io::Write::write_all(&mut pipe, input.as_bytes())?;
    }
    let output = child.wait_with_output()?;
    let said = String::from_utf8_lossy(&output.stderr);
    ensure!(output.status.success(), "{program} {}: {}\n{input}", arguments.join(" "), said.trim());
    Ok(String::from_utf8_lossy(&output.stdout).into_owned())
}
