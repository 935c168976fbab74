use super::*;
use crate::{Engine, Restored, testing::FakeTransport, view_file::ViewFile};
use gossip_core::{
    Certificate, ClusterName, Config, Distrust, Identity, Instant, Locality, NodeId, Record, SigningKey,
    Trust, Versions,
};
use std::{io::ErrorKind, time::SystemTime};

fn key(n: u8) -> SigningKey {
    SigningKey::from_bytes(&std::array::from_fn(|i| n ^ i as u8)).unwrap()
}

fn cluster() -> ClusterName {
    ClusterName::named("signing").unwrap()
}

/// Credentials of an authority, with a certificate for `id` up to an epoch.
fn certified(id: NodeId, last_epoch: u32, signing: Signing) -> Credentials {
    let certificate = Certificate::issue(&key(9), cluster(), id, &key(1).public(), last_epoch);
    let trust = Trust::Authority(key(9).public());
    Credentials { key: key(1), certificate: Some(certificate), trust, signing }
}

fn own(signing: Signing) -> Credentials {
    Credentials { key: key(1), certificate: None, trust: Trust::Own, signing }
}

fn options() -> Options {
    Options::new("node", Config::lan(cluster()))
}

fn start(options: Options) -> Result<(Handle, Engine), StartError> {
    Engine::start(options, ([127, 0, 0, 1], 7946).into(), || Instant::ZERO)
}

fn id() -> NodeId {
    NodeId::from_name("node").unwrap()
}

#[test]
fn a_node_begins_with_the_credentials_that_it_is_given() {
    let (plain, _engine) = start(options()).unwrap();
    assert_eq!(plain.signing(), SigningView { signing: None, not_signed: 0 });
    let with = |credentials| options().with(|o| o.credentials = Some(credentials));
    let (node, _engine) = start(with(certified(id(), u32::MAX >> 1, Signing::Accept))).unwrap();
    assert_eq!((node.id(), node.signing().signing), (id(), Some(Signing::Accept)));
    assert!(lock(&node.0.node).has_signed(id()));
    let (node, _engine) = start(with(own(Signing::Require))).unwrap();
    assert_eq!((node.id(), node.signing().signing), (key(1).public().own_id(), Some(Signing::Require)));
}

#[test]
fn a_node_does_not_start_with_a_key_that_may_not_speak_for_it() {
    let other = NodeId::from_name("other").unwrap();
    for (credentials, said) in [
        (certified(other, u32::MAX >> 1, Signing::Require), "the certificate is"),
        (certified(id(), 1_000, Signing::Require), "epoch"),
        (Credentials { certificate: None, ..certified(id(), 1, Signing::Require) }, "have the authority"),
    ] {
        let options = options().with(|o| o.credentials = Some(credentials));
        for refused in [options.check().unwrap_err(), start(options).unwrap_err()] {
            assert!(
                matches!(refused, StartError::Credentials(CredentialsError::Distrusted(_))),
                "{refused:?}"
            );
            let text = refused.to_string();
            assert!(
                text.starts_with("others would not believe this node: ") && text.contains(said),
                "{text}"
            );
        }
    }
}

#[test]
fn a_running_node_takes_credentials_that_fit_and_a_stopped_one_none() {
    let (node, engine) = start(options()).unwrap();
    let refused = SetIdentityError::Credentials(CredentialsError::Distrusted(Distrust::NotItsId {
        own: key(1).public().own_id(),
    }));
    assert_eq!(node.set_identity(own(Signing::Accept), false), Err(refused));
    assert_eq!(node.signing().signing, None);
    let certified = |signing| certified(id(), u32::MAX >> 1, signing);
    assert_eq!(node.set_identity(certified(Signing::Accept), false), Ok(()));
    let restored = handle_restore(&node);
    assert_eq!((restored, node.signing().not_signed), (1, 1));
    let refused = SetIdentityError::Credentials(CredentialsError::NotSigned { members: 1 });
    assert_eq!(node.set_identity(certified(Signing::Require), false), Err(refused));
    assert_eq!(node.signing().signing, Some(Signing::Accept));
    assert_eq!(node.set_identity(certified(Signing::Require), true), Ok(()));
    assert_eq!(node.signing().signing, Some(Signing::Require));
    drop(engine);
    assert_eq!(node.set_identity(certified(Signing::Accept), true), Err(SetIdentityError::Stopped));
}

fn member() -> Record {
    let address = ([127, 0, 0, 2], 7946).into();
    let id = NodeId::from_name("member").unwrap();
    Record::new(Identity { id, epoch: 7, address, locality: Locality::default() }, Versions::OURS)
}

fn handle_restore(node: &Handle) -> usize {
    let restored = node.0.step::<()>(|node, now, out| Ok(node.restore(now, &[member()], out)));
    assert_eq!(restored, Some(Ok(())));
    node.len()
}

#[test]
fn where_signatures_are_required_a_kept_view_is_asked_and_not_believed() {
    let folder = tempfile::TempDir::new().unwrap();
    let path = folder.path().join("view");
    ViewFile::new(&path, cluster()).write(SystemTime::now(), &[member()]).unwrap();
    for (signing, known) in [(Signing::Accept, 1), (Signing::Require, 0)] {
        let credentials = certified(id(), u32::MAX >> 1, signing);
        let options = options().with(|o| {
            o.credentials = Some(credentials);
            o.view_file = Some(path.clone());
        });
        let (node, mut engine) = start(options).unwrap();
        assert!(matches!(node.restored(), Restored::Members(1)) && node.len() == known, "{signing}");
        let receive_error = Some(ErrorKind::WouldBlock);
        let mut transport = FakeTransport { receive_error, ..FakeTransport::default() };
        let _ = engine.turn(&mut transport);
        assert!(!transport.sent.is_empty() && !node.is_joined(), "{signing}: it asks the member of the file");
    }
}
