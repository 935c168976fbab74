use super::*;
use gossip_core::{ClusterName, Distrust, SigningKey};
use std::{error::Error as _, fs};

fn signing(n: u8) -> SigningKey {
    SigningKey::from_bytes(&std::array::from_fn(|i| n ^ i as u8)).unwrap()
}

fn key(n: u8) -> PublicKey {
    signing(n).public()
}

fn id(name: &str) -> NodeId {
    NodeId::from_name(name).unwrap()
}

fn vouched(keys: &TrustedKeys, id: NodeId, key: &PublicKey) -> Result<(), Distrust> {
    keys.trust().vouch(ClusterName::named("c").unwrap(), id, key, 1, None)
}

/// A list with this text, and its folder, gone after the test.
fn listed(text: impl AsRef<[u8]>) -> (TrustSource, PathBuf, tempfile::TempDir) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("members");
    fs::write(&path, text).unwrap();
    set_mode(&path, 0o644);
    (TrustSource::List(path.clone()), path, folder)
}

#[cfg(unix)]
fn set_mode(path: &Path, mode: u32) {
    use std::os::unix::fs::PermissionsExt as _;
    fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
}

#[cfg(not(unix))]
fn set_mode(_: &Path, _: u32) {}

#[test]
fn a_source_is_own_an_authoritys_key_or_a_path() {
    assert_eq!("own".parse(), Ok(TrustSource::Own));
    assert_eq!(key(1).to_string().parse(), Ok(TrustSource::Authority(key(1))));
    for path in ["./own", "/etc/gossip/members", "Own"] {
        assert_eq!(path.parse(), Ok(TrustSource::List(path.into())));
    }
    let authority = TrustSource::Authority(key(1)).load().unwrap();
    assert_eq!(authority.trust(), Trust::Authority(key(1)));
    let own = TrustSource::Own.load().unwrap();
    assert_eq!(vouched(&own, key(1).own_id(), &key(1)), Ok(()));
    assert!(vouched(&own, id("db-1"), &key(1)).is_err());
}

#[test]
fn a_text_that_is_no_source_is_refused_and_a_secret_not_repeated() {
    let text = key(1).to_string();
    let refused = text[..text.len() - 1].parse::<TrustSource>().unwrap_err();
    assert!(refused.to_string().contains("64 hexadecimal digits"), "{refused}");
    let digits = &text["gossip-node-1-".len()..];
    for prefix in ["gossip-identity-1-", "gossip-key-1-"] {
        let refused = format!("{prefix}{digits}").parse::<TrustSource>().unwrap_err();
        assert_eq!(refused, ParseTrustError::Secret);
        assert!(refused.to_string().contains("make another key"), "{refused}");
    }
    let error = TrustSource::List(format!("gossip-identity-1-{digits}").into()).load().unwrap_err();
    assert!(error.to_string().contains("give the path"), "{error}");
    assert!(!format!("{error} {error:?}").contains(&digits[..10]), "{error:?}");
}

#[test]
fn a_list_is_read_in_any_order_by_id_and_by_name() {
    let names = ["db-1", "db 2", "db-3", "db-4"];
    let mut lines: Vec<String> =
        names.iter().zip(1..).map(|(name, n)| format!("name:{name} {}", key(n))).collect();
    lines[2] = format!("  {}\t{}  # db-3\r", id("db-3"), key(3));
    lines.insert(1, "# comment\n".into());
    let forward = listed(lines.join("\n")).0.load().unwrap();
    lines.reverse();
    let backward = listed(lines.join("\n") + "\n").0.load().unwrap();
    assert_eq!(forward, backward);
    assert_eq!(backward.leak(), forward.trust());
    for (name, n) in names.iter().zip(1..) {
        assert_eq!(vouched(&forward, id(name), &key(n)), Ok(()), "{name}");
        assert_eq!(vouched(&forward, id(name), &key(n + 1)), Err(Distrust::OtherKey), "{name}");
    }
    assert_eq!(vouched(&forward, id("db-5"), &key(1)), Err(Distrust::NotListed));
}

#[test]
fn a_list_that_cannot_be_used_is_refused_with_its_line_and_what_to_do() {
    let (one, other) = (key(1), key(2));
    let secret = format!("gossip-identity-1-{}", &one.to_string()["gossip-node-1-".len()..]);
    let db_1 = id("db-1");
    for (text, said) in [
        (String::new(), "has no node: add all"),
        (format!("# {db_1} {one}"), "has no node: add all"),
        (format!("\n{one}"), "line 2: a line is an id, or name:"),
        (format!("{db_1}"), "line 1: a line is an id, or name:"),
        (format!("db-1 {one}"), "line 1: a node id is 13 characters"),
        (format!("name: {one}"), "line 1: a name has 1 to 255 bytes"),
        (format!("{db_1} {one}0"), "line 1: a public key is gossip-node-1-"),
        (format!("{db_1} {secret}"), "line 1: a public key is gossip-node-1-"),
        (format!("{db_1} {one}\n\n{db_1} {other}"), "line 3: line 1 is of"),
        (format!("name:db-1 {one}\nname:db-2 {other}\n{db_1} {one}"), "line 3: line 1 is of"),
    ] {
        let (list, path, _folder) = listed(&text);
        let error = list.load().unwrap_err();
        assert!(error.to_string().contains(said), "{error}");
        assert!(error.to_string().contains(path.to_str().unwrap()), "{error}");
        assert!(!format!("{error} {error:?}").contains(&secret[20..30]), "{error:?}");
    }
    assert!(listed(b"\xFF").0.load().unwrap_err().to_string().contains("line 1: a line is"));
    let missing = TrustSource::List("/dev/null/members".into()).load().unwrap_err();
    assert!(missing.to_string().starts_with("cannot read the list of keys") && missing.source().is_some());
}

#[test]
fn a_list_has_no_more_nodes_than_a_cluster_and_is_no_longer() {
    let text: String = (1..=3).map(|n| format!("name:db-{n} {}\n", key(n))).collect();
    assert_eq!(list(Path::new("x"), text.as_bytes(), 3).unwrap().len(), 3);
    let error = list(Path::new("x"), text.as_bytes(), 2).unwrap_err();
    assert!(matches!(error, TrustError::TooMany { most: 2, .. }), "{error}");
    assert!(error.to_string().contains("2 nodes at the most: use an authority"), "{error}");
    let (list, path, _folder) = listed("");
    fs::File::options()
        .write(true)
        .open(&path)
        .unwrap()
        .set_len(TrustSource::MAX_LIST_BYTES as u64 + 1)
        .unwrap();
    assert!(list.load().unwrap_err().to_string().contains("is longer than 134217728 bytes"));
}

#[cfg(unix)]
#[test]
fn a_list_that_others_may_write_is_refused_others_may_read_it() {
    let (list, path, _folder) = listed(format!("name:db-1 {}", key(1)));
    for mode in [0o664, 0o646, 0o620] {
        set_mode(&path, mode);
        let said = list.load().unwrap_err().to_string();
        assert!(said.contains(&format!("`chmod go-w {}`", path.display())), "{said}");
        assert!(said.contains("others than its owner may write the list of keys"), "{said}");
    }
    for mode in [0o644, 0o600, 0o444] {
        set_mode(&path, mode);
        assert!(list.load().is_ok(), "{mode:o}");
    }
}
