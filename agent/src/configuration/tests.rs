use super::*;
use tempfile::NamedTempFile;

fn file(text: &str) -> NamedTempFile {
    let file = NamedTempFile::new().unwrap();
    std::fs::write(file.path(), text).unwrap();
    file
}

pub(super) fn of(text: &str, variables: &[(&str, &str)], flags: &str) -> Result<Configuration, String> {
    let file = file(text);
    let matches =
        cli::command().try_get_matches_from(["gossip", "run"].into_iter().chain(flags.split_whitespace()));
    let matches = matches.map_err(|error| error.to_string())?;
    let flags = matches.subcommand_matches("run").unwrap();
    let variables = |name: &str| {
        variables.iter().find(|(known, _)| *known == name).map(|(_, value)| OsString::from(*value))
    };
    let configuration = Configuration::of(flags, Some(file.path().to_owned()), &variables);
    configuration.map_err(|wrong| wrong.0.replace(file.path().to_str().unwrap(), "FILE"))
}

fn shown(configuration: &Configuration, key: &str) -> Vec<(String, Source)> {
    let setting = configuration.settings.iter().find(|setting| setting.key == key).unwrap();
    setting.values.iter().map(|value| (value.text.to_str().unwrap().to_owned(), value.from)).collect()
}

/// A value that each flag takes; that no flag is missing, the test itself finds out.
fn sample(setting: &Setting) -> String {
    if cli::is_switch(&setting.arg) {
        return "true".to_owned();
    }
    if let Some(choice) = setting.arg.get_possible_values().first() {
        return choice.get_name().to_owned();
    }
    let samples = [
        "127.0.0.1:7",
        "1/2/3",
        "role=db",
        "fanout=3",
        "up=true",
        "10s",
        "500",
        "warn",
        "/a/path",
        "srv:_a._udp.b",
    ];
    let takes = |text: &&str| {
        let value = Value { text: text.into(), from: Source::Environment };
        refusal(setting, &value, None).is_none()
    };
    samples.iter().find(|text| takes(text)).unwrap_or_else(|| panic!("{}", setting.key)).to_string()
}

#[test]
fn every_flag_has_its_key_and_its_variable_and_they_mean_the_same() {
    let all = settings();
    assert!(all.len() > 15, "{}", all.len());
    let is_needed = |setting: &Setting| matches!(&*setting.key, "name" | "cluster");
    for setting in &all {
        let text = sample(setting);
        let base = all.iter().filter(|other| is_needed(other) && other.key != setting.key);
        let base: String = base.map(|other| format!("{} x ", other.flag)).collect();
        let key = format!("{} = [{text:?}]", setting.key);
        let key = if setting.is_list() { key } else { key.replace(['[', ']'], "") };
        for (given, from) in [
            (of(&key, &[], &base), Source::File(1)),
            (of("", &[(&setting.variable, &text)], &base), Source::Environment),
            (of("", &[], &format!("{base} {}={text}", setting.flag)), Source::Flag),
        ] {
            let given = given.unwrap_or_else(|error| panic!("{key}: {error}"));
            assert_eq!(shown(&given, &setting.key), [(text.clone(), from)]);
        }
    }
    let flags: Vec<_> =
        cli::run_command().get_arguments().map(|arg| arg.get_long().map(str::to_owned)).collect();
    assert_eq!(flags.len(), all.len() + 1, "all but the file itself: {flags:?}");
}

#[test]
fn flags_go_before_the_environment_and_that_before_the_file() {
    let text = "name = 'f'\ncluster = 'f'\nbind = '127.0.0.1:1'\njoin = ['a:1', 'b:1']\njson = true\n";
    let variables =
        [("GOSSIP_CLUSTER", "e"), ("GOSSIP_JOIN", "c:1,d:1\ne:1"), ("GOSSIP_BIND", "127.0.0.1:2")];
    let all = of(text, &variables, "--bind 127.0.0.1:3 --json=false").unwrap();
    assert_eq!(shown(&all, "name"), [("f".to_owned(), Source::File(1))]);
    assert_eq!(shown(&all, "cluster"), [("e".to_owned(), Source::Environment)]);
    assert_eq!(shown(&all, "bind"), [("127.0.0.1:3".to_owned(), Source::Flag)]);
    assert_eq!(shown(&all, "preset"), [("lan".to_owned(), Source::Default)]);
    assert!(!all.args.json && all.args.name == "f" && all.args.cluster == "e");
    let seeds: Vec<_> = shown(&all, "join").into_iter().map(|(seed, _)| seed).collect();
    assert_eq!(seeds, ["c:1", "d:1", "e:1"]);
}

#[test]
fn tags_and_knobs_are_set_each_by_its_name() {
    let text = "name = 'a'\ncluster = 'c'\n[tag]\nrole = 'db'\nport = 5432\n[config]\nfanout = 5\nbudgets.total = 62000\n";
    let all = of(text, &[("GOSSIP_TAG", "port=1\nzone=x=y")], "--tag zone=z --set fanout=4").unwrap();
    let mut tags = all.args.tag.clone();
    tags.sort();
    let tag = |key: &str, value: &str| (key.to_owned(), value.to_owned());
    assert_eq!(tags, [tag("port", "1"), tag("role", "db"), tag("zone", "z")]);
    let config = all.options().unwrap().config;
    assert_eq!((config.fanout, config.budgets.total), (4, 62_000));
}

