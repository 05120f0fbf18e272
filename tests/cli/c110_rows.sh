#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# c110_rows.sh SOURCE KVASIR - data modes (systems.md 2.5), and rows worked out by
# hand: figures are those of the report from violations on
set -u
# shellcheck source=tests/rows.sh
. "$1/tests/rows.sh"

while read -r mode pages read first both drop violations copied bytes faults \
    leaves flushes store changed options; do
	# shellcheck disable=SC2086  # options are words
	run c110_nub_cow -D mode="$mode" -D pages="$pages" -D read_only="$read" \
	    -D write_first="$first" -D read_then_write="$both" \
	    -D on_drop="$drop" $options
	figure cow.violations "$violations"
	figure cow.pages_copied "$copied"
	figure cow.bytes_copied "$bytes"
	figure cow.faults "$faults"
	figure cow.leaf_writes "$leaves"
	figure cow.flushes "$flushes"
	figure store.pages "$store"
	figure parent.changed "$changed"
done <<'ROWS'
memcpy 256 0 0 0 drop 0 256 1048576 0 256 0 256 0
memcpy 256 0 16 0 drop 0 256 1048576 0 256 0 256 0
memcpy 256 0 256 0 drop 0 256 1048576 0 256 0 256 0
direct_ro 256 0 0 0 drop 0 0 0 0 256 0 256 0
direct_ro 256 40 16 3 drop 19 0 0 0 256 0 256 0
cow_eager 256 0 16 0 drop 0 16 65536 16 272 16 256 0
cow_eager 256 0 256 0 drop 0 256 1048576 256 512 256 256 0
cow_lazy 256 0 16 0 drop 0 16 65536 16 16 16 256 0
cow_lazy 2048 50 20 10 drop 0 30 122880 90 90 90 2048 0
cow_lazy 2048 50 20 10 drop 0 30 122880 90 90 10 2048 0 -D on_fault=present
cow_lazy 2048 50 20 10 mint 0 30 122880 90 90 90 2078 30
cow_eager 2048 50 20 10 mint 0 30 122880 30 2078 30 2078 30
memcpy 2048 50 20 10 mint 0 2048 8388608 0 2048 0 2078 30
direct_ro 2048 50 20 10 mint 30 0 0 0 2048 0 2048 0
ephemeral 2048 50 20 10 mint 0 30 122880 90 90 90 0 0
ephemeral 7 1 2 3 drop 0 5 20480 9 9 9 0 0
cow_lazy 1 1 0 0 mint 0 0 0 1 1 1 1 0
cow_eager 3 0 0 3 mint 0 3 12288 3 6 3 6 3
ROWS
exit $failed
