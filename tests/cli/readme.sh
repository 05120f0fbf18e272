#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# readme.sh SOURCE PROGRAM [--write] - the report in the README is the real one
#
# The text between its two markers is what `make run` prints; --write puts it
# there.
set -euo pipefail
source=$1 program=$2
readme=$source/README.md
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

{
	echo '```'
	"$program" replay \
		"$source/scenarios/linux-6.18-forks.perf.txt.gz" --resident 1500
	echo '```'
} >"$work/real"
if [ "${3-}" = --write ]; then
	sed -i -e '/^<!-- report -->$/,/^<!-- \/report -->$/{//!d;}' \
		-e "/^<!-- report -->$/r $work/real" "$readme"
	exit 0
fi
sed '1,/^<!-- report -->$/d; /^<!-- \/report -->$/,$d' "$readme" \
	>"$work/pasted"
cmp "$work/real" "$work/pasted" || {
	echo "README.md shows another report: run tests/cli/readme.sh . PROGRAM --write"
	exit 1
}
