//! A test's second process: the same test, run once more with an argument.

use std::{
    env,
    process::{Child, Command, ExitStatus, Stdio},
};

/// The environment variable with the argument.
const ARGUMENT: &str = "ADAPTER_SUITE_CHILD";

/// The argument, if this is the second process.
pub(crate) fn argument() -> Option<String> {
    env::var(ARGUMENT).ok()
}

/// A second process, killed when dropped. Its standard input stays open until it is waited for.
pub(crate) struct Second(Child);

impl Second {
    /// Runs `test` once more, by `wrapper` (a program and its arguments) if that is not empty.
    pub(crate) fn start(wrapper: &[&str], test: &str, argument: &str) -> Self {
        let this = env::current_exe().unwrap();
        let mut command = match wrapper {
            [] => Command::new(this),
            [program, arguments @ ..] => {
                let mut command = Command::new(program);
                command.args(arguments).arg(this);
                command
            }
        };
        command.args(["--exact", test, "--nocapture"]).env(ARGUMENT, argument);
        // Its own report of a test would be counted beside that of the test which it is part of.
        Self(command.stdin(Stdio::piped()).stdout(Stdio::null()).spawn().unwrap())
    }

    /// Sends a signal, by name.
    pub(crate) fn signal(&self, name: &str) {
        let id = self.0.id().to_string();
        assert!(Command::new("kill").args(["-s", name, &id]).status().unwrap().success());
    }

    /// Closes its standard input and waits for its end.
    pub(crate) fn end(mut self) -> ExitStatus {
        self.0.wait().unwrap()
    }
}

impl Drop for Second {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}
