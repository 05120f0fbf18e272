#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# broken_scenarios.sh SOURCE KVASIR - run refuses each scenario that is wrong:
# exit 2 at once, the place on stderr, nothing on stdout, no files.
# What is said, and where, is tests/sim/test_scenario_broken.c's to check.
set -u
source=$1 kvasir=$2
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
count=0 failed=0

# refused FILE OPTION...: the file must be refused
refused() {
	local file=$1 status=0
	shift
	count=$((count + 1))
	# Milliseconds on an idle machine; the bound breaks a hang.
	timeout "${KV_TIMEOUT:-10}" "$kvasir" run "$file" -o "$tmp/out" "$@" \
		>"$tmp/stdout" 2>"$tmp/stderr" || status=$?
	[ $status -eq 2 ] || complain "$file" "exit status $status"
	[ ! -s "$tmp/stdout" ] || complain "$file" "something on stdout"
	[ ! -e "$tmp/out" ] || complain "$file" "something written"
	grep -qE "^(${file//./\\.}|-D [a-z_]+):([0-9]+:[0-9]+:)? ." \
		"$tmp/stderr" || complain "$file" "no place: $(head -1 "$tmp/stderr")"
}

complain() {
	echo "$*"
	failed=1
}

for file in "$source"/tests/broken/scenarios/*.yaml; do
	options=()
	while IFS= read -r define; do
		options+=(-D "$define")
	done < <(sed -n 's/^# define: //p' "$file")
	refused "$file" "${options[@]}"
done
[ $count -ge 40 ] || complain all "only $count inputs"

head -c 100000 /dev/zero | tr '\0' '[' >"$tmp/brackets.yaml"
refused "$tmp/brackets.yaml"
head -c 1000000 "$kvasir" >"$tmp/noise.yaml"
refused "$tmp/noise.yaml"
gzip -c "$source/scenarios/k010_reference_churn.yaml" |
	head -c 200 >"$tmp/truncated.yaml"
refused "$tmp/truncated.yaml"
head -c 5000000 /dev/zero | tr '\0' '\n' >"$tmp/large.yaml"
refused "$tmp/large.yaml"
refused "$tmp/missing.yaml"
exit $failed
