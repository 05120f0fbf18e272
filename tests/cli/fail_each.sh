#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# fail_each.sh SOURCE PROGRAM - kvasir check --fail-each as its users see it
set -eu
source=$1 program=$2
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
cd "$source"

# A sample; make fail-each takes all.
"$program" check --fail-each all scenarios/k001_one_stack.yaml \
	scenarios/k015_other_size.yaml scenarios/m025_stacks_that_could_group.yaml \
	scenarios/m010_shifted_frames.yaml scenarios/v013_*.yaml \
	scenarios/k010_reference_churn.yaml > "$dir/out"
grep -q '^ok .* k001_one_stack$' "$dir/out"
grep -q '^ok .* k010_reference_churn # SKIP 1022 operations' "$dir/out"
grep -q 'pass:5 fail:0 .* skip:1' "$dir/out"

# What is broken on purpose need not fail well.
"$program" check --fail-each all scenarios/v023_free_twice.yaml \
	scenarios/k001_one_stack.yaml > "$dir/out"
grep -q '# SKIP it violates vmem-I5 by itself' "$dir/out"

# Faults that a scenario plants itself are left out: what stays must fail well.
scenario=scenarios/r111_partial_back_out.yaml
"$program" check --fail-each all $scenario > "$dir/out"
grep -q '^ok .* r111_partial_back_out$' "$dir/out"
"$program" check --fail-each all scenarios/r131_entry_lost.yaml > "$dir/out"
"$program" check --fail-each all --inject freebsd-F11 $scenario \
	scenarios/k001_one_stack.yaml > "$dir/out" || true
grep -q 'r111_partial_back_out # SKIP it violates freebsd-I10' "$dir/out"

# One draw, a pair; and what is none.
"$program" check --fail-each 39 scenarios/k001_one_stack.yaml > "$dir/out"
"$program" check --fail-each 25,41 scenarios/k001_one_stack.yaml > "$dir/out"
for bad in none 0 5,5 5,4 '1,'; do
	status=0
	"$program" check --fail-each "$bad" scenarios/k001_one_stack.yaml \
		> "$dir/out" 2> "$dir/err" || status=$?
	[ $status = 2 ] && [ ! -s "$dir/out" ]
done
