//! What signed claims cost: to sign one, to verify one, and to hear one that is known.
//!
//! `cargo bench -p gossip-core --features identity --bench identity`

#![allow(clippy::expect_used, reason = "a benchmark that cannot be set up should say why")]

use divan::{Bencher, black_box};
use gossip_core::{
    Certificate, Claim, ClusterName, Heard, Identity, Incarnation, Locality, PublicKey, Record, SigningKey,
    Trust, Versions,
};

fn main() {
    divan::main();
}

fn key(n: u8) -> SigningKey {
    let mut bytes = [n; 32];
    bytes[0] = !n;
    SigningKey::from_bytes(&bytes).expect("a key")
}

fn cluster() -> ClusterName {
    ClusterName::named("bench").expect("a name")
}

fn claim(refutation: u32) -> Claim {
    let epoch = 1_700_000_000;
    let address = ([10, 0, 0, 1], 7946).into();
    let identity = Identity { id: key(1).public().own_id(), epoch, address, locality: Locality::default() };
    let record = Record::new(identity, Versions::OURS);
    Claim::of(&record.with_incarnation(Incarnation { epoch, refutation }))
}

#[divan::bench]
fn sign_a_claim(bencher: Bencher<'_, '_>) {
    let (cluster, key, claim) = (cluster(), key(1), claim(0));
    bencher.bench(|| black_box(&claim).sign(cluster, &key));
}

#[divan::bench]
fn verify_a_claim(bencher: Bencher<'_, '_>) {
    let (cluster, key, claim) = (cluster(), key(1), claim(0));
    let signature = claim.sign(cluster, &key);
    let public = key.public();
    bencher.bench(|| assert!(black_box(&claim).verify(cluster, &public, &signature)));
}

#[divan::bench]
fn hear_a_later_claim(bencher: Bencher<'_, '_>) {
    let (cluster, key, known, news) = (cluster(), key(1), claim(0), claim(1));
    let (public, signature) = (key.public(), news.sign(cluster, &key));
    bencher.bench(|| {
        assert_eq!(black_box(&known).hear(cluster, &public, black_box(&news), &signature), Heard::Later);
    });
}

#[divan::bench]
fn hear_an_equal_claim(bencher: Bencher<'_, '_>) {
    let (cluster, key, known) = (cluster(), key(1), claim(0));
    let (public, signature) = (key.public(), known.sign(cluster, &key));
    bencher.bench(|| {
        assert_eq!(black_box(&known).hear(cluster, &public, black_box(&known), &signature), Heard::Known);
    });
}

#[divan::bench]
fn read_a_public_key(bencher: Bencher<'_, '_>) {
    let bytes = key(1).public().to_bytes();
    bencher.bench(|| PublicKey::from_bytes(black_box(bytes)).expect("a key"));
}

#[divan::bench]
fn vouch_for_an_own_id(bencher: Bencher<'_, '_>) {
    let (cluster, key) = (cluster(), key(1).public());
    let id = key.own_id();
    bencher.bench(|| Trust::Own.vouch(cluster, id, black_box(&key), 1, None));
}

#[divan::bench]
fn vouch_by_a_certificate(bencher: Bencher<'_, '_>) {
    let (cluster, key, authority) = (cluster(), key(1).public(), key(2));
    let certificate = Certificate::issue(&authority, cluster, key.own_id(), &key, u32::MAX);
    let trust = Trust::Authority(authority.public());
    bencher.bench(|| {
        assert!(trust.vouch(cluster, key.own_id(), black_box(&key), 1, Some(&certificate)).is_ok());
    });
}
