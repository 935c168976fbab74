//! The page in a real browser: Chromium without a window, as Debian packages it.
//!
//! Where no Chromium is installed, each test says SKIPPED on standard error and passes: see `testkit::browser`.

#![allow(clippy::unwrap_used, clippy::expect_used)]

mod cluster;
mod hostile;
mod live;
mod modules;
mod report;
mod server;
mod shown;
