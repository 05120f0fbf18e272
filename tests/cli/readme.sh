#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# readme.sh SOURCE PROGRAM [--write] - what the README shows is true
#
# The text between two markers is what `make run` prints, or the check that is
# shown; --write puts it there.  Its scenario and the commands on it do what it says.
set -euo pipefail
source=$(realpath "$1") program=$(realpath "$2")
readme=$source/README.md
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

cd "$work"
ln -s "$source/scenarios" scenarios
mkdir build
ln -s "$program" build/kvasir
# shellcheck disable=SC2016
sed -n '/^```yaml$/,/^```$/p' "$readme" | sed '1d;$d' >guards.yaml
grep -E '^    build/kvasir (run|sweep|replay|explore|check k[^ ]*) ?' "$readme" >commands
[ -s commands ] && [ -s guards.yaml ]

{
	echo '```'
	build/kvasir replay scenarios/linux-6.18-forks.perf.txt.gz \
		--resident 1500
	echo '```'
} >report
{
	echo '```'
	sh -c "$(grep '^    build/kvasir check guards.yaml' "$readme")" || true
	echo '```'
} >check

# Each stands between two markers.
for block in report check; do
	if [ "${3-}" = --write ]; then
		sed -i -e "/^<!-- $block -->\$/,/^<!-- \/$block -->\$/{//!d;}" \
			-e "/^<!-- $block -->\$/r $block" "$readme"
		continue
	fi
	sed "1,/^<!-- $block -->\$/d; /^<!-- \/$block -->\$/,\$d" "$readme" \
		>pasted
	cmp "$block" pasted || {
		echo "README.md shows another $block: run tests/cli/readme.sh . PROGRAM --write"
		exit 1
	}
done

# Where there is no KVM, those that ask for it end with 77.
while read -r command; do
	status=0
	sh -c "$command" >/dev/null 2>stderr || status=$?
	case $status,$command in
	0,*) ;;
	77,*'--backend kvm'*) ;;
	*)
		cat stderr
		echo "README.md: $command fails"
		exit 1
		;;
	esac
done <commands
