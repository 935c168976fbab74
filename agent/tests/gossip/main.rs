//! The program as its users meet it: in processes of their own.

// A test that cannot even start its process fails where it stands.
#![allow(clippy::unwrap_used)]

mod cli;
mod cluster;
mod configured;
mod control;
mod dashboard;
mod departures;
mod discovery;
mod feed;
mod handlers;
mod http;
mod identity;
mod keys;
mod kubernetes;
mod metrics;
mod output;
mod place;
mod process;
mod reach;
mod schemas;
mod systemd;
