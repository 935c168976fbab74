# The everyday commands; `just` lists them.

simulator := "cargo run --release -q -p simulator --"

_default:
    @just --list

# Everything that must pass.
ci:
    bash .ci/run

# All tests, including the examples and the program in the README.
test:
    cargo test --workspace

# The core's tests, with and without an allocator.
core:
    cargo test -p gossip-core
    cargo test -p gossip-core --no-default-features

# Floors of the core, sizes of files and functions, the documents.
house:
    cargo run -q -p layers
    cargo test -q -p documents

# One fuzz target for a minute: just fuzz frame
fuzz target seconds="60":
    cargo +nightly fuzz run {{target}} -- -max_total_time={{seconds}}

# A scenario: just sim spread --nodes 1000
sim *arguments:
    {{simulator}} run {{arguments}}

# The figures of docs/src/figures.md that take seconds.
figures:
    {{simulator}} run spread --nodes 1000 --seeds 3
    {{simulator}} run busy --seeds 3
    {{simulator}} run modes --seeds 3
    {{simulator}} run crash --nodes 1000 --seeds 10
    {{simulator}} run scale-in --seeds 3
    {{simulator}} run surge-replace --seeds 3
    {{simulator}} run mass-crash --seeds 3
    {{simulator}} run join --nodes 1000 --seeds 3
    {{simulator}} run cold-start --nodes 1000 --seeds 3
    {{simulator}} run mass-restart --nodes 1000 --seeds 3
    {{simulator}} run churn --seeds 3
    {{simulator}} run no-seeds --seeds 3
    {{simulator}} run steady --nodes 1000

# Breaks of the public API since a revision, such as the tag of the latest release: just semver v0.1.0
semver revision:
    cargo semver-checks --workspace --baseline-rev {{revision}}

# The book, in docs/book.
book:
    mdbook build docs
