use super::*;
use gossip_core::{ClusterName, NodeId};
use std::fs;

fn digits(n: u8) -> String {
    (0..32).map(|i| format!("{:02x}", n ^ i)).collect()
}

fn secret(n: u8) -> String {
    format!("gossip-identity-1-{}", digits(n))
}

fn key(n: u8) -> SigningKey {
    SigningKey::parse(&secret(n)).unwrap()
}

/// An authority's certificate of a key.
fn certificate(n: u8) -> Certificate {
    let (cluster, id) = (ClusterName::named("c").unwrap(), NodeId::from_name("db-1").unwrap());
    Certificate::issue(&key(99), cluster, id, &key(n).public(), 7)
}

/// A file with this text, of which only its owner may read; and its folder, gone after the test.
fn file(text: impl AsRef<[u8]>) -> (IdentityFile, tempfile::TempDir) {
    let folder = tempfile::tempdir().unwrap();
    let file = IdentityFile::new(folder.path().join("identity"));
    fs::write(&file.path, text).unwrap();
    set_mode(&file, 0o600);
    (file, folder)
}

#[cfg(unix)]
fn set_mode(file: &IdentityFile, mode: u32) {
    use std::os::unix::fs::PermissionsExt as _;
    fs::set_permissions(&file.path, fs::Permissions::from_mode(mode)).unwrap();
}

#[cfg(not(unix))]
fn set_mode(_: &IdentityFile, _: u32) {}

#[test]
fn a_key_and_a_certificate_are_read_in_any_order() {
    let (alone, _folder) = file(format!("# db-1\n\n {} # a secret\r\n", secret(1)));
    let loaded = alone.load().unwrap();
    assert_eq!((loaded.key.public(), loaded.certificate), (key(1).public(), None));
    assert!(!format!("{loaded:?}").contains(&digits(1)[..10]), "{loaded:?}");
    let (key_line, certificate_line) = (secret(1), certificate(1).to_string());
    for text in [format!("{key_line}\n{certificate_line}"), format!("{certificate_line}\n#\n{key_line}\n")] {
        let loaded = file(text).0.load().unwrap();
        assert_eq!((loaded.key.public(), loaded.certificate), (key(1).public(), Some(certificate(1))));
    }
}

#[test]
fn a_file_that_cannot_be_used_is_refused_and_nothing_of_it_is_shown() {
    let texts = [
        (String::new(), "has no signing key: add it"),
        (certificate(1).to_string(), "has no signing key: add it"),
        (format!("{}\n\n{}", secret(1), secret(2)), "line 3: there is another one of these above it"),
        (
            format!("{}\n{}\n{}", secret(1), certificate(1), certificate(1)),
            "line 3: there is another one of these above it",
        ),
        (format!("{}\n{}", secret(1), certificate(2)), "the certificate is of another key"),
        (format!("\n{}", &secret(1)[..81]), "line 2: a signing key is gossip-identity-1-"),
        (format!("{}\ngossip-certificate-1-00", secret(1)), "line 2: a certificate is gossip-certificate-1-"),
        (format!("gossip-identity-1-{}", "11".repeat(32)), "line 1: all bytes of the signing key are equal"),
        (digits(1), "line 1: it is neither a signing key (gossip-identity-1-…) nor"),
        (format!("{}\ngossip-key-1-{}", secret(1), digits(2)), "line 2: it is neither a signing key"),
        (key(1).public().to_string(), "line 1: it is neither a signing key"),
        (" \n".repeat(IdentityFile::MAX_BYTES / 2) + " ", "longer than 65536 bytes"),
    ];
    for (text, said) in texts {
        let (file, _folder) = file(&text);
        let error = file.load().unwrap_err();
        let shown = format!("{error} {error:?}");
        assert!(error.to_string().contains(said), "{error}");
        assert!(error.to_string().contains(file.path.to_str().unwrap()), "{error}");
        assert!(!shown.contains(&digits(1)[..10]) && !shown.contains(&digits(2)[..10]), "{shown}");
    }
    let (file, _folder) = file(b"gossip-identity-1-\xFF");
    assert!(file.load().unwrap_err().to_string().contains("line 1: it is neither"));
    let longest = "\n".repeat(IdentityFile::MAX_BYTES - secret(1).len()) + &secret(1);
    assert_eq!(self::file(longest).0.load().unwrap().key.public(), key(1).public());
}

#[test]
fn a_secret_in_place_of_a_path_is_not_repeated_and_makes_no_file() {
    let file = IdentityFile::new(secret(7));
    for error in [file.load().unwrap_err(), file.create(&secret(1)).unwrap_err()] {
        assert!(error.to_string().contains("give the path"), "{error}");
        assert!(!format!("{error} {error:?}").contains(&digits(7)[..10]), "{error:?}");
    }
    assert!(!file.path.exists());
}

#[cfg(unix)]
#[test]
fn a_file_that_others_may_read_or_write_is_refused_with_what_to_do() {
    let (file, _folder) = file(secret(1));
    for mode in [0o640, 0o620, 0o604, 0o602, 0o666] {
        set_mode(&file, mode);
        let said = file.load().unwrap_err().to_string();
        assert!(said.contains(&format!("`chmod 600 {}`, and if", file.path.display())), "{said}");
        assert!(said.contains(&format!("mode {mode:o}")) && said.contains("make another key"), "{said}");
    }
    for mode in [0o600, 0o400, 0o700] {
        set_mode(&file, mode);
        assert_eq!(file.load().unwrap().key.public(), key(1).public());
    }
}

#[test]
fn a_file_is_made_for_its_owner_alone_and_never_overwritten() {
    let (existing, folder) = file("something else");
    let said = existing.create(&secret(1)).unwrap_err().to_string();
    assert!(said.contains("is not overwritten"), "{said}");
    assert_eq!(fs::read_to_string(&existing.path).unwrap(), "something else");
    let new = IdentityFile::new(folder.path().join("new"));
    assert!(matches!(new.create("#\n"), Err(IdentityFileError::NoKey { .. })) && !new.path.exists());
    let text = format!("# db-1\n{}\n", secret(1));
    assert_eq!(new.create(&text).unwrap().key.public(), key(1).public());
    assert_eq!(fs::read_to_string(&new.path).unwrap(), text);
    assert_eq!(new.load().unwrap().key.public(), key(1).public(), "only its owner may read it");
    let nowhere = IdentityFile::new(folder.path().join("none/new")).create(&text).unwrap_err();
    assert!(nowhere.to_string().contains("a directory that exists"), "{nowhere}");
}
