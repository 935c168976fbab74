#!/usr/bin/env bash
# Another implementation of what nodes seal and sign, in Python, against this one: checks that the files that tests of the core
# read are what it computes, and has members of its own join agents that seal.
#
#   checks/interop/run.sh GOSSIP
#
# GOSSIP is the program. It needs Python 3.10 or later with `venv`, and a package index.
set -euo pipefail
gossip=$(realpath "${1:?the path of the program gossip}")
cd "$(dirname "${BASH_SOURCE[0]}")"

scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
export PYTHONDONTWRITEBYTECODE=1
install() {
    python3 -m venv "$scratch/python" &&
        "$scratch/python/bin/pip" install --quiet --disable-pip-version-check --requirement requirements.txt
}
if ! install; then
    echo "What requirements.txt lists cannot be installed: this check needs python3 with venv, and a package index." >&2
    exit 1
fi

python=$scratch/python/bin/python
"$python" identity.py
"$python" vectors.py
"$python" join.py "$gossip"
