#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# fuzz_found.sh SOURCE PROGRAM - what a fuzzer of operations breaks comes down
# to a scenario that breaks it by itself
set -eu
source=$1 program=$2
fuzz=$(dirname "$program")/tests/fuzz
[ -x "$fuzz/fuzz_ops_kstack" ] && [ -x "$fuzz/fuzz_ops_vmem" ] || exit 77
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT

fail() {
	echo "$*"
	exit 1
}

# The input that the corpus ends with, told: the same operations, and sound.
for ops in kstack vmem; do
	FUZZ_SCENARIO=$dir/$ops.yaml "$fuzz/fuzz_ops_$ops" \
	    "$source/tests/fuzz/corpus/ops_$ops.tar.gz" > /dev/null 2>&1
	"$program" run "$dir/$ops.yaml" --audit 3 > "$dir/out" ||
		fail "ops_$ops: $(cat "$dir/out")"
	grep -q '^  - ' "$dir/$ops.yaml" || fail "ops_$ops: nothing is told"
done

# A fault stops the first input that meets it, which becomes the least scenario
# that does.
for fault in freebsd-F2 freebsd-F8 freebsd-F18; do
	rm -rf "$dir/o"
	if FUZZ_INJECT=$fault FUZZ_SCENARIO=$dir/found.yaml \
	    "$fuzz/fuzz_ops_kstack" \
	    "$source/tests/fuzz/corpus/ops_kstack.tar.gz" \
	    > /dev/null 2> "$dir/err"; then
		fail "$fault: nothing is found"
	fi
	status=0
	"$program" run "$dir/found.yaml" --audit 2 -o "$dir/o" > "$dir/out" ||
		status=$?
	[ $status = 1 ] || fail "$fault: status $status of what was found"
	[ "$(grep -c '^  - ' "$dir/o/shrunk.yaml")" -le 3 ] ||
		fail "$fault: $(cat "$dir/o/shrunk.yaml")"
	"$program" run "$dir/o/shrunk.yaml" > "$dir/out" ||
		fail "$fault: $(cat "$dir/out")"
	grep -q "^inject: .*$fault" "$dir/o/shrunk.yaml"
done
