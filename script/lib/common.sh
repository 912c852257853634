# What every script here shares: where the repository is, how progress and failure are said.
# Sourced, never run. Sets `root` (the repository) and the functions step, note and die.

root=$(cd -- "$(dirname -- "${BASH_SOURCE[0]}")/../.." && pwd)
started=${VIREO_STARTED:-$(date +%s)}
export VIREO_STARTED=$started

# A line of progress with the seconds since the first script of this run began.
step() {
    printf '[%4ds] %s\n' "$(($(date +%s) - started))" "$*"
}

note() {
    printf '        %s\n' "$*"
}

die() {
    printf '%s: %s\n' "${0##*/}" "$*" >&2
    exit 1
}

# Runs a command whose output matters only where it fails: keeps it in a log and shows its end then.
# A line a quarter minute says that it is still at work.
quietly() {
    local title=$1 log=$2 pid status=0 ticks=0
    shift 2
    mkdir -p "$(dirname "$log")"
    "$@" >"$log" 2>&1 </dev/null &
    pid=$!
    while kill -0 "$pid" 2>/dev/null; do
        sleep 1
        ticks=$((ticks + 1))
        ((ticks % 15)) || note "$title: ${ticks} s, still at work"
    done
    wait "$pid" || status=$?
    if ((status != 0)); then
        tail -n 60 "$log" >&2
        die "$title failed (exit code $status); all of its output is in $log"
    fi
}
