#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# readme.sh SOURCE PROGRAM [--write] - what the README shows is true
#
# The text between its two markers is what `make run` prints; --write puts it
# there.  Its scenario and the commands on it do what it says.
set -euo pipefail
source=$(realpath "$1") program=$(realpath "$2")
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

cd "$work"
ln -s "$source/scenarios" scenarios
mkdir build
ln -s "$program" build/kvasir
# shellcheck disable=SC2016
sed -n '/^```yaml$/,/^```$/p' "$readme" | sed '1d;$d' >guards.yaml
grep '^    build/kvasir run' "$readme" | sed 's/ || exit 1$//' >commands
[ -s commands ] && [ -s guards.yaml ]
while read -r command; do
	sh -c "$command" >/dev/null || {
		echo "README.md: $command fails"
		exit 1
	}
done <commands
