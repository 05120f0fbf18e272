#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# c120_rows.sh SOURCE KVASIR - tables of a frame (systems.md 2.5), and rows worked
# out by hand: pages that begin before a limit of 2 MiB, 1 GiB or 512 GiB
set -u
# shellcheck source=tests/rows.sh
. "$1/tests/rows.sh"

while read -r graft pages base tables all kib; do
	run c120_nub_tables -D graft="$graft" -D pages="$pages" -D base="$base"
	figure frame.tables "$tables"
	figure frame.pages "$all"
	figure frame.bytes $((kib * 1024))
done <<'ROWS'
off 1 0 9 3 48
off 512 0 9 514 2092
off 513 0 10 515 2100
off 4096 0 16 4098 16456
on 1 0 4 3 28
on 512 0 4 514 2072
on 513 0 5 515 2080
on 4096 0 11 4098 16436
lazy 1 0 1 0 4
lazy 512 0 1 0 4
lazy 513 0 1 0 4
lazy 4096 0 1 0 4
on 2 2M-4K 5 4 36
on 2 1G-4K 6 4 40
off 2 1G-4K 11 4 60
on 1 515G 4 3 28
off 1 515G 8 3 44
off 1 512G+4K 6 3 36
ROWS
exit $failed
