#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# fuzz.sh BUILD SECONDS [TARGET...] - fuzz each target for so many seconds
#
# BUILD was made with KV_FUZZ.  Inputs that find something new are kept in
# BUILD/fuzz/TARGET, beside the corpus; what crashes, hangs or leaks in
# BUILD/fuzz/found.  Prints executions by target; status 1 when there is a find.
# FUZZ_RUNS bounds the executions of each target, too.  A find among operations
# becomes a scenario, NAME.yaml, and the least one that violates the same,
# NAME.report/shrunk.yaml, where kvasir sees it as well.
set -eu
here=$(dirname "$0")
build=$1
seconds=$2
shift 2
work=$build/fuzz
total=0 finds=0
mkdir -p "$work/found"
# shellcheck disable=SC2046 # words are meant to be split
[ $# -gt 0 ] || set -- $(grep -oE '[a-z_]+:[a-z_]+' "$here/CMakeLists.txt" |
	sed 's/:.*//')

# as_scenario TARGET: what was found, as scenarios
as_scenario() {
	for input in "$work/found/$1-"*; do
		case $input in *.yaml | *.report) continue ;; esac
		FUZZ_SCENARIO=$input.yaml "$build/tests/fuzz/fuzz_$1" "$input" \
			>/dev/null 2>&1 || true
		"$build/kvasir" run "$input.yaml" --audit 2 -o "$input.report" \
			>/dev/null 2>&1 || true
	done
}

for target; do
	# Corpora of the repository do not change while new inputs come.
	if [ -e "$here/corpus/$target.tar.gz" ]; then
		"$here/corpus.py" unpack "$here/corpus/$target.tar.gz" \
			"$work/$target"
	fi
	mkdir -p "$work/$target"
	set --
	[ ! -e "$here/$target.dict" ] || set -- "-dict=$here/$target.dict"
	log=$work/$target.log
	status=0
	"$build/tests/fuzz/fuzz_$target" -max_total_time="$seconds" \
		-runs="${FUZZ_RUNS:--1}" -timeout=60 -rss_limit_mb=2048 \
		-max_len=4096 -print_final_stats=1 -print_funcs=0 "$@" \
		-artifact_prefix="$work/found/$target-" "$work/$target" \
		>"$log" 2>&1 || status=$?
	count=$(sed -n 's/^stat::number_of_executed_units: *//p' "$log")
	count=${count:-0}
	total=$((total + count))
	printf '%-12s %10s executions, %s inputs' "$target" "$count" \
		"$(find "$work/$target" -type f | wc -l)"
	if [ $status -ne 0 ]; then
		finds=$((finds + 1))
		printf ': A FIND, see %s' "$log"
		case $target in ops_vmem | ops_kstack) as_scenario "$target" ;; esac
	fi
	echo
done
echo "$total executions, $finds finds"
[ $finds -eq 0 ]
