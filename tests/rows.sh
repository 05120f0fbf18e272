#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# rows.sh - what scripts share that hold a table against the program, row by row
#
# They read it in with SOURCE KVASIR as their own arguments, as script.sh.
# shellcheck source=tests/script.sh
. "$1/tests/script.sh"
scenarios=$1/scenarios
out=$tmp/out

# wrong WHAT...: what is wrong with this row
wrong()
{
	complain "$row: $*"
}

# report SCENARIO OPTION...: run it as this row; exits as the program does
report()
{
	row="$*"
	scenario=$1
	shift
	"$kvasir" run "$scenarios/$scenario.yaml" --format json --audit 2 "$@" \
	    >"$out"
}

# run SCENARIO OPTION...: the same, and every expectation holds
run()
{
	report "$@" || wrong 'does not pass'
}

# figure NAME WANT: what the report has under metrics, '' if it has no such;
# a '-' in a table asks nothing
figure()
{
	got=$(sed -n "s/^  \"$1\": \"\{0,1\}\([^\",]*\)\"\{0,1\},\{0,1\}\$/\1/p" "$out")
	[ "$2" = - ] || [ "$got" = "$2" ] || wrong "$1 is '$got', not '$2'"
}
