#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# shrink.sh SOURCE PROGRAM - a violation comes with the least that violates it
set -eu
source=$1 program=$2
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT

# run NAME STEPS [OPTION...]: it fails, and shrunk.yaml has so many steps, runs
# by itself and is of the language.
shrink() {
	name=$1 steps=$2 status=0
	shift 2
	"$program" run "$dir/$name.yaml" "$@" -o "$dir/o" > "$dir/out" ||
		status=$?
	[ $status = 1 ]
	grep -q '^Shrunk$' "$dir/out"
	[ "$(grep -c '^  - ' "$dir/o/shrunk.yaml")" = "$steps" ]
	"$program" run "$dir/o/shrunk.yaml" > /dev/null
	python3 - "$source/scenarios/schema.json" "$dir/o" <<'END'
import json, sys
report = json.load(open(sys.argv[2] + '/report.json'))
assert report['shrunk']['from'] > 100, report['shrunk']
assert report['shrunk']['id'] == report['violations'][0]['id']
try:
    import jsonschema, yaml
except ImportError:
    sys.exit()
schema = json.load(open(sys.argv[1]))
with open(sys.argv[2] + '/shrunk.yaml') as text:
    jsonschema.validate(yaml.safe_load(text), schema)
END
}

# A fault in a churn of 500: one stack is enough for it to be seen.
cat > "$dir/churn.yaml" <<'END'
kvasir: 1
title: A churn
param: {pages: 4}
machine: {name: amd64, memory: [{start: 16M, size: 64M}]}
kstacks: {policy: freebsd-d38852, pages: pages, guard: 1}
work:
  - spawn: {count: 20}
  - churn: {steps: 500, limit: 100, generator: reference}
expect: [guard.mapped == 0]
END
shrink churn 1 --inject mmu-F2
grep -q 'guard  *page 1 below the stack' "$dir/out"
grep -q '^  + stack 0x' "$dir/out"

# The same of a policy: the first chunk that goes back goes back wrong.
shrink churn 2 --inject freebsd-F6
grep -q 'freebsd-F6' "$dir/o/shrunk.yaml"

# A block that is freed twice, 300 operations apart: allocated, freed, freed.
cat > "$dir/twice.yaml" <<'END'
kvasir: 1
param: {q: 4K}
arenas:
  va: {base: 1M, size: 64M, quantum: q}
  top: {base: 1G, size: 1G}
  low: {parent: top, import_quantum: 1M}
work:
  - churn: {arena: va, steps: 300, fit: firstfit, aligned: yes}
  - alloc: {arena: low, size: 8K, as: a}
  - free: {name: a}
  - churn: {arena: low, steps: 200, max_pages: 7, fit: best}
  - alloc: {arena: va, size: 2 * q, as: b}
  - free: {name: a}
END
# The churn may have the address again: then the second free is of its block,
# and what is found is that block's.
status=0
"$program" run "$dir/twice.yaml" -o "$dir/o" > "$dir/out" || status=$?
[ $status = 1 ]
"$program" run "$dir/o/shrunk.yaml" > /dev/null
[ "$(grep -c '^  - ' "$dir/o/shrunk.yaml")" -le 4 ]

# A guard that somebody maps after two churns: one stack, one map.
cat > "$dir/guard.yaml" <<'END'
kvasir: 1
machine:
  name: amd64
  domains: 2
  memory: [{start: 16M, size: 64M, domain: 0}, {start: 80M, size: 64M, domain: 1}]
kstacks: {policy: freebsd-d38852, first_kva: 0}
objects: {other: {pages: 16}, third: {pages: 512, colored: no}}
work:
  - churn: {steps: 300, limit: 60}
  - map: {va: 0xffffffff80000000, pages: 8, object: third}
  - churn: {steps: 200, limit: 60}
  - drain: {}
  - spawn: {count: 40}
  - map: {va: machine.kva_start, pages: 1, object: other}
END
shrink guard 2

# What is expected is no reason to shrink anything.
rm -r "$dir/o"
"$program" run "$source/scenarios/v023_free_twice.yaml" -o "$dir/o" > "$dir/out"
[ ! -e "$dir/o/shrunk.yaml" ]
if grep -q '^Shrunk$' "$dir/out"; then
	exit 1
fi
