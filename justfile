# The commands of every day. `just` lists them.

_default:
    @just --list

# Everything that must pass, as on a clean checkout.
ci:
    bash .ci/run

# All tests, README's program and examples included.
test:
    cargo test --workspace

# The core's tests, as its users without an allocator have them as well.
core:
    cargo test -p gossip-core
    cargo test -p gossip-core --no-default-features

# Floors of the core, sizes of files and functions, links of the documents.
house:
    cargo run -q -p layers
    cargo test -q -p documents

# One fuzz target for a minute: just fuzz frame
fuzz target seconds="60":
    cargo +nightly fuzz run {{target}} -- -max_total_time={{seconds}}

# A scenario: just sim spread --nodes 1000
sim *arguments:
    cargo run --release -q -p simulator -- run {{arguments}}

# The figures of docs/src/figures.md that take less than a minute each, seeds 1 to 3.
figures:
    for scenario in spread busy crash scale-in surge-replace mass-crash join cold-start mass-restart churn; do \
        cargo run --release -q -p simulator -- run $scenario --seeds 3; \
    done

# The book, in docs/book.
book:
    mdbook build docs
