#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# c100_rows.sh SOURCE KVASIR - the table of global-bit runs (systems.md 2.5), and
# disciplines on images that it does not list, worked out by hand
set -u
# shellcheck source=tests/rows.sh
. "$1/tests/rows.sh"

while read -r sequence global flush tags misses hits stale pages full options; do
	status=0
	# shellcheck disable=SC2086  # options are words
	report c100_nub_global -D sequence="$sequence" -D global="$global" \
	    -D flush="$flush" -D tags="$tags" $options || status=$?
	# V7 says so when an entry is stale
	[ $status -eq $((stale != 0)) ] ||
		wrong "exit status $status"
	[ "$stale" -eq 0 ] || grep -q '"id": "V7"' "$out" ||
		wrong 'not reported as V7'
	figure tlb.misses "$misses"
	figure tlb.hits "$hits"
	figure tlb.stale "$stale"
	figure tlb.page_flushes "$pages"
	figure tlb.full_flushes "$full"
done <<'ROWS'
AAAA off none off 160 0 0 0 0
ABAB off none off 130 0 0 0 0
AABB off none off 130 0 0 0 0
AAAAAAAABBBBBBBB off none off 520 0 0 0 0
AAAA on none off 40 120 0 0 0
ABAB on none off 40 40 50 0 0
AABB on none off 40 40 50 0 0
AAAAAAAABBBBBBBB on none off 40 280 200 0 0
AAAA on previous off 40 120 0 0 0
ABAB on previous off 130 0 0 105 0
AABB on previous off 65 65 0 40 0
AAAAAAAABBBBBBBB on previous off 65 455 0 40 0
AAAA on all off 40 120 0 0 0
ABAB on all off 130 0 0 0 3
AABB on all off 65 65 0 0 1
AAAAAAAABBBBBBBB on all off 65 455 0 0 1
AAAA off none on 40 120 0 0 0
ABAB off none on 65 65 0 0 0
AABB off none on 65 65 0 0 0
AAAAAAAABBBBBBBB off none on 65 455 0 0 0
ABAB on own off 130 0 0 130 0
AAAA on own off 160 0 0 160 0
BAB on next_count off 90 0 0 65 0
ABA on next_count off 145 0 0 105 0 -D pages_b=65
ABCABC on previous off 24 0 0 18 0 -D pages_a=5 -D pages_b=1 -D pages_c=6
ABC on none off 6 0 6 0 0 -D pages_a=5 -D pages_b=1 -D pages_c=6
HGH off none off 1210 0 0 0 0 -D pages_g=10 -D pages_h=600
ROWS
exit $failed