#[test]
fn what_is_said_in_two_ways_is_as_the_stronger_source_says() {
    let needed = "name = 'a'\ncluster = 'c'\n";
    let all = of(&format!("{needed}no_control = true"), &[], "--control /x").unwrap();
    assert!(!all.args.control.no_control && all.args.control.control.is_some());
    let all = of(needed, &[("GOSSIP_CONTROL", "/x")], "--no-control").unwrap();
    assert!(all.args.control.no_control && all.args.control.control.is_none());
    assert!(of(&format!("{needed}no_control = true\ncontrol = '/x'"), &[], "").is_err());
    let all = of(&format!("{needed}quarantine = '10m'"), &[], "--set quarantine_ms=60000").unwrap();
    assert_eq!(all.options().unwrap().config.quarantine, std::time::Duration::from_secs(60));
}

#[test]
fn what_is_wrong_in_a_file_or_variable_is_named_with_its_place() {
    let needed = "name = 'a'\ncluster = 'c'\n";
    for (text, variable, said) in [
        ("naem = 'b'", ("", ""), "FILE, line 3: there is no key naem: did you mean name?"),
        ("max-datagram = 3", ("", ""), "did you mean max_datagram?"),
        ("fanout = 3", ("", ""), "did you mean fanout, in the table [config]?"),
        (
            "[config]\nfanuot = 3",
            ("", ""),
            "FILE, line 4: config: there is no knob fanuot: did you mean fanout?",
        ),
        ("[config]\nfanout = 99", ("", ""), "FILE, line 4: fanout is 99: give 1 to 8"),
        ("preset = 'moon'", ("", ""), "FILE, line 3: preset: 'moon' is none of local, lan, wan"),
        ("bind = ['127.0.0.1:1', '127.0.0.1:2']", ("", ""), "bind: takes one value"),
        ("[bind]\nx = 1", ("", ""), "FILE, line 4: bind: is no table"),
        ("json = 3", ("", ""), "FILE, line 3: json"),
        ("", ("GOSSIP_BIND", "localhost"), "GOSSIP_BIND: 'localhost': give an IP address and a port"),
        ("", ("GOSSIP_SET", "fanout=99"), "GOSSIP_SET: fanout is 99: give 1 to 8"),
        ("capacity = 1", ("", ""), "capacity is 1: give 2 to 1048576"),
    ] {
        let outcome = of(&format!("{needed}{text}"), &[variable], "");
        let place = |error: Wrong| error.0;
        let refused = outcome.and_then(|all| all.options().map(drop).map_err(place).map(|()| all));
        let refused = refused.unwrap_err();
        let refused = refused.split_once("/tmp/").map_or(refused.clone(), |(_, rest)| {
            rest.split_once(", line").map_or(String::new(), |(_, rest)| format!("FILE, line{rest}"))
        });
        assert!(refused.contains(said), "{text} {variable:?}: {refused}");
    }
    let refused = of("naem = 'b'\nbnid = 'x'", &[("GOSSIP_PRESET", "moon")], "").unwrap_err();
    assert_eq!(refused.lines().count(), 3, "all of it at once: {refused}");
    let refused = of("", &[], "").unwrap_err();
    assert_eq!(
        refused,
        "there is no name: give --name or GOSSIP_NAME, or name in a file of --config\n\
         there is no cluster: give --cluster or GOSSIP_CLUSTER, or cluster in a file of --config"
    );
    let refused = of("name = 'a'\ncluster = 'c'\ncontrol = '/x'\nno_control = true", &[], "").unwrap_err();
    assert!(refused.contains("--no-control") && !refused.contains("Usage"), "{refused}");
}

#[test]
fn what_a_terminal_would_obey_is_named_in_escapes() {
    let needed = "name = 'a'\ncluster = 'c'\n";
    for text in [
        "bind = \"\\u001b]0;x\\u0007\"",
        "preset = \"\\u001b[2J\\nmoon\"",
        "locality = \"\\u001b/a/b\"",
        "\"na\\u001bme\" = 1",
        "[config]\n\"fan\\u001bout\" = 3",
        "[on]\n\"u\\u001bp\" = 'true'",
        "[tag]\n\"\" = \"\\u001b\"",
        "log = \"\\u001b\"",
    ] {
        let refused = of(&format!("{needed}{text}"), &[], "").unwrap_err();
        assert!(!refused.contains(char::is_control) && refused.contains("\\u{1b}"), "{text}: {refused:?}");
    }
}

/// The table of all settings, as the book has it.
fn table() -> String {
    let row = |setting: &Setting| {
        let defaults = setting.arg.get_default_values().iter().map(|value| value.to_string_lossy());
        let defaults = defaults.map(|value| format!("`{value}`")).collect::<Vec<_>>().join(", ");
        let default = if defaults.is_empty() { "-" } else { &defaults };
        let Setting { key, flag, variable, .. } = setting;
        let key = if setting.is_table() { format!("[{key}]") } else { key.clone() };
        format!("| `{key}` | `{flag}` | `{variable}` | {default} |")
    };
    let rows: Vec<String> = settings().iter().map(row).collect();
    format!("| key | flag | variable | default |\n|---|---|---|---|\n{}\n", rows.join("\n"))
}

#[test]
fn the_book_lists_every_setting_with_its_default() {
    let page = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/src/configuration.md");
    let table = table();
    let page = std::fs::read_to_string(page).unwrap();
    assert!(page.contains(&table), "docs/src/configuration.md needs this table:\n{table}");
}
