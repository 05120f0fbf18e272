#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# m040_rows.sh SOURCE KVASIR - the closed-form table of page tables, reservations
# and coalescable stacks, row by row (metrics.md 2)
set -u
# shellcheck source=tests/rows.sh
. "$1/tests/rows.sh"

# row PAGES GUARD STRIDE PTE_USE PT_BYTES COALESCABLE: a row of the table
row() {
	run m040_closed_form -D pages="$1" -D guard="$2"
	figure stride "$3"
	figure pmap.pte_use "$4"
	figure pt_bytes_per_stack "$5"
	run m041_chunks_and_linear -D pages="$1" -D guard="$2"
	figure kstack.coalescable_16k "$6"
	run m041_chunks_and_linear -D pages="$1" -D guard="$2" \
	    -D policy=freebsd-linear
	figure reserv.full 0
}

# of 4 * 511 stacks: a quarter, half, all (508 of 2044 is 24.9 %)
row 4 1 20480 80.000000 40 508
row 4 2 24576 66.666667 48 1020
row 4 3 28672 57.142857 56 508
row 4 4 32768 50.000000 64 2044
row 8 1 36864 88.888889 72 508
exit $failed
