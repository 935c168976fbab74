//! The files that say what requests, answers and events hold are those of the code.

use super::document;
use crate::print::events;
use serde_json::{Map, Value, json};
use std::{
    collections::{BTreeMap, BTreeSet},
    env, fs,
    path::Path,
};

const DIALECT: &str = "https://json-schema.org/draft/2020-12/schema";

/// Where a schema refers to another one, in the document and in a file of its own.
fn moved(value: &mut Value, referred: &mut BTreeSet<String>) {
    match value {
        Value::Object(fields) => {
            for (key, value) in fields {
                match value {
                    Value::String(text) if key == "$ref" => {
                        let name = text.rsplit('/').next().unwrap().to_owned();
                        *text = format!("#/$defs/{name}");
                        referred.insert(name);
                    }
                    value => moved(value, referred),
                }
            }
        }
        Value::Array(items) => items.iter_mut().for_each(|item| moved(item, referred)),
        _ => {}
    }
}

/// A schema that stands alone: what it refers to, it holds.
fn alone(name: &str, all: &Map<String, Value>) -> Value {
    let mut schema = all[name].clone();
    let mut todo = BTreeSet::new();
    moved(&mut schema, &mut todo);
    let mut held = BTreeMap::new();
    while let Some(name) = todo.pop_first() {
        held.entry(name.clone()).or_insert_with(|| {
            let mut one = all[&name].clone();
            moved(&mut one, &mut todo);
            one
        });
    }
    let fields = schema.as_object_mut().unwrap();
    fields.insert("$schema".to_owned(), json!(DIALECT));
    fields.insert("title".to_owned(), json!(name));
    if !held.is_empty() {
        fields.insert("$defs".to_owned(), json!(held));
    }
    schema
}

/// `SetHealth` as `set-health`.
fn file_name(name: &str) -> String {
    let mut file = String::new();
    for (at, letter) in name.char_indices() {
        if at > 0 && letter.is_ascii_uppercase() {
            file.push('-');
        }
        file.push(letter.to_ascii_lowercase());
    }
    file
}

/// The file names and what they hold.
fn files() -> BTreeMap<String, Value> {
    let document = serde_json::to_value(document()).unwrap();
    let all = document["components"]["schemas"].as_object().unwrap().clone();
    let event = &all["Line"];
    let mut files: BTreeMap<String, Value> = all
        .keys()
        .filter(|name| *name != "Line")
        .map(|name| (format!("{}.json", file_name(name)), alone(name, &all)))
        .collect();
    for (name, what) in events::ALL {
        let mut one = event.clone();
        one["$schema"] = json!(DIALECT);
        one["title"] = json!(name);
        one["description"] = json!(what);
        one["properties"]["event"] = json!({"const": name});
        files.insert(format!("events/{name}.json"), one);
    }
    files.insert("openapi.json".to_owned(), document);
    files
}

#[test]
fn the_schema_files_are_those_of_the_code() {
    let place = Path::new(env!("CARGO_MANIFEST_DIR")).join("schemas");
    let writes = env::var_os("WRITE_SCHEMAS").is_some();
    let mut expected = BTreeSet::new();
    for (name, value) in files() {
        let path = place.join(&name);
        if writes {
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(&path, serde_json::to_string_pretty(&value).unwrap() + "\n").unwrap();
        }
        let found = fs::read_to_string(&path).unwrap_or_default();
        // The order of fields is not the same in all builds.
        let found: Value = serde_json::from_str(&found).unwrap_or_default();
        assert!(
            found == value,
            "schemas/{name} is not what the code says: WRITE_SCHEMAS=1 cargo test -p agent schemas"
        );
        expected.insert(path);
    }
    for directory in [place.clone(), place.join("events")] {
        for entry in fs::read_dir(directory).unwrap() {
            let path = entry.unwrap().path();
            assert!(path.is_dir() || expected.contains(&path), "{} is of nothing any more", path.display());
        }
    }
}

#[test]
fn events_have_one_name_each_in_order() {
    assert!(events::ALL.windows(2).all(|pair| pair[0].0 < pair[1].0), "sorted, none twice");
}
