#!/usr/bin/env bash
# Builds the image and runs it under QEMU; the exit status says whether its story came true and it kept to its bounds.
# From Debian 12's packages alone, which `--install` fetches where they are missing:
#
#   apt-get install -y --no-install-recommends rustc-web cargo-web rust-web-src lld-22 qemu-system-arm
#
# Debian's compiler, since it brings the source of `core`, which is built for the target here.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")"

packages=()
for need in /usr/bin/rustc:rustc-web /usr/bin/cargo:cargo-web /usr/bin/ld.lld-22:lld-22 \
    /usr/bin/qemu-system-arm:qemu-system-arm /usr/src/rustc-*/library/core:rust-web-src; do
    compgen -G "${need%:*}" >/dev/null || packages+=("${need##*:}")
done
if ((${#packages[@]})); then
    echo "missing: ${packages[*]}" >&2
    [[ ${1:-} == --install ]] || exit 1
    apt-get update && apt-get install -y --no-install-recommends "${packages[@]}"
fi

export RUSTC_BOOTSTRAP=1 RUSTC=/usr/bin/rustc
# A rustup toolchain that runs this must not hand its own libraries to Debian's compiler.
unset RUSTUP_TOOLCHAIN LD_LIBRARY_PATH
# Nor may what it builds meet what the other one builds.
export CARGO_TARGET_DIR="$PWD/target"
# Panics name their files, and so the image would be the larger the deeper these sources and the crates lie.
root=$(cd ../.. && pwd) registry=${CARGO_HOME:-$HOME/.cargo}/registry/src
export CARGO_TARGET_THUMBV7M_NONE_EABI_RUSTFLAGS="--remap-path-prefix=$root/= --remap-path-prefix=$registry/="
# The same story in the clear, and sealed.
for features in "" sealed; do
    /usr/bin/cargo build --release -Zbuild-std=core --features "$features"
    # A minute is a thousand times what it takes: an image that hangs fails.
    timeout 60 /usr/bin/cargo run --quiet --release -Zbuild-std=core --features "$features" </dev/null
done
