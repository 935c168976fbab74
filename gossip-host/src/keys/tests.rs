use super::*;
use std::{error::Error as _, fs};

fn key(n: u8) -> String {
    format!("gossip-key-1-{}", (0..32).map(|i| format!("{:02x}", n ^ i)).collect::<String>())
}

fn id(n: u8) -> KeyId {
    Key::parse(&key(n)).unwrap().id()
}

/// A file, with what is to be in it, of which only its owner may read; and its folder, gone after the test.
fn file(text: impl AsRef<[u8]>) -> (KeyFile, tempfile::TempDir) {
    let folder = tempfile::tempdir().unwrap();
    let file = KeyFile::new(folder.path().join("keys"));
    fs::write(&file.path, text).unwrap();
    set_mode(&file, 0o600);
    (file, folder)
}

#[cfg(unix)]
fn set_mode(file: &KeyFile, mode: u32) {
    use std::os::unix::fs::PermissionsExt as _;
    fs::set_permissions(&file.path, fs::Permissions::from_mode(mode)).unwrap();
}

#[cfg(not(unix))]
fn set_mode(_: &KeyFile, _: u32) {}

fn ids(file: &KeyFile) -> Vec<KeyId> {
    file.load().unwrap().ids().collect()
}

fn text(file: &KeyFile) -> String {
    fs::read_to_string(&file.path).unwrap()
}

#[test]
fn keys_are_read_in_their_order_and_comments_and_blank_lines_do_not_count() {
    let text = format!("# ours\n\n  {}  # new\r\n{}\n\t\n#{}", key(2), key(1), key(3));
    let (file, _folder) = file(&text);
    assert_eq!(ids(&file), [id(2), id(1)]);
    let shown = format!("{:?}", file.load().unwrap());
    assert!(!shown.contains(&key(2)[20..30]), "{shown}");
}

#[test]
fn a_key_in_place_of_a_path_is_not_repeated() {
    let file = KeyFile::new(key(7));
    for error in [file.load().unwrap_err(), file.add(&key(1)).unwrap_err().into()] {
        assert!(error.to_string().contains("give the path"), "{error}");
        assert!(!format!("{error} {error:?}").contains(&key(7)[20..30]), "{error:?}");
    }
}

#[test]
fn a_file_that_cannot_be_used_is_refused_and_nothing_of_it_is_shown() {
    let four: String = (1..=4).map(|n| key(n) + "\n").collect();
    let twin = (6..=255).find(|&n| id(n) == id(1)).map(key);
    let mut texts = vec![
        (String::new(), "has no key"),
        ("# nothing\n\n".into(), "has no key"),
        (format!("{}\n{}", key(1), key(1)), "is there twice"),
        (four + &key(5), "4 keys at the most"),
        (format!("{}\n\nsecret-{}\n", key(1), &key(2)[13..]), "line 3: a key is gossip-key-1-"),
        (format!("\n{}", &key(1)[..76]), "line 2: a key is gossip-key-1-"),
        (format!("gossip-key-1-{}", "11".repeat(32)), "line 1: all bytes of the key are equal"),
        (" \n".repeat(KeyFile::MAX_BYTES / 2) + " ", "longer than 65536 bytes"),
    ];
    texts.extend(twin.map(|twin| (format!("{}\n{twin}", key(1)), "line 2: two different keys have the id")));
    for (text, said) in texts {
        let (file, _folder) = file(&text);
        let error = file.load().unwrap_err();
        let shown = format!("{error} {error:?}");
        assert!(error.to_string().contains(said), "{error}");
        assert!(error.to_string().contains(file.path.to_str().unwrap()), "{error}");
        assert!(!shown.contains(&key(1)[20..30]) && !shown.contains(&key(2)[20..30]), "{shown}");
        assert_eq!(self::text(&file), text);
    }
    let (file, _folder) = file(b"gossip-key-1-\xFF");
    assert!(file.load().unwrap_err().to_string().contains("line 1: a key is"));
}

#[test]
fn a_file_of_the_most_bytes_is_read_as_a_whole() {
    let text = "\n".repeat(KeyFile::MAX_BYTES - key(1).len()) + &key(1);
    assert_eq!(ids(&file(text).0), [id(1)]);
}

#[test]
fn what_is_no_regular_file_is_refused() {
    let (file, folder) = file(key(1));
    let folder = KeyFile::new(folder.path());
    assert!(folder.load().unwrap_err().to_string().contains("no regular file"));
    assert!(folder.add(&key(2)).unwrap_err().to_string().contains("no regular file"));
    let missing = KeyFile::new(file.path.with_file_name("none")).load().unwrap_err();
    assert!(missing.to_string().starts_with("cannot read the key file") && missing.source().is_some());
}

