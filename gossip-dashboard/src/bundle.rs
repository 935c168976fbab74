//! The modules of the page's program, joined into one text.
//!
//! The modules are those of the language, and run as they are in a browser that may load them one by one, which is how
//! their tests do. A page in one piece may load nothing, so each becomes a block that returns what it exports:
//!
//! ```text
//! import { clamp } from './format.js';     const { clamp } = module_format;
//! export const half = (x) => x / 2;    ▶    const half = (x) => x / 2;
//!                                           return { half };
//! ```

use std::fmt::Write as _;

macro_rules! module {
    ($name:literal) => {
        ($name, include_str!(concat!("../page/js/", $name)))
    };
}

/// Name and text of each, behind those that it imports.
pub(crate) const MODULES: &[(&str, &str)] = &[
    module!("format.js"),
    module!("accusations.js"),
    module!("dom.js"),
    module!("words.js"),
    module!("ink.js"),
    module!("parse.js"),
    module!("timeline.js"),
    module!("troubles.js"),
    module!("recording.js"),
    module!("scene.js"),
    module!("axes.js"),
    module!("chart.js"),
    module!("view_charts.js"),
    module!("chip.js"),
    module!("view_events.js"),
    module!("view_heat.js"),
    module!("view_legend.js"),
    module!("map_layout.js"),
    module!("view_map.js"),
    module!("view_matrix.js"),
    module!("view_member.js"),
    module!("view_verdict.js"),
    module!("view_player.js"),
    module!("view_search.js"),
    module!("app.js"),
    module!("feed.js"),
    module!("live.js"),
    module!("main.js"),
];

/// All modules as one program.
pub(crate) fn joined() -> String {
    let mut all = String::new();
    for (name, text) in MODULES {
        let (text, exports) = block(text);
        let _ = writeln!(
            all,
            "const {} = (() => {{\n{text}\nreturn {{ {} }};\n}})();",
            constant_of(name),
            exports.join(", ")
        );
    }
    all
}

/// The constant that holds what a module exports. The prefix keeps it from being hidden by an export of the same name.
fn constant_of(name: &str) -> String {
    format!("module_{}", name.trim_end_matches(".js"))
}

/// A module with its imports from the modules above, and what it exports. Statements of import and export begin a line;
/// imports end with a semicolon, and exports are declarations.
fn block(text: &str) -> (String, Vec<&str>) {
    let mut out = String::with_capacity(text.len());
    let mut exports = Vec::new();
    let mut import: Option<String> = None;
    for line in text.lines() {
        let begins = line.starts_with("import ");
        if begins || import.is_some() {
            let statement = import.get_or_insert_default();
            statement.push_str(line);
            if line.ends_with(';') {
                out.push_str(&constant(statement));
                out.push('\n');
                import = None;
            }
            continue;
        }
        let declared = line.strip_prefix("export ").unwrap_or(line);
        if declared.len() < line.len() {
            exports.extend(name_of(declared));
        }
        out.push_str(declared);
        out.push('\n');
    }
    (out, exports)
}

/// `import { a, b } from './c.js';` as a constant.
fn constant(import: &str) -> String {
    let parts = import.strip_prefix("import ").and_then(|rest| rest.split_once(" from './"));
    let (names, from) = parts.unwrap_or_default();
    format!("const {names} = {};", constant_of(from.trim_end_matches("';")))
}

/// The name that a declaration declares.
fn name_of(declaration: &str) -> Option<&str> {
    let rest = declaration.strip_prefix("async ").unwrap_or(declaration);
    let (_, rest) = rest.split_once(' ')?;
    rest.trim_start_matches('*').split(|c: char| !c.is_ascii_alphanumeric() && c != '_').next()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::{collections::BTreeMap, fs, path::Path};

    /// Every `import` of a module, as the names and the file.
    fn imports(text: &str) -> Vec<(Vec<&str>, &str)> {
        text.split("import {")
            .skip(1)
            .filter_map(|rest| rest.split_once(" from './"))
            .map(|(names, rest)| {
                let names =
                    names.trim().trim_end_matches('}').split(',').map(str::trim).filter(|n| !n.is_empty());
                (names.collect(), rest.split('\'').next().unwrap_or_default())
            })
            .collect()
    }

    #[test]
    fn each_module_imports_only_what_one_above_it_exports() {
        let mut exported = BTreeMap::new();
        for (name, text) in MODULES {
            for (names, from) in imports(text) {
                let known: &Vec<&str> = exported
                    .get(from)
                    .unwrap_or_else(|| panic!("{name} imports {from}, which is not above it"));
                for wanted in names {
                    assert!(known.contains(&wanted), "{name} imports {wanted}, which {from} does not export");
                }
            }
            exported.insert(*name, block(text).1);
        }
    }

    #[test]
    fn all_modules_of_the_folder_are_joined() {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("page/js");
        let mut files: Vec<String> = fs::read_dir(folder)
            .unwrap()
            .map(|file| file.unwrap().file_name().into_string().unwrap())
            .collect();
        files.sort();
        let mut names: Vec<&str> = MODULES.iter().map(|(name, _)| *name).collect();
        names.sort_unstable();
        assert_eq!(files, names);
    }

    #[test]
    fn modules_are_short_and_no_module_puts_text_in_as_markup() {
        for (name, text) in MODULES {
            assert!(text.lines().count() < 600, "{name} is too long");
            for forbidden in
                ["innerHTML", "outerHTML", "insertAdjacentHTML", "document.write", "eval(", "import *"]
            {
                assert!(!text.contains(forbidden), "{name} has {forbidden}");
            }
        }
    }

    #[test]
    fn a_module_becomes_a_block_that_returns_its_exports() {
        let text = "import {\n    a,\n} from './b.js';\nexport function* f(x) {\n}\nexport async function g() {}\nexport class H {}\n";
        let (block, exports) = block(text);
        assert!(block.starts_with("const {    a,} = module_b;\nfunction* f(x)"), "{block}");
        assert_eq!(exports, ["f", "g", "H"]);
    }
}
