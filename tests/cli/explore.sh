#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# explore.sh SOURCE PROGRAM - kvasir explore as its users see it
set -eu
source=$1 program=$2
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT

# All sequences of length 8 over six slots of two domains: of 8 operations
# n! [t^n] exp(2 t + t^2) = 32400, less those with seven stacks, 2^7 * 9.
"$program" explore "$source/scenarios/k090_explore_two_domains.yaml" \
	> "$dir/out" 2> "$dir/err"
grep -q 'length  8: 31248 sequences' "$dir/out"
grep -q 'every invariant holds' "$dir/out"
grep -q 'explored in' "$dir/err"
"$program" explore "$source/scenarios/k090_explore_two_domains.yaml" \
	> "$dir/again" 2> /dev/null
cmp "$dir/out" "$dir/again"
"$program" explore "$source/scenarios/k091_explore_reservations.yaml" \
	--format json 2> /dev/null | python3 -c '
import json, sys
report = json.load(sys.stdin)
assert report["outcome"] == "ok" and report["depth"] == 7, report
assert report["states"] == sum(d["states"] for d in report["depths"])
'

# A violation: exit 1, and the shortest sequence is a scenario that runs.
cat > "$dir/bad.yaml" <<'END'
kvasir: 1
machine: {name: amd64, memory: 64M}
kstacks: {policy: freebsd-d38852, first_kva: 0}
objects: {other: {pages: 1}}
explore:
  length: 5
  operations:
    - spawn: {count: 1}
    - dispose
    - map: {va: machine.kva_start, pages: 1, object: other}
END
status=0
"$program" explore "$dir/bad.yaml" -o "$dir/o" > "$dir/out" 2> /dev/null ||
	status=$?
[ $status = 1 ]
grep -q '^freebsd-I2 at 0x' "$dir/out"
"$program" run "$dir/o/shortest.yaml" > /dev/null
[ "$(grep -c '^  - ' "$dir/o/shortest.yaml")" = 2 ]

# What only a drain shows comes with the drain.
cat > "$dir/lost.yaml" <<'END'
kvasir: 1
machine: {name: amd64, memory: 64M}
kstacks: {policy: freebsd-d38852}
inject: [freebsd-F6]
explore: {length: 3, operations: [{spawn: {count: 1}}]}
END
"$program" explore "$dir/lost.yaml" -o "$dir/o" > "$dir/out" 2> /dev/null || true
grep -q 'drain' "$dir/o/shortest.yaml"
"$program" run "$dir/o/shortest.yaml" > /dev/null

# Nothing to explore is an error of usage.
status=0
"$program" explore "$source/scenarios/k001_one_stack.yaml" > "$dir/out" \
	2> "$dir/err" || status=$?
[ $status = 2 ] && [ ! -s "$dir/out" ]
grep -q "section 'explore' is missing" "$dir/err"
