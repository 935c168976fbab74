//! How a recording gets into the browser.

use std::{
    fs,
    path::Path,
    sync::atomic::{AtomicU32, Ordering},
};
use testkit::browser::{Browser, Page};

static REPORTS: AtomicU32 = AtomicU32::new(0);

/// Opens a report of a recording, as a reader does.
pub(crate) fn open<'a>(browser: &'a Browser, recording: &str) -> Page<'a> {
    let page = browser.blank();
    show(&page, recording);
    page
}

/// The same on a page that is there.
pub(crate) fn show(page: &Page<'_>, recording: &str) {
    let unique = format!("report-{}-{}.html", std::process::id(), REPORTS.fetch_add(1, Ordering::Relaxed));
    // Cargo keeps this folder out of the sources.
    let file = Path::new(env!("CARGO_TARGET_TMPDIR")).join(unique);
    fs::write(&file, gossip_dashboard::report(recording)).unwrap();
    page.go(&format!("file://{}", file.display()));
    let _ = fs::remove_file(&file);
}
