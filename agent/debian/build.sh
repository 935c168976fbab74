#!/usr/bin/env bash
# Builds the Debian package with cargo-deb (`cargo install cargo-deb`), and prints its path. Arguments go to `cargo deb`.
#
# The program itself writes its manual pages and completions, so it is built first.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."

release=${CARGO_TARGET_DIR:-target}/release
cargo build --locked --release -p agent

# Below the program's own directory, which is where cargo-deb looks for what is built.
parts=$release/package
rm -rf "$parts"
mkdir -p "$parts/man"
"$release/gossip" man --all "$parts/man"
gzip --best --no-name "$parts"/man/*
for shell in bash zsh fish; do
    "$release/gossip" completions "$shell" >"$parts/completions.$shell"
done
# The line tables of a release build would be nine tenths of the package.
cargo deb --locked --no-build --strip -p agent "$@"
