//! Commands that run when something happens.

use crate::process::Running;
use serde_json::Value;
use std::{fs, thread, time::Duration};
use tempfile::TempDir;

/// What a file holds, once it holds a whole line.
fn line_of(path: &std::path::Path) -> String {
    for _ in 0..1_200 {
        match fs::read_to_string(path) {
            Ok(text) if text.ends_with('\n') => return text,
            _ => thread::sleep(Duration::from_millis(50)),
        }
    }
    panic!("{} is not written", path.display())
}

#[test]
fn a_command_gets_what_happened_as_data_and_never_as_a_command() {
    let place = TempDir::new().unwrap();
    let (event, variables, trap) =
        (place.path().join("event"), place.path().join("variables"), place.path().join("trap"));
    // Written as a whole, so that what is read is not the half of it.
    let write =
        |what: &str, path: &std::path::Path| format!("{what} > {0}.new; mv {0}.new {0}", path.display());
    let on = format!("state={}", write("cat", &event));
    let again = format!(
        "state={}",
        write("echo \"$GOSSIP_EVENT $GOSSIP_MEMBER $GOSSIP_MEMBER_ADDRESS\"", &variables)
    );
    let (_a, address) = Running::node("a", "handled", &["--on", &on, "--on", &again]);
    let name = format!("b$(touch {})", trap.display());
    let (_b, b_address) = Running::node(&name, "handled", &["--join", &address]);
    let told: Value = serde_json::from_str(&line_of(&event)).unwrap();
    assert_eq!((&told["event"], &told["name"]), (&"state".into(), &Value::from(name.clone())));
    assert_eq!(line_of(&variables), format!("state {name} {b_address}\n"));
    assert!(!trap.exists(), "a name was run as a command");
}

#[test]
fn a_command_for_one_that_comes_gets_the_name_that_arrives_later() {
    let place = TempDir::new().unwrap();
    let (events, up) = (place.path().join("events"), place.path().join("up"));
    let on = format!(
        "up=cat > {0}.new; mv {0}.new {0}; echo \"$GOSSIP_MEMBER\" > {1}.new; mv {1}.new {1}",
        events.display(),
        up.display()
    );
    let (a, address) = Running::node("a", "named", &["--on", &on]);
    let (_b, _) = Running::node("b", "named", &["--join", &address]);
    assert_eq!(line_of(&up), "b\n");
    let told: Value = serde_json::from_str(&line_of(&events)).unwrap();
    assert_eq!((&told["event"], &told["name"]), (&"up".into(), &"b".into()));
    // Whoever reads the output is told at once.
    assert_eq!(a.event("up")["id"], told["id"]);
}

#[test]
fn a_command_that_fails_is_warned_of_in_the_log_and_in_the_events() {
    let (a, _) = Running::node("a", "failing", &["--on", "started=echo broken >&2; exit 3"]);
    let warning = a.event("warning");
    let note = warning["note"].as_str().unwrap();
    assert!(note.contains("for started") && note.contains("exit status: 3 (broken)"), "{note}");
    assert!(warning["at"].is_string());
    let logged = a.warning("exit status: 3 (broken)");
    assert!(logged.starts_with("20") && logged.contains(" WARN gossip: "), "{logged}");
}

#[test]
fn a_command_that_hangs_is_killed_and_holds_nothing_up() {
    let place = TempDir::new().unwrap();
    let pid = place.path().join("pid");
    // What it starts is killed, too.
    let hang = format!("started=sleep 1000 & echo $! > {}; wait", pid.display());
    let (mut a, address) = Running::node("a", "hanging", &["--on-timeout", "300ms", "--on", &hang]);
    let (b, _) = Running::node("b", "hanging", &["--join", &address]);
    b.event("up");
    a.warning("was killed, since it took longer than 300ms");
    let pid = line_of(&pid).trim().to_owned();
    for _ in 0..1_200 {
        // A zombie is dead, too, where nobody waits for it.
        let state = fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
        if state.is_empty() || state.contains(") Z ") {
            break;
        }
        thread::sleep(Duration::from_millis(50));
    }
    let state = fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
    assert!(state.is_empty() || state.contains(") Z "), "{state}");
    a.signal("TERM");
    assert!(a.end().success());
}
