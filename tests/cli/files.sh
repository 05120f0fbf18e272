#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# files.sh SOURCE KVASIR - a report is written under -o and nowhere else, where
# links are replaced, not followed
set -u
scenario=$1/scenarios/k001_one_stack.yaml
# shellcheck source=tests/script.sh
. "$1/tests/script.sh"

mkdir "$tmp/out" "$tmp/elsewhere"
echo precious >"$tmp/victim"
for name in report.txt report.json free_map.dat free_map.gp; do
	ln -s ../victim "$tmp/out/$name"
done
# The temporary file's name can be foretold by who knows the process.
sh -c 'ln -s ../victim "$3/report.txt.$$.0.tmp"
	exec "$1" run "$2" -o "$3"' - "$kvasir" "$scenario" "$tmp/out" \
	>/dev/null || complain 'does not run'
[ "$(cat "$tmp/victim")" = precious ] || complain 'a link was followed'
for name in report.txt report.json free_map.dat free_map.gp; do
	[ -f "$tmp/out/$name" ] || complain "$name is no file"
	[ ! -L "$tmp/out/$name" ] || complain "$name is still a link"
done
[ "$(find "$tmp" -name '*.tmp' ! -type l | wc -l)" -eq 0 ] ||
	complain 'a temporary file is left'

# A scenario names series, which become files.
for name in ../elsewhere/x /x a/b . .. good; do
	cat >"$tmp/series.yaml" <<END
kvasir: 1
title: Names
machine: {name: amd64, memory: [{start: 16M, size: 64M}]}
kstacks: {policy: freebsd-d38852}
work:
  - spawn: {count: 10}
sample:
  "$name": {every: 1, of: [kstack.live]}
END
	"$kvasir" run "$tmp/series.yaml" -o "$tmp/out" >/dev/null 2>&1
	status=$?
	case $name in
	good) [ $status -eq 0 ] && [ -f "$tmp/out/good.dat" ] ;;
	*) [ $status -eq 2 ] ;;
	esac || complain "series $name: exit status $status"
done
[ "$(find "$tmp/elsewhere" "$tmp" -maxdepth 1 -newer "$tmp/series.yaml" \
	-type f | wc -l)" -eq 0 ] || complain 'written outside of the folder'
exit $failed
