//! Namespaces of our own, and their end.
//!
//! The program runs itself once more, as the first process of new namespaces. When that process ends, the kernel kills
//! all others in them; and it ends when the outer one does, by a pipe that closes, even if that was killed.

use anyhow::{Context as _, Result, ensure};
use std::{
    env,
    io::{self, Read as _},
    process::{self, Command, ExitCode, Stdio},
    thread,
};

/// The new namespaces, as `unshare` calls them.
const NAMESPACES: [&str; 6] = ["--mount", "--pid", "--net", "--fork", "--kill-child", "--mount-proc"];

/// Why nothing can be measured here.
pub(crate) fn missing() -> Option<String> {
    if !rustix::process::geteuid().is_root() {
        return Some("network namespaces need root".to_owned());
    }
    let works = |command: &mut Command| command.output().is_ok_and(|output| output.status.success());
    if !works(Command::new("ip").arg("-V")) {
        return Some("the program `ip` is not installed".to_owned());
    }
    let allowed = works(Command::new("unshare").args(NAMESPACES).arg("true"));
    (!allowed).then(|| "this machine allows no new namespaces, or has no `unshare`".to_owned())
}

/// Runs this program once more, in namespaces of its own, with the same arguments.
///
/// # Errors
/// It could not be started.
pub(crate) fn rerun() -> Result<ExitCode> {
    let mut command = Command::new("unshare");
    command.args(NAMESPACES).arg(env::current_exe()?).arg("--inside").args(env::args_os().skip(1));
    let mut inner = command.stdin(Stdio::piped()).spawn().context("unshare")?;
    // Waiting would close the pipe at once, and with it end the inner process.
    let pipe = inner.stdin.take();
    let status = inner.wait()?;
    drop(pipe);
    Ok(if status.success() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// Inside: lets this process, and with it all of the namespaces, end with the one that started it; turns the loopback
/// device on; and puts temporary files where they end with the namespaces, too.
///
/// # Errors
/// This process is not the first of its namespace, or the kernel's.
pub(crate) fn enter() -> Result<()> {
    ensure!(process::id() == 1, "--inside is not for people");
    thread::spawn(|| {
        let _ = io::stdin().read_to_end(&mut Vec::new());
        process::exit(1);
    });
    run(Command::new("ip").args(["link", "set", "lo", "up"]))?;
    run(Command::new("mount").args(["-t", "tmpfs", "none"]).arg(env::temp_dir()))
}

fn run(command: &mut Command) -> Result<()> {
    let status = command.status().with_context(|| format!("{command:?}"))?;
    ensure!(status.success(), "{command:?}: {status}");
    Ok(())
}
