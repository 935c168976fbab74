//! Links lead somewhere, and the book has all of its chapters.

#![allow(clippy::unwrap_used, reason = "a test may panic")]

use documents::{anchors, links, markdown_under, root};
use std::fs;

#[test]
fn every_link_to_a_file_or_a_heading_leads_there() {
    let (mut broken, mut checked) = (vec![], 0);
    for document in markdown_under(&root()) {
        let text = fs::read_to_string(&document).unwrap();
        for link in links(&text).into_iter().filter(|link| !link.contains("://")) {
            let (file, anchor) = link.split_once('#').unwrap_or((&link, ""));
            let target =
                if file.is_empty() { document.clone() } else { document.parent().unwrap().join(file) };
            checked += 1;
            let leads = target.exists()
                && (anchor.is_empty()
                    || anchors(&fs::read_to_string(&target).unwrap())
                        .iter()
                        .any(|heading| heading == anchor));
            if !leads {
                broken.push(format!("{}: {link}", document.display()));
            }
        }
    }
    assert!(checked > 30, "only {checked} links were found");
    assert!(broken.is_empty(), "{broken:#?}");
}

#[test]
fn the_books_summary_names_every_chapter() {
    let chapters = root().join("docs/src");
    let summary = links(&fs::read_to_string(chapters.join("SUMMARY.md")).unwrap());
    for entry in fs::read_dir(chapters).unwrap() {
        let name = entry.unwrap().file_name().into_string().unwrap();
        assert!(name == "SUMMARY.md" || summary.contains(&name), "{name} is not in SUMMARY.md");
    }
}

/// mdBook renders such a link as one to a page that there is not.
#[test]
fn no_chapter_of_the_book_links_to_a_file_outside_of_it() {
    for chapter in markdown_under(&root().join("docs/src")) {
        let links = links(&fs::read_to_string(&chapter).unwrap());
        let outside = links.iter().find(|link| link.starts_with(".."));
        assert_eq!(outside, None, "{}", chapter.display());
    }
}

#[test]
fn the_readme_is_read_at_a_sitting() {
    let lines = fs::read_to_string(root().join("README.md")).unwrap().lines().count();
    assert!(lines <= 200, "{lines} lines");
}
