#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# t100_rows.sh SOURCE KVASIR - the reference table of the page-table pool, row by
# row, before and after (systems.md 1.5)
set -u
# shellcheck source=tests/rows.sh
. "$1/tests/rows.sh"

# rows SCENARIO OPTION... -- NAME=VALUE...: it passes with these figures
rows() {
	options=
	while [ "$1" != -- ]; do
		options="$options $1"
		shift
	done
	shift
	# shellcheck disable=SC2086  # options are words
	run $options
	for pair; do
		figure "${pair%%=*}" "${pair#*=}"
	done
}

# pool PAGES WARN_AT SPLITS L2: all that can be split from 8 GiB on, with
# nothing else mapped; the 80 % line
pool() {
	rows t100_elfuse_pool -D pool_pages="$1" -D boot_pages=3 \
	    -D isolates=1 -D splits=10000 -- pool.capacity="$1" \
	    pool.used="$1" pool.warn_at="$2" split.blocks="$3" pool.l0=1 \
	    pool.l1=1 pool.l2="$4" pool.l3="$3" isolate.completed=0 \
	    fail.protect=1 fail.unmap=0
}

pool 240 193 237 1
pool 3558 2847 3549 7

# isolates PAGES SPLITS MOST: nine pages at boot, so many splits each
isolates() {
	rows t100_elfuse_pool -D pool_pages="$1" -D splits="$2" \
	    -D isolates=100 -- isolate.completed="$3" pool.used="$1"
}

while read -r splits before after; do
	isolates 240 "$splits" "$before"
	isolates 3558 "$splits" "$after"
done <<'ROWS'
78 2 45
100 2 35
115 2 30
142 1 24
200 1 17
ROWS
# "the third isolate dies" from 78 to 115, "16 workers run" (and the one that
# starts them) up to 208
isolates 240 77 3
isolates 240 116 1
isolates 3558 208 17
isolates 3558 209 16

# churn: 4 MiB at a new address each time, or at one
rows t101_pool_churn -D pool_pages=240 -- rounds=237 pool.l2=1 \
    pool.l3=237 pool.used=240
rows t101_pool_churn -D pool_pages=3558 -- rounds=3542 pool.l2=14 \
    pool.l3=3542 pool.used=3558
for pages in 240 3558; do
	rows t101_pool_churn -D pool_pages=$pages -D step=0 -- rounds=5000 \
	    pool.draws=4 pool.used=4 fail.protect=0
	rows t101_pool_churn -D pool_pages=$pages -D reclaim=empty -- \
	    rounds=5000 pool.peak=23 pool.used=22 pool.l2=20 pool.l3=0 \
	    fail.protect=0 fail.map=0
done
exit $failed
