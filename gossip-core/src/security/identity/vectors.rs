//! Keys, ids and signatures that another implementation has made: `checks/interop/identity.py`, which shares no code with this.

use super::{
    certificate::Certificate,
    claim::Claim,
    error::IdentityError,
    key::{PublicKey, SigningKey},
    text::{KEY, SIGNATURE},
};
use crate::vocabulary::{
    config::ClusterName,
    record::{Accusation, Health, Identity, Incarnation, Locality, NodeId, Record, Status, Versions},
};
use core::net::IpAddr;
use std::{
    collections::BTreeMap,
    fs,
    str::FromStr,
    string::{String, ToString as _},
    vec::Vec,
};

const FILE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../checks/interop/identity.txt");

/// A line: names with their values.
struct Vector(BTreeMap<String, String>);

impl Vector {
    fn text(&self, name: &str) -> &str {
        self.0.get(name).unwrap_or_else(|| panic!("no {name}"))
    }

    fn parsed<T: FromStr<Err: core::fmt::Debug>>(&self, name: &str) -> T {
        self.text(name).parse().unwrap()
    }

    fn hex(&self, name: &str) -> Vec<u8> {
        let (pairs, rest) = self.text(name).as_bytes().as_chunks::<2>();
        assert!(rest.is_empty());
        pairs
            .iter()
            .map(|pair| u8::from_str_radix(core::str::from_utf8(pair).unwrap(), 16).unwrap())
            .collect()
    }

    fn bytes<const N: usize>(&self, name: &str) -> [u8; N] {
        self.hex(name).try_into().unwrap()
    }

    fn signing_key(&self) -> SigningKey {
        SigningKey::from_bytes(&self.bytes::<KEY>("secret")).unwrap()
    }

    fn cluster(&self) -> ClusterName {
        ClusterName { tag: 0, key: u64::from_be_bytes(self.bytes("cluster")) }
    }

    fn incarnation(&self) -> Incarnation {
        Incarnation { epoch: self.parsed("epoch"), refutation: self.parsed("refutation") }
    }

    fn claim(&self) -> Claim {
        let ip = self.hex("ip");
        let ip = <[u8; 4]>::try_from(&ip[..]).map_or_else(|_| self.bytes::<16>("ip").into(), IpAddr::from);
        let identity = Identity {
            id: self.parsed("id"),
            epoch: self.parsed("epoch"),
            address: (ip, self.parsed("port")).into(),
            locality: Locality {
                region: self.parsed("region"),
                zone: self.parsed("zone"),
                rack: self.parsed("rack"),
            },
        };
        let versions = Versions { min: self.parsed("min"), max: self.parsed("max") };
        let health = Health::from_u8(self.parsed("health")).unwrap();
        let status = if self.text("left") == "1" { Status::Left } else { Status::Alive };
        let record = Record::new(identity, versions)
            .with_incarnation(self.incarnation())
            .with_status(status)
            .with_state(self.parsed("state"), health, self.parsed("pause"));
        Claim::of(&record)
    }
}

/// All lines of a kind; there are some.
fn vectors(kind: &str) -> Vec<Vector> {
    let text = fs::read_to_string(FILE).unwrap();
    let found: Vec<_> = text
        .lines()
        .filter_map(|line| line.strip_prefix(kind)?.strip_prefix(' '))
        .map(|values| {
            let values = values.split(' ').map(|value| value.split_once('=').unwrap());
            Vector(values.map(|(name, value)| (name.to_string(), value.to_string())).collect())
        })
        .collect();
    assert!(!found.is_empty(), "{kind}");
    found
}

#[test]
fn keys_have_the_ids_that_another_implementation_gives_them() {
    for vector in vectors("key") {
        let public = vector.signing_key().public();
        assert_eq!(public.to_bytes(), vector.bytes::<KEY>("public"));
        assert_eq!(public.own_id(), vector.parsed::<NodeId>("id"));
        assert_eq!(PublicKey::from_bytes(public.to_bytes()), Ok(public));
    }
}

#[test]
fn weak_keys_and_keys_in_another_form_are_refused() {
    for vector in vectors("weak") {
        assert_eq!(PublicKey::from_bytes(vector.bytes("public")), Err(IdentityError::WeakKey));
    }
    for vector in vectors("none") {
        assert_eq!(PublicKey::from_bytes(vector.bytes("public")), Err(IdentityError::NoKey));
    }
}

#[test]
fn claims_have_the_signatures_that_another_implementation_makes() {
    for vector in vectors("claim") {
        let (key, claim, cluster) = (vector.signing_key(), vector.claim(), vector.cluster());
        let signature = vector.bytes::<SIGNATURE>("signature");
        assert_eq!(claim.sign(cluster, &key), signature, "{claim:?}");
        assert!(claim.verify(cluster, &key.public(), &signature), "{claim:?}");
    }
    for vector in vectors("forged") {
        let (key, claim, cluster) = (vector.signing_key(), vector.claim(), vector.cluster());
        assert!(!claim.verify(cluster, &key.public(), &vector.bytes("signature")), "{claim:?}");
    }
}

#[test]
fn accusations_have_the_signatures_that_another_implementation_makes() {
    for vector in vectors("accusation") {
        let (key, cluster) = (vector.signing_key(), vector.cluster());
        let (target, accuser) = (vector.parsed("target"), vector.parsed("accuser"));
        let accusation = Accusation { target, incarnation: vector.incarnation(), accuser };
        let signature = vector.bytes::<SIGNATURE>("signature");
        assert_eq!(accusation.sign(cluster, &key), signature, "{accusation:?}");
        assert!(accusation.verify(cluster, &key.public(), &signature), "{accusation:?}");
    }
}

#[test]
fn certificates_are_those_that_another_implementation_issues() {
    for vector in vectors("certificate") {
        let (authority, cluster, id) = (vector.signing_key(), vector.cluster(), vector.parsed("id"));
        let key = PublicKey::from_bytes(vector.bytes("public")).unwrap();
        let last_epoch = vector.parsed("last");
        let certificate = Certificate::parse(vector.text("text")).unwrap();
        assert_eq!(Certificate::issue(&authority, cluster, id, &key, last_epoch), certificate);
        assert_eq!(certificate.to_string(), vector.text("text"));
        assert_eq!(certificate.check(&authority.public(), cluster, id, &key, last_epoch), Ok(()));
    }
}