#[cfg(unix)]
#[test]
fn a_pipe_is_refused_and_not_waited_for() {
    let (file, _folder) = file("");
    fs::remove_file(&file.path).unwrap();
    assert!(std::process::Command::new("mkfifo").arg(&file.path).status().unwrap().success());
    assert!(file.load().unwrap_err().to_string().contains("no regular file"));
}

#[cfg(unix)]
#[test]
fn a_file_that_others_may_read_or_write_is_refused_with_what_to_do() {
    let (file, _folder) = file(key(1));
    for mode in [0o640, 0o620, 0o604, 0o602, 0o666] {
        set_mode(&file, mode);
        let said = file.load().unwrap_err().to_string();
        assert!(said.contains(&format!("`chmod 600 {}`", file.path.display())), "{said}");
        assert!(said.contains(&format!("mode {mode:o}")), "{said}");
        assert!(file.add(&key(2)).is_err() && file.promote(id(1)).is_err(), "{mode:o}");
    }
    for mode in [0o600, 0o400, 0o700] {
        set_mode(&file, mode);
        assert_eq!(ids(&file), [id(1)]);
    }
}

#[test]
fn a_key_is_added_as_the_second_and_to_a_new_file_as_the_first() {
    let (file, folder) = file("");
    fs::remove_file(&file.path).unwrap();
    assert_eq!(file.add(&format!("{}\n", key(1))).unwrap(), (id(1), true));
    assert_eq!(text(&file), key(1) + "\n");
    assert_eq!(file.add(&key(2)).unwrap(), (id(2), false));
    assert_eq!(file.add(&key(3)).unwrap(), (id(3), false));
    assert_eq!(ids(&file), [id(1), id(3), id(2)], "only its owner may read it");
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1, "no temporary file is left");
}

#[test]
fn a_rotation_moves_lines_and_leaves_comments() {
    let (file, _folder) = file(format!("# ours\n{} # old\n# the end", key(1)));
    file.add(&key(2)).unwrap();
    file.promote(id(2)).unwrap();
    assert_eq!(text(&file), format!("# ours\n{}\n{} # old\n# the end\n", key(2), key(1)));
    file.promote(id(2)).unwrap();
    file.remove(id(1)).unwrap();
    assert_eq!(text(&file), format!("# ours\n{}\n# the end\n", key(2)));
}

#[test]
fn a_key_for_which_a_file_has_no_room_is_not_added() {
    let before = "\n".repeat(KeyFile::MAX_BYTES - key(1).len() - 1) + &key(1) + "\n";
    let (file, _folder) = file(&before);
    let refused = file.add(&key(2)).unwrap_err().to_string();
    assert!(refused.contains("longer than 65536 bytes, or would be"), "{refused}");
    assert_eq!(text(&file), before);
}

#[test]
fn what_would_leave_no_good_file_is_refused_and_changes_nothing() {
    let (file, _folder) = file((1..=4).map(|n| key(n) + "\n").collect::<String>());
    let before = text(&file);
    for (refused, said) in [
        (file.add(&key(5)).map(drop), "4 keys at the most"),
        (file.add(&key(1)).map(drop), "already"),
        (file.add("gossip-key-1-12").map(drop), "a key is gossip-key-1-"),
        (file.add(&format!("{}\n{}", key(5), key(6))).map(drop), "a key is gossip-key-1-"),
        (file.promote(id(5)), "has no key"),
        (file.remove(id(5)), "has no key"),
        (file.remove(id(1)), "the one that seals: make another one the first"),
    ] {
        let error = refused.unwrap_err().to_string();
        assert!(error.contains(said) && !error.contains(&key(5)[20..30]), "{error}");
    }
    assert_eq!(text(&file), before);
    (2..=4).for_each(|n| file.remove(id(n)).unwrap());
    assert!(file.remove(id(1)).unwrap_err().to_string().contains("is the only key"));
}

#[cfg(unix)]
#[test]
fn a_file_that_cannot_be_replaced_is_as_it_was() {
    let (file, _folder) = file(key(1));
    let temporary = file.path.with_file_name("keys.tmp");
    fs::create_dir(&temporary).unwrap();
    assert!(matches!(file.add(&key(2)), Err(KeyFileError::Write { .. })));
    assert_eq!(text(&file), key(1));
    fs::remove_dir(&temporary).unwrap();
    // One that a crash left behind, for all to read, is not written to.
    fs::write(&temporary, "left behind").unwrap();
    let link = file.path.with_file_name("link");
    std::os::unix::fs::symlink(&file.path, &link).unwrap();
    KeyFile::new(&link).add(&key(2)).unwrap();
    assert!(fs::symlink_metadata(&link).unwrap().is_symlink() && !temporary.exists());
    assert_eq!(ids(&file), [id(1), id(2)]);
}
