//! What stands in the documents, so that it can be checked: links, the anchors that they may lead to, and commands.

pub mod commands;

use pulldown_cmark::{Event, Options, Parser, Tag, TagEnd};
use std::{
    collections::HashMap,
    fs,
    path::{Path, PathBuf},
};

/// The root of the repository.
pub fn root() -> PathBuf {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    root.canonicalize().unwrap_or(root)
}

/// All Markdown files under a folder, or the one file that the path names; sorted.
pub fn markdown_under(path: &Path) -> Vec<PathBuf> {
    if path.is_file() {
        return if path.extension().is_some_and(|extension| extension == "md") {
            vec![path.into()]
        } else {
            vec![]
        };
    }
    let entries = fs::read_dir(path).into_iter().flatten().flatten().map(|entry| entry.path());
    let mut entries: Vec<_> = entries.filter(|path| !is_skipped(path)).collect();
    entries.sort();
    entries.iter().flat_map(|path| markdown_under(path)).collect()
}

/// What is built, and what tools keep.
fn is_skipped(path: &Path) -> bool {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    path.is_symlink()
        || name == "target"
        || (name.starts_with('.') && path.is_dir())
        || path.ends_with("docs/book")
}

fn events(text: &str) -> Parser<'_> {
    Parser::new_ext(text, Options::ENABLE_TABLES)
}

/// Where a document's links lead, images included, in order.
pub fn links(text: &str) -> Vec<String> {
    let link = |event| match event {
        Event::Start(Tag::Link { dest_url, .. } | Tag::Image { dest_url, .. }) => {
            Some(dest_url.into_string())
        }
        _ => None,
    };
    events(text).filter_map(link).collect()
}

/// The code within a document's running text and tables.
pub fn code_spans(text: &str) -> Vec<String> {
    events(text)
        .filter_map(|event| if let Event::Code(code) = event { Some(code.into_string()) } else { None })
        .collect()
}

/// The rows of a document's tables, their headings included, as the text of each cell.
pub fn rows(text: &str) -> Vec<Vec<String>> {
    let mut rows = vec![];
    for event in events(text) {
        match event {
            Event::Start(Tag::TableHead | Tag::TableRow) => rows.push(vec![]),
            Event::Start(Tag::TableCell) => {
                rows.last_mut().into_iter().for_each(|row| row.push(String::new()))
            }
            Event::Text(text) | Event::Code(text) => {
                let cell = rows.last_mut().and_then(|row: &mut Vec<String>| row.last_mut());
                cell.into_iter().for_each(|cell| cell.push_str(&text));
            }
            Event::End(TagEnd::Table) => rows.push(vec![]),
            _ => {}
        }
    }
    rows
}

/// The anchors of a document's headings, as mdBook and code hosts make them.
pub fn anchors(text: &str) -> Vec<String> {
    let (mut anchors, mut heading) = (vec![], None);
    let mut seen = HashMap::<String, u32>::new();
    for event in events(text) {
        match event {
            Event::Start(Tag::Heading { .. }) => heading = Some(String::new()),
            Event::Text(text) | Event::Code(text) => {
                if let Some(heading) = &mut heading {
                    heading.push_str(&text);
                }
            }
            Event::End(TagEnd::Heading(_)) => {
                let anchor = anchor(&heading.take().unwrap_or_default());
                let count = seen.entry(anchor.clone()).or_default();
                anchors.push(if *count == 0 { anchor } else { format!("{anchor}-{count}") });
                *count += 1;
            }
            _ => {}
        }
    }
    anchors
}

fn anchor(heading: &str) -> String {
    let kept = heading.chars().filter(|c| c.is_alphanumeric() || matches!(c, ' ' | '-' | '_'));
    kept.flat_map(char::to_lowercase).map(|c| if c == ' ' { '-' } else { c }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn links_are_found_in_tables_and_not_in_code() {
        let text = "| a |\n|---|\n| [x](y.md#z) |\n\n```text\n[no](no.md)\n```\n";
        assert_eq!(links(text), ["y.md#z"]);
    }

    #[test]
    fn rows_hold_the_text_of_their_cells() {
        let text = "no | row\n\n| `a` | b |\n|---|---|\n| *c* | d `e` |\n\nf\n";
        assert_eq!(rows(text), [vec!["a", "b"], vec!["c", "d e"], vec![]]);
    }

    #[test]
    fn anchors_are_those_of_code_hosts() {
        assert_eq!(
            anchors("# The program `gossip`\n\n## A, b\n\n## A, b\n"),
            ["the-program-gossip", "a-b", "a-b-1"]
        );
    }
}
