//! The page in a real browser: Chromium without a window, as Debian packages it.
//!
//! Where no Chromium is installed, each test says SKIPPED on standard error and passes; with `REQUIRE_CHROMIUM` in the
//! environment it fails instead.

#![allow(clippy::unwrap_used, clippy::expect_used)]

mod browser;
mod cluster;
mod figures;
mod hostile;
mod live;
mod modules;
mod report;
mod server;
