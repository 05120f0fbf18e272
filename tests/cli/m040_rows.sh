#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# m040_rows.sh SOURCE KVASIR - the closed-form table of page tables, reservations
# and coalescable stacks, row by row (metrics.md 2)
set -u
source=$1 kvasir=$2
out=$(mktemp)
trap 'rm -f "$out"' EXIT
failed=0

# figure NAME: of the report
figure() {
	sed -n "s/^  $1  *\([0-9.]*\).*/\1/p" "$out"
}

# is SCENARIO NAME VALUE OPTION...: it passes, and the figure is that
is() {
	scenario=$1 name=$2 value=$3
	shift 3
	"$kvasir" run "$source/scenarios/$scenario".yaml "$@" >"$out" || {
		echo "$scenario $*: does not pass"
		grep FAILED "$out"
		failed=1
	}
	[ "$(figure "$name")" = "$value" ] || {
		echo "$scenario $*: $name is $(figure "$name"), not $value"
		failed=1
	}
}

# row PAGES GUARD STRIDE PTE_USE PT_BYTES COALESCABLE: a row of the table
row() {
	is m040_closed_form stride "$3" -D pages="$1" -D guard="$2"
	is m040_closed_form pmap.pte_use "$4" -D pages="$1" -D guard="$2"
	is m040_closed_form pt_bytes_per_stack "$5" -D pages="$1" -D guard="$2"
	is m041_chunks_and_linear kstack.coalescable_16k "$6" \
	    -D pages="$1" -D guard="$2"
	is m041_chunks_and_linear reserv.full 0 \
	    -D pages="$1" -D guard="$2" -D policy=freebsd-linear
}

# of 4 * 511 stacks: a quarter, half, all (508 of 2044 is 24.9 %)
row 4 1 20480 80.000000 40 508
row 4 2 24576 66.666667 48 1020
row 4 3 28672 57.142857 56 508
row 4 4 32768 50.000000 64 2044
row 8 1 36864 88.888889 72 508
exit $failed
