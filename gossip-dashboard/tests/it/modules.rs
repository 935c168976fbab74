//! The modules' own tests, which run in the browser as the modules do.

use crate::server::Server;
use testkit::browser::Browser;

#[test]
fn the_tests_of_the_modules_pass() {
    let Some(browser) = Browser::start() else { return };
    let server = Server::start();
    let page = browser.open(&server.url("/modules"));
    page.until("window.results");
    let results = page.eval("window.results");
    let results = results.as_array().unwrap();
    let failed: Vec<String> =
        results.iter().filter(|r| !r["error"].is_null()).map(ToString::to_string).collect();
    assert!(failed.is_empty(), "{}", failed.join("\n"));
    assert!(results.len() >= 30, "only {} tests ran", results.len());
    assert_eq!(page.complaints(), [""; 0]);
}
