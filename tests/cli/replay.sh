#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# replay.sh SOURCE KVASIR - what scripts see of `kvasir replay`
set -eu
kvasir=$2
recording=$1/scenarios/linux-6.18-forks.perf.txt.gz
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT

fail() {
	echo "$*"
	exit 1
}

# Two runs, the same bytes; files and stdout, the same bytes.
for run in 1 2; do
	"$kvasir" replay "$recording" --resident 1500 -o "$tmp/$run" \
	    >"$tmp/$run.txt"
	"$kvasir" replay "$recording" --resident 1500 --format json \
	    >"$tmp/$run.json"
	cmp "$tmp/$run.txt" "$tmp/$run/report.txt"
	cmp "$tmp/$run.json" "$tmp/$run/report.json"
done
diff -r "$tmp/1" "$tmp/2"

# Plain, gzip, standard input: the same, but for the name.
gzip -dc "$recording" >"$tmp/plain"
"$kvasir" replay "$tmp/plain" --resident 1500 --format json |
	sed 's/"trace": ".*"/T/' >"$tmp/a"
"$kvasir" replay - --resident 1500 --format json <"$recording" |
	sed 's/"trace": ".*"/T/' >"$tmp/b"
sed 's/"trace": ".*"/T/' "$tmp/1.json" >"$tmp/c"
cmp "$tmp/a" "$tmp/b"
cmp "$tmp/a" "$tmp/c"

# The figures of the specification.
: >"$tmp/empty"
"$kvasir" replay "$tmp/empty" --resident 1500 --format json >"$tmp/empty.json"
python3 - "$tmp/1.json" "$tmp/empty.json" <<'END'
import json
import sys


def sorted_keys(pairs):
    keys = [key for key, _ in pairs]
    assert keys == sorted(set(keys)), keys
    return dict(pairs)


def load(path):
    with open(path) as text:
        return json.load(text, object_pairs_hook=sorted_keys)


def check(metrics, expected):
    for name, value in expected.items():
        assert metrics[name] == value, (name, metrics[name], value)


recording, empty = load(sys.argv[1]), load(sys.argv[2])
assert recording['outcome'] == 'ok' and recording['violations'] == []
assert recording['seed'] == 12345 and recording['backend'] == 'model'
policies = {'freebsd-linear', 'freebsd-d38852', 'freebsd-16', 'kvasir'}
assert set(recording['metrics']) == policies
for metrics in recording['metrics'].values():
    check(metrics, {
        'replay.events': 8381, 'replay.forks': 2380, 'replay.exits': 2381,
        'replay.frees': 2327, 'replay.lazy_frees': 631,
        'replay.fresh_areas': 662, 'replay.cache_hits': 1718,
        'replay.skipped': 0, 'kstack.live': 1501, 'peak.kstack.live': 1550,
        'kstack.failed': 0, 'guard.mapped': 0})
check(empty['metrics']['freebsd-linear'], {
    'reserv.full': 0, 'reserv.partial': 15, 'reserv.unused_pages': 1680})
check(empty['metrics']['freebsd-d38852'], {
    'reserv.full': 9, 'reserv.partial': 3, 'reserv.unused_pages': 144,
    'kstack.pattern': 'FFFB FFFB FFFB'})
check(empty['metrics']['kvasir'], {
    'reserv.full': 11, 'reserv.partial': 1, 'reserv.unused_pages': 144,
    'kstack.pattern': 'FFFF FFFF FFFB'})
check(empty['metrics']['freebsd-16'], {
    'reserv.full': 0, 'reserv.partial': 0, 'reserv.unused_pages': 0,
    'kstack.phys_contiguous': 1500})
END
grep -q '144 pages$' "$tmp/1.txt" && fail "that is without the recording"
"$kvasir" replay "$tmp/empty" --resident 1500 | tr '\n' ' ' |
	grep -q 'fills 9 of 12 reservations and leaves 144 pages unused where freebsd-linear leaves 1680: 11.7 times fewer' ||
	fail "no such verdict"

# No line of the text is wider than a terminal, none ends in blanks.
awk 'length > 80 { print "long: " $0; bad = 1 }
    / $/ { print "blanks: " $0; bad = 1 }
    END { exit bad }' "$tmp/1.txt"

# Garbled lines are told and skipped; usage errors leave stdout empty.
(echo garbled; cat "$tmp/plain") >"$tmp/garbled"
"$kvasir" replay "$tmp/garbled" >/dev/null 2>"$tmp/stderr"
grep -q 'garbled:1: ' "$tmp/stderr" || fail "line 1 is garbled, untold"
for wrong in "--policy freebsd-15" "--policy freebsd-16,freebsd-16" \
    "--policy freebsd-16," "--resident 65537" "--audit 4" "--frobnicate"; do
	status=0
	# shellcheck disable=SC2086 # an option and its value
	"$kvasir" replay "$tmp/empty" $wrong >"$tmp/stdout" 2>/dev/null ||
		status=$?
	[ $status -eq 2 ] || fail "$wrong: exit status $status"
	[ ! -s "$tmp/stdout" ] || fail "$wrong: something on stdout"
done
