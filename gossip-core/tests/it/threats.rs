//! SECURITY.md names a test for each threat, and ARCHITECTURE.md one for each bound: that they exist, and are run.

use std::{
    fs,
    path::{Path, PathBuf},
};

/// The folders of the sources.
const FLOORS: [&str; 9] = [
    "vocabulary",
    "tables",
    "wire",
    "security",
    "kernel",
    "dissemination",
    "membership",
    "bootstrap",
    "node",
];

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

/// Whether a file of this crate's tests, of its sources or of the host's has a test whose name begins so, with this behind it;
/// or the tests that all adapters run.
fn has_test(file: &str, name: &str, end: &str) -> bool {
    if file == "adapter-suite" {
        let files = fs::read_dir(root().join("checks/adapter-suite/src")).into_iter().flatten();
        let mut texts = files.filter_map(|file| fs::read_to_string(file.ok()?.path()).ok());
        return texts.any(|text| text.contains(&format!("\npub fn {name}{end}")));
    }
    let floors = FLOORS.iter().flat_map(|floor| {
        [format!("src/{floor}/{file}.rs"), format!("src/{floor}/{file}/tests.rs"), format!("src/{file}.rs")]
    });
    let own = format!("src/{file}/tests.rs");
    let hosts = ["", "/tests"].map(|tests| format!("../gossip-host/src/{file}{tests}.rs"));
    let places = [format!("tests/it/{file}.rs"), format!("tests/{file}.rs"), own].into_iter();
    let agents = ["", "/tests"].map(|tests| format!("../agent/src/{file}{tests}.rs"));
    let named_from_the_root = ["", "/tests"].map(|tests| format!("../{file}{tests}.rs"));
    let places = places.chain(floors).chain(hosts).chain(agents).chain(named_from_the_root);
    let text =
        |place| fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join(place)).unwrap_or_default();
    let is_test = |text: String| {
        // Those of the sources stand in a module of their own.
        let forms = ["#[test]\nfn", "    #[test]\n    fn", "    #[tokio::test]\n    async fn"];
        forms.iter().any(|form| text.contains(&format!("\n{form} {name}{end}")))
    };
    let mut texts = places.map(text);
    texts.any(is_test)
}

/// The tests (`file::name`) and scenarios (`simulator run name`) in a text that exist; panics at one that does not.
fn proofs(text: &str) -> usize {
    let quoted = text.split('`').skip(1).step_by(2);
    let mut found = 0;
    for quoted in quoted {
        if let Some((file, name)) = quoted.split_once("::") {
            // A type of the sources, as in `Event::DuplicateId`, begins with a capital.
            if file.starts_with(|first: char| first.is_ascii_lowercase()) {
                assert!(has_test(file, name, "("), "there is no test {name} in {file}");
                found += 1;
            }
        } else if let Some(name) = quoted.strip_prefix("simulator run ") {
            let file = root().join("simulator/scenarios").join(name).with_extension("toml");
            assert!(file.exists(), "there is no scenario {name}");
            found += 1;
        }
    }
    found
}

#[test]
fn every_threat_has_a_test_and_every_test_that_is_named_exists() {
    let text = fs::read_to_string(root().join("SECURITY.md")).expect("SECURITY.md is beside the crates");
    let all = proofs(&text);
    let lines = text.lines().skip_while(|line| !line.starts_with("| attack |")).skip(2);
    let rows: Vec<&str> = lines.take_while(|line| line.starts_with('|')).collect();
    assert!(rows.len() >= 12 && all >= 100, "{} attacks, {all} tests", rows.len());
    for row in rows {
        let cells: Vec<&str> = row.trim_matches('|').split('|').map(str::trim).collect();
        assert_eq!(cells.len(), 5, "{row}");
        for outcome in cells[1..].iter().filter(|cell| !cell.is_empty()) {
            assert_eq!(proofs(outcome), 1, "one test shows it: {outcome}");
            assert!(outcome.len() < 160, "too long to be read at a glance: {outcome}");
        }
    }
    let threats = text.split("\n### ").skip(1);
    for threat in threats.clone() {
        let (_, tests) = threat.split_once("\nTests: ").unwrap_or_default();
        assert!(proofs(tests) > 0, "no test of this threat: {threat}");
    }
    assert!(threats.count() >= 30, "the threats are there one by one");
}

/// Names end in an ellipsis there; the file that is named next, or `limits.rs`, has a test that begins so.
#[test]
fn every_bound_has_a_test_and_every_test_that_is_named_exists() {
    let text =
        fs::read_to_string(root().join("ARCHITECTURE.md")).expect("ARCHITECTURE.md is beside the crates");
    let mut lines = text.lines().skip_while(|line| !line.starts_with("| bound |")).skip(2);
    let rows: Vec<&str> = lines.by_ref().take_while(|line| line.starts_with('|')).collect();
    assert!(rows.len() >= 20, "{} bounds", rows.len());
    for row in rows {
        let last = row.trim_matches('|').rsplit('|').next().unwrap_or_default();
        let quoted: Vec<&str> = last.split('`').skip(1).step_by(2).collect();
        let (mut file, mut tests) = ("limits", 0);
        for name in quoted.iter().rev() {
            if let Some(begin) = name.strip_suffix('…') {
                assert!(has_test(file, begin, ""), "there is no test {name} in {file}");
                tests += 1;
            } else {
                file = name.trim_end_matches(".rs").trim_end_matches("/tests");
            }
        }
        assert!(tests > 0 || last.trim() == "the same", "no test of this bound: {row}");
    }
}

#[test]
fn every_chapter_is_a_module_of_this_program() {
    let chapters = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/it");
    let main = fs::read_to_string(chapters.join("main.rs")).expect("this program has a main file");
    let files = fs::read_dir(chapters).expect("a program of many files has a folder");
    let names = files.map(|file| file.expect("a folder can be read").file_name());
    let chapters: Vec<String> = names
        .filter_map(|name| name.to_str().and_then(|name| name.strip_suffix(".rs")).map(str::to_owned))
        .filter(|name| name != "main")
        .collect();
    assert!(chapters.len() >= 20, "{chapters:?}");
    for chapter in chapters {
        assert!(main.contains(&format!("\nmod {chapter};\n")), "{chapter}.rs is never run");
    }
}
