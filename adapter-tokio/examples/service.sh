#!/usr/bin/env bash
# Four instances of the example `service`, of which one is asked all the time, while others are killed, stopped and
# restarted:
#
#   adapter-tokio/examples/service.sh [PATH OF THE PROGRAM]
#
# It waits for what has to happen, for a minute at most, and fails if any request was not answered.
set -euo pipefail

service=${1:-}
if [[ -z $service ]]; then
    cd "$(dirname "${BASH_SOURCE[0]}")/../.."
    cargo build --quiet -p adapter-tokio --example service
    service=${CARGO_TARGET_DIR:-target}/debug/examples/service
fi
command -v curl >/dev/null || { echo "this script needs curl" >&2; exit 1; }

scratch=$(mktemp -d)
declare -A pid
asking=
finish() {
    for one in $asking "${pid[@]}"; do
        kill -KILL "$one" 2>/dev/null || true
    done
    wait 2>/dev/null || true
    rm -rf "$scratch"
}
trap finish EXIT

# within COMMAND...: waits until it succeeds.
within() {
    for _ in {1..600}; do
        "$@" && return
        sleep 0.1
    done
    echo "a minute was not enough for: $*" >&2
    tail -n 3 "$scratch/answers" >&2
    exit 1
}

# start NAME [SEED]: an instance, as soon as it serves.
start() {
    "$service" "$1" 127.0.0.1:0 "${@:2}" >"$scratch/$1" &
    pid[$1]=$!
    within grep -q serves "$scratch/$1"
    cat "$scratch/$1"
}

answers() { wc -l <"$scratch/answers"; }
mark=0
since() { tail -n "+$((mark + 1))" "$scratch/answers"; }
answers_of() { since | grep -qx "$1"; }
more_answers() { (($(answers) >= mark + 30)); }
# Answered by others alone, ever since a while ago.
none_of() { mark=$(answers) && within more_answers && ! answers_of "$1"; }

ask_on() {
    while :; do
        curl --silent --fail --max-time 5 "$1" >>"$scratch/answers" || printf 'FAILED' >>"$scratch/answers"
        echo >>"$scratch/answers"
    done
}

start web-0
read -r _ _ _ seed _ _ _ url <"$scratch/web-0"
for name in web-1 web-2 web-3; do start "$name" "$seed"; done
within curl --silent --fail --output /dev/null "$url"
: >"$scratch/answers"
ask_on "$url" 2>/dev/null &
asking=$!
for name in web-1 web-2 web-3; do within answers_of "$name"; done
echo "All three answer."

kill -KILL "${pid[web-1]}"
within none_of web-1
echo "web-1 was killed: the others answer."

kill -STOP "${pid[web-2]}"
within none_of web-2
echo "web-2 was stopped: web-3 answers."
kill -CONT "${pid[web-2]}"
mark=$(answers)
within answers_of web-2
echo "web-2 goes on, and answers again."

kill -TERM "${pid[web-3]}"
wait "${pid[web-3]}"
within none_of web-3
echo "web-3 has left."

start web-1 "$seed"
mark=$(answers)
within answers_of web-1
echo "web-1 is back, at another port."

kill -KILL "$asking"
wait "$asking" 2>/dev/null || true
failed=$(grep -c FAILED "$scratch/answers" || true)
echo "$(answers) requests, $failed of them without an answer"
[[ $failed == 0 ]]
