//! The forger writes what PROTOCOL.md shows, byte by byte, as the core does.

use gossip_core::{Health, Identity, Incarnation, Locality, NodeId, Record, Status, Versions};
use std::net::SocketAddr;
use testkit::{
    forge::{self, Section},
    id,
};

/// The bytes below a name in the document's blocks of `vectors`, in hexadecimal; what follows two spaces is a comment.
fn shown(document: &str, name: &str) -> String {
    let after = document.split_once(&format!("\n{name}:\n")).map(|(_, after)| after);
    let lines =
        after.unwrap_or_default().lines().take_while(|line| !line.ends_with(':') && !line.starts_with("```"));
    lines.flat_map(|line| line.trim_start().split("  ").next()).flat_map(|bytes| bytes.split(' ')).collect()
}

fn written(sections: &[Section]) -> String {
    let bytes = sections
        .iter()
        .flat_map(|(tag, body)| [&[*tag], &(body.len() as u16).to_be_bytes()[..], body].concat());
    bytes.map(|byte| format!("{byte:02x}")).collect()
}

fn db_2(address: impl Into<SocketAddr>) -> Record {
    let locality = Locality { region: 1, zone: 2, rack: 3 };
    let identity = Identity { id: id("db-2"), epoch: 1_700_000_000, address: address.into(), locality };
    Record::new(identity, Versions::OURS)
        .with_incarnation(Incarnation { epoch: 1_700_000_000, refutation: 2 })
        .with_status(Status::Suspect)
        .with_state(300, Health::Degraded, 5)
}

#[test]
fn what_is_forged_is_what_the_document_shows() {
    const NONCE: u32 = 0xDEAD_BEE8;
    const HELPED: u32 = 0xDEAD_BEEF;
    const TOKEN: u64 = 0x1122_3344_5566_7788;
    let document = include_str!("../../../PROTOCOL.md");
    let v4 = SocketAddr::from(([10, 0, 0, 2], 7_946));
    let v6 = SocketAddr::from(([0xFD00, 0, 0, 0, 0, 0, 0, 2], 7_946));
    let (target, accuser): (NodeId, NodeId) = (id("db-2"), id("db-1"));
    let records = || forge::records(&[db_2(v4)], 250);
    let accusations =
        || forge::accusations(target, Incarnation { epoch: 1_700_000_000, refutation: 2 }, &[accuser]);
    let mut sums: [u64; 16] = std::array::from_fn(|at| at as u64);
    sums[6] = 0x0102_0304_0506_0708;
    for (name, sections) in [
        ("ping", vec![forge::ping(NONCE, target)]),
        ("ack", vec![forge::ack(NONCE)]),
        ("ping request", vec![forge::ping_request(HELPED, target)]),
        ("relayed ack", vec![forge::relayed_ack(HELPED)]),
        ("nack", vec![forge::nack(HELPED)]),
        ("join", vec![forge::join(NONCE, 0, &db_2(v6))]),
        ("challenge", vec![forge::challenge(NONCE, TOKEN)]),
        ("welcome", vec![forge::welcome(NONCE, 1_000), records()]),
        ("busy", vec![forge::busy(NONCE, &[v4, v6])]),
        ("busy, for a fetch", vec![forge::busy(NONCE, &[])]),
        ("fetch", vec![forge::fetch(NONCE, TOKEN, (1, 2), 0x1FFF_FFFF, 4)]),
        ("page", vec![forge::page(NONCE, (1, 2), (0x8000_0000, 3), false)]),
        (
            "page, the last, without members",
            vec![forge::page(NONCE, (0x8000_0000, 3), (0x8000_0000, 3), true)],
        ),
        ("pull", vec![forge::pull()]),
        ("sifted", vec![forge::sifted(NONCE), records()]),
        ("repair", vec![forge::repair(), records()]),
        ("observed", vec![forge::observed(0, v4)]),
        ("limit, and a pull", vec![forge::limit(1_052), forge::pull()]),
        ("rumor", vec![records(), accusations()]),
        ("digest", vec![forge::digest(0, 0xC000_0000, Some(5), sums)]),
        ("digest of level 2", vec![forge::digest(2, 0xC6ED_78EE, None, sums)]),
        ("list of level 7, empty", vec![forge::list(7, 0xC6ED_78EE, 0, &[])]),
        ("request", vec![forge::requests(&[target])]),
        ("sieve", vec![forge::sieve(NONCE, 0x8000_0000, u32::MAX, &[0x01, 0x28])]),
    ] {
        assert_eq!(written(&sections), shown(document, name), "{name}");
    }
}

#[test]
fn a_property_that_fails_is_passed_on_at_its_first_failing_seed() {
    let mut tried = vec![];
    let property = std::panic::AssertUnwindSafe(|| {
        testkit::across_seeds(3..9, |seed| {
            tried.push(seed);
            assert!(seed < 5, "seed {seed} fails");
        });
    });
    let panic = std::panic::catch_unwind(property).expect_err("the property fails");
    assert_eq!(panic.downcast_ref::<String>().map(String::as_str), Some("seed 5 fails"));
    assert_eq!(tried, [3, 4, 5]);
}
