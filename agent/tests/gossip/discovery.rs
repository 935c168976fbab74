//! Seeds that are found while a node runs.

use crate::process::Running;
use std::{fs, net::UdpSocket, thread};
use tempfile::TempDir;

/// An answer to a question (RFC 1035, section 4): SRV records that lead to `node.test`, which is at 127.0.0.1.
fn answer(question: &[u8], port: u16) -> Vec<u8> {
    let mut end = 12;
    while question[end] != 0 {
        end += usize::from(question[end]) + 1;
    }
    let (kind, end) = (question[end + 2], end + 5);
    let record: Option<Vec<u8>> = match kind {
        1 => Some(vec![127, 0, 0, 1]),
        33 => Some([&[0, 0, 0, 0][..], &port.to_be_bytes(), b"\x04node\x04test\x00"].concat()),
        _ => None,
    };
    let mut answer =
        [&question[..2], &[0x81, 0x80, 0, 1, 0, u8::from(record.is_some()), 0, 0, 0, 0]].concat();
    answer.extend(&question[12..end]);
    if let Some(record) = record {
        // The question's name, class IN, for a minute.
        answer.extend([0xC0, 12, 0, kind, 0, 1, 0, 0, 0, 60, 0, record.len() as u8]);
        answer.extend(record);
    }
    answer
}

#[test]
fn a_node_joins_through_srv_records() {
    let (a, address) = Running::node("a", "srv", &[]);
    let port = address.rsplit(':').next().unwrap().parse().unwrap();
    let server = UdpSocket::bind("127.0.0.1:0").unwrap();
    let dns = server.local_addr().unwrap().to_string();
    thread::spawn(move || {
        let mut question = [0; 512];
        while let Ok((length, from)) = server.recv_from(&mut question) {
            let _ = server.send_to(&answer(&question[..length], port), from);
        }
    });
    let (b, _) = Running::node("b", "srv", &["--join-srv", "_gossip._udp.test.", "--dns", &dns]);
    assert_eq!(b.event("up")["address"], address);
    a.event("up");
}

#[test]
fn a_node_joins_through_a_file_once_it_names_somebody() {
    let (_a, address) = Running::node("a", "listed", &[]);
    let place = TempDir::new().unwrap();
    let file = place.path().join("seeds");
    fs::write(&file, "# nobody yet\nnowhere\n").unwrap();
    let path = file.display().to_string();
    let (b, _) = Running::node("b", "listed", &["--join-file", &path]);
    assert!(b.event("warning")["note"].as_str().unwrap().contains("line 2: a seed is HOST:PORT"));
    fs::write(&file, format!("{address} # a\n")).unwrap();
    assert_eq!(b.event("up")["address"], address);
}

#[test]
fn a_node_joins_through_a_command_that_prints_seeds() {
    let (_a, address) = Running::node("a", "commanded", &[]);
    let (b, _) = Running::node("b", "commanded", &["--join-command", &format!("echo {address}")]);
    assert_eq!(b.event("up")["address"], address);
    let (c, _) = Running::node("c", "commanded", &["--join-command", "exit 4"]);
    c.warning("exit 4 (--join-command): failed with exit status: 4");
}

#[test]
fn a_node_whose_seeds_are_to_be_found_has_joined_once_it_has() {
    let (_a, address) = Running::node("a", "awaited", &[]);
    let place = TempDir::new().unwrap();
    let file = place.path().join("seeds");
    let command = format!("cat {}", file.display());
    let (b, _) = Running::node("b", "awaited", &["--join-command", &command]);
    assert_eq!(b.next_of(&["joined", "warning"]), "warning", "there are no seeds, and nobody was joined");
    fs::write(&file, format!("{address}\n")).unwrap();
    assert_eq!(b.next_of(&["joined", "stopped"]), "joined");
    // So has one that is found before it finds anybody.
    let (c, address) = Running::node("c", "found", &["--join-command", "true"]);
    let (_d, _) = Running::node("d", "found", &["--join", &address]);
    assert_eq!(c.next_of(&["joined", "stopped"]), "joined");
}
