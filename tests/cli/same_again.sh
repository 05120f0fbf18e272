#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# same_again.sh SOURCE PROGRAM - a second run, elsewhere, prints the same bytes
#
# Elsewhere: another folder, locale, time zone, home, stack limit and date of
# the files, output to a pipe instead of a file.  Memory addresses differ by
# themselves.
set -euo pipefail
source=$1 program=$2
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
recording=$source/scenarios/linux-6.18-forks.perf.txt.gz
status=0
checked=0

# same ARGUMENT...: two runs, compared
same() {
	(cd "$source" && "$program" "$@" >"$work/one") || true
	(
		cd "$work"
		ulimit -s 1024
		env -i PATH="$PATH" LC_ALL=C.UTF-8 TZ=Asia/Kathmandu \
			TERM=dumb HOME=/nonexistent COLUMNS=40 \
			"$program" "$@" </dev/null | cat >"$work/two"
	) || true
	checked=$((checked + 1))
	if [ ! -s "$work/one" ] || ! cmp "$work/one" "$work/two"; then
		echo "kvasir $* does not repeat itself"
		status=1
	fi
}

for format in text json; do
	same replay "$recording" --resident 100 --format "$format"
done
for scenario in "$source"/scenarios/[!z]*.yaml; do # z: slow
	[ -e "$scenario" ] || continue
	same run "$scenario" --format json
	same run "$scenario" --seed 99
done

# What -o writes: the same files, whatever stood there before.
mkdir "$work/b"
echo old >"$work/b/report.txt"
for folder in a b; do
	"$program" replay "$recording" --resident 100 -o "$work/$folder" \
		>"$work/stdout.$folder"
done
diff -r "$work/a" "$work/b" || status=1
cmp "$work/stdout.a" "$work/stdout.b" || status=1
cmp "$work/stdout.a" "$work/a/report.txt" || status=1

echo "$checked commands repeated"
exit $status
