#!/usr/bin/env bash
# Builds the Debian package and looks into it: what it says of itself, what it brings and where, and that this works from
# where it is unpacked to. Nothing is installed.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."

scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
package=$scratch/gossip.deb root=$scratch/root control=$scratch/control

fail() {
    echo "$*" >&2
    exit 1
}

agent/debian/build.sh --output "$package"
dpkg-deb --contents "$package"
dpkg-deb --extract "$package" "$root"
dpkg-deb --control "$package" "$control"

for field in Package:gossip Section:net "Version:$(sed -n 's/^version = "\(.*\)"/\1/p' Cargo.toml)-1" \
    "Architecture:$(dpkg --print-architecture)"; do
    [[ $(dpkg-deb --field "$package" "${field%%:*}") == "${field#*:}" ]] || fail "not $field"
done
# What the program is linked with was found.
[[ $(dpkg-deb --field "$package" Depends) == *libc6* ]] || fail "it depends on no libc6"
[[ $(<"$control/conffiles") == /etc/gossip/gossip.toml ]] || fail "other files of configuration than gossip.toml"
grep -q gossip.service "$control/postinst" || fail "installing it leaves systemd untold of the unit"

# One page for the program and one for each command in its help.
commands=$("$root/usr/bin/gossip" help | sed -n '/^Commands:/,/^Options:/s/^  \([a-z-]\+\) .*/\1/p' | grep -vx help)
[[ -n $commands ]] || fail "no command was found in the help"
for page in gossip $(sed 's/^/gossip-/' <<<"$commands"); do
    file=$root/usr/share/man/man1/$page.1.gz
    [[ -s $file ]] && zgrep -q '^\.TH ' "$file" || fail "no manual page $page"
done
[[ $("$root/usr/bin/gossip" --version) == "gossip "* ]] || fail "the program does not say what it is"
"$root/usr/bin/gossip" check-config --name a --cluster b "$root/etc/gossip/gossip.toml"

# What a shell would offer behind `gossip metr`.
bash -c "source $root/usr/share/bash-completion/completions/gossip && COMP_WORDS=(gossip metr) COMP_CWORD=1 &&
    _gossip gossip metr gossip && [[ \${COMPREPLY[*]} == metrics ]]" || fail "bash completes nothing"
[[ $(head -n 1 "$root/usr/share/zsh/vendor-completions/_gossip") == "#compdef gossip" ]] || fail "no completions for zsh"
grep -q '^complete -c gossip' "$root/usr/share/fish/vendor_completions.d/gossip.fish" || fail "no completions for fish"

if command -v systemd-analyze >/dev/null; then
    # What it does not know it only says. The program is looked for where the unit names it.
    sed "s|=/usr/bin/gossip|=$root/usr/bin/gossip|" "$root"/{usr/,}lib/systemd/system/gossip.service \
        >"$scratch/gossip.service" 2>"$scratch/missing" || true
    [[ -s $scratch/gossip.service ]] || fail "no unit: $(<"$scratch/missing")"
    said=$(systemd-analyze verify "$scratch/gossip.service" 2>&1) || fail "$said"
    [[ -z $said ]] || fail "$said"
else
    echo "There is no systemd-analyze: the unit was not verified."
fi
echo "The package has all of its parts."
