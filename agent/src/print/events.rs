//! The names of all events, as `gossip run --json` prints them. Scripts rely on them: a name is added, never changed.

use super::quoted;

/// Every name and what it says, in alphabetical order.
pub(crate) const ALL: [(&str, &str); 35] = [
    ("cleared", "A member that was suspected has shown that it lives."),
    ("conflict", "Two nodes use one id; a warning."),
    ("down", "A member was declared dead."),
    ("duplicate_id", "Another node runs under this node's name, and this one gives way; a warning."),
    ("epoch_bumped", "The cluster knew this node under a later epoch, and it goes on above that."),
    ("foreign_cluster", "A node of another cluster sends datagrams, which are ignored; a warning."),
    ("id_in_use", "Another node uses this node's name at another address; a warning."),
    ("joined", "This node has the whole view of its cluster."),
    ("lagged", "Lines or user events are missing here: the note says how many."),
    ("leave_done", "Others know that this node leaves."),
    ("left", "A member has left."),
    ("local_pause", "This node itself was paused."),
    ("member_observed", "A member's datagrams come from an address that it does not advertise; a warning."),
    ("narrow_path", "Datagrams as large as configured do not pass; a warning."),
    ("not_sealed", "A node speaks in the clear, and this one hears sealed datagrams alone; a warning."),
    ("observed_address", "Others see this node at an address that it does not advertise; a warning."),
    ("other", "Something that this program has no name for: the note says what."),
    ("reachable", "This node reaches a member again."),
    ("reaped", "A member that was dead or had left is forgotten."),
    ("reloaded", "The configuration was read again: the note says what has changed."),
    ("same_address", "Two live members advertise one address; a warning."),
    ("started", "This node runs: the note says where it can be asked."),
    ("state", "A member has published something: the note has all its tags."),
    ("stopped", "This node has left, or ends: the note says how."),
    ("suspected", "A member does not answer, and is dead unless it refutes that in time."),
    ("unknown_key", "A node seals its datagrams with a key with which this node opens none; a warning."),
    ("unreachable", "This node does not reach a member."),
    ("up", "A member has come, or come back."),
    ("updated", "A member's address, locality or health has changed."),
    ("user_event", "A member has sent an event to all: the note has its name and payload."),
    ("value", "A key of the cluster was set or deleted: the note says which."),
    ("value_conflict", "Two members set one key of the cluster at the same time, and one of them has lost."),
    ("warning", "Something that an operator should look at: the note says what."),
    ("zone_quarantined", "Nobody in a zone answers, and none of its members is accused for now; a warning."),
    ("zone_released", "A quarantine has ended: the zone answers again, or has been silent for too long."),
];

/// Whether this is one of them.
pub(crate) fn is_known(name: &str) -> bool {
    ALL.iter().any(|&(known, _)| known == name)
}

/// A name as it is given; one that is none of them is told the one that is written most like it.
pub(crate) fn name(text: &str) -> Result<String, String> {
    if is_known(text) {
        return Ok(text.to_owned());
    }
    let distance = |known: &str| strsim::damerau_levenshtein(known, text);
    let nearest = ALL.iter().map(|&(known, _)| known).min_by_key(|known| distance(known)).unwrap_or("up");
    Err(format!("there is no event {}; did you mean {nearest}?", quoted(text)))
}

#[cfg(test)]
#[test]
fn the_documentation_has_every_event_and_what_it_says() {
    let rows: String = ALL.iter().map(|(name, meaning)| format!("| `{name}` | {meaning} |\n")).collect();
    let table = format!("| event | what has happened |\n|---|---|\n{rows}\n");
    let page = concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/src/handlers.md");
    let page = std::fs::read_to_string(page).unwrap();
    assert!(page.contains(&table), "docs/src/handlers.md needs this table:\n{table}");
}
