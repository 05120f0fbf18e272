#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# k080_rows.sh SOURCE KVASIR - every row of the table of measured stacks, what
# reclaim returns, and the layouts of two domains (phys.md)
#
# The rows are those of the spec, as printed there; '-' is a figure that it
# does not give for that row.
set -u
# shellcheck source=tests/rows.sh
. "$1/tests/rows.sh"

while read -r stacks scheme parents phase domains reservations full used idle \
    pa both; do
	run k080_measured_table -D "stacks=$stacks" -D "scheme=$scheme" \
	    -D "parents=$parents" -D "phase=$phase" -D "domains=$domains"
	figure held "$reservations"
	figure reserv.full "$full"
	figure reserv.populated "$used"
	figure reserv.unused_pages "$idle"
	figure kstack.pa16k_aligned "$pa"
	figure kstack.coalescable_16k "$both"
done <<'ROWS'
1 old joined 0 1 1 0 4 508 0 0
1 old returned 0 1 1 0 4 508 0 0
1 new joined 2 1 1 0 4 508 1 0
1 new returned 2 1 1 0 4 508 1 0
102 old joined 0 1 1 0 408 104 25 25
102 old returned 0 1 1 0 408 104 25 25
102 new joined 2 1 2 0 408 616 102 25
102 new returned 2 1 2 0 408 616 102 25
511 old returned 0 1 6 0 2044 1028 125 125
511 old joined 0 1 5 0 2044 516 127 127
511 new joined 0 1 4 3 2044 4 511 -
511 new joined 1 1 5 3 2044 516 511 -
511 new joined 2 1 5 3 2044 516 511 -
511 new returned 3 1 5 3 2044 516 511 -
511 new returned 4 1 5 3 2044 516 511 -
1000 old returned 0 1 10 0 4000 1120 245 245
1000 old joined 0 1 10 0 4000 1120 250 250
1000 new returned 2 1 10 6 4000 1120 1000 251
1000 new joined 2 1 9 6 4000 608 1000 250
10000 old returned 0 1 99 0 40000 10688 2451 2451
10000 old joined 0 1 98 0 40000 10176 2500 2500
10000 new returned 2 1 94 58 40000 8128 10000 2497
10000 new joined 2 1 79 58 40000 448 10000 2505
1 old joined 0 2 1 0 4 508 0 0
102 new joined 2 2 2 0 408 616 102 25
511 old returned 0 2 5 0 2044 516 127 127
511 new joined 0 2 4 3 2044 4 511 -
1000 old joined 0 2 10 0 4000 1120 250 250
1000 new returned 2 2 9 6 4000 608 1000 250
10000 old returned 0 2 98 0 40000 10176 2500 2500
10000 new joined 2 2 79 58 40000 448 10000 2505
10000 new returned 2 2 79 58 40000 448 10000 2505
ROWS

while read -r scheme parents returned large; do
	run k081_what_reclaim_returns -D "scheme=$scheme" -D "parents=$parents"
	figure returned "$returned"
	figure large "$large"
done <<'ROWS'
old returned 10688 492
old joined 10176 -
new returned 8128 8128
new joined 448 448
ROWS

for scheme in new old; do
	for chunks in 1 2 8; do
		run k082_one_chunk_saves_nothing -D "scheme=$scheme" \
		    -D "chunks=$chunks"
	done
done

run n002_stacks_in_turns -D parents=returned
figure kstack.wrong_domain 200
run n002_stacks_in_turns -D parents=joined
run n003_chunks_touch -D first=0
figure kstack.wrong_domain 76
run n003_chunks_touch -D first=1
figure kstack.wrong_domain 51
exit $failed
