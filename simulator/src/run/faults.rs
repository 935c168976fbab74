//! What a scenario does to hosts, as a recording tells it.

use super::Run;
use crate::{
    engine::HostId,
    measure,
    record::Fault,
    scenario::{Action, Direction, Event},
};

impl Run<'_> {
    /// An event happens to these hosts.
    pub(super) fn tell_fault(&mut self, event: &Event, hosts: &[HostId]) {
        let Some((word, one, several)) = words(event) else { return };
        let at = self.world.now();
        let Some(recorder) = self.world.watch.recorder.as_mut().filter(|_| !hosts.is_empty()) else { return };
        let lasts = event.lasts().map_or_else(String::new, |lasts| {
            let seconds = measure::seconds(lasts);
            format!(" for {seconds} s")
        });
        let mut hosts = hosts.to_vec();
        hosts.sort_unstable();
        recorder.fault(Fault {
            word,
            at,
            to: event.lasts().map(|lasts| at + lasts),
            hosts,
            text: (format!("{one}{lasts}"), format!("{several}{lasts}")),
        });
    }

    /// A cut begins, in these ways.
    pub(super) fn tell_cut(&mut self, event: &Event, ways: &[(Vec<HostId>, Vec<HostId>)]) {
        // The first way begins at those whom the cut is about, or ends there.
        let Some((from, to)) = ways.first() else { return };
        let who = if event.direction == Direction::Inbound { to } else { from };
        self.tell_fault(event, who);
    }
}

/// The word of an event, and what it is, of one host and of several; none for what harms nobody.
fn words(event: &Event) -> Option<(&'static str, &'static str, &'static str)> {
    Some(match event.action {
        Action::Crash => ("crash", "crashes", "crash"),
        Action::Restart => ("restart", "restarts, after it was down", "restart, after they were down"),
        Action::Pause | Action::AnnouncedPause => ("pause", "pauses", "pause"),
        Action::BlockIo => ("block-io", "is cut from its socket", "are cut from their sockets"),
        Action::Slow => ("slow", "is slow", "are slow"),
        Action::Drift => ("drift", "has a clock that goes wrong", "have clocks that go wrong"),
        Action::Join => ("join", "joins", "join"),
        Action::Rejoin => ("rejoin", "joins again", "join again"),
        Action::Leave => ("leave", "leaves", "leave"),
        Action::Cut if event.rule(Vec::new(), Vec::new()).loss < 1.0 => {
            ("bad-link", "has bad links", "have bad links")
        }
        Action::Cut => match event.direction {
            Direction::Both => ("cut", "is cut off", "are cut off"),
            Direction::Outbound => ("mute", "is not heard", "are not heard"),
            Direction::Inbound => ("deaf", "hears nothing", "hear nothing"),
        },
        Action::ForgeDeath => ("forge-death", "is said to be dead, falsely", "are said to be dead, falsely"),
        Action::ForgeLeave => {
            ("forge-leave", "is said to have left, falsely", "are said to have left, falsely")
        }
        Action::ForgeClaims => (
            "forge-claims",
            "is said to have moved and restarted and to be ill, falsely",
            "are said to have moved and restarted and to be ill, falsely",
        ),
        Action::ForgeWords => {
            ("forge-words", "is said to have said what it did not", "are said to have said what they did not")
        }
        Action::Flood => ("flood", "gets datagrams of who has no key", "get datagrams of who has no key"),
        Action::Replay => ("replay", "gets recorded datagrams again", "get recorded datagrams again"),
        Action::Poison => {
            ("poison", "is told the last counters of members", "are told the last counters of members")
        }
        Action::Restore => ("restore", "goes on from a snapshot", "go on from snapshots"),
        Action::Clone => ("clone", "is copied", "are copied"),
        Action::ForgeJoin => ("forge-join", "is asked by non-members that do not exist", "are asked by such"),
        Action::Update
        | Action::Publish
        | Action::Withdraw
        | Action::Event
        | Action::Pulse
        | Action::Value
        | Action::DeleteValue
        | Action::Keys
        | Action::Sign
        | Action::Snapshot
        | Action::Audit
        | Action::Watch => return None,
    })
}
