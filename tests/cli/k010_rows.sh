#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# k010_rows.sh SOURCE KVASIR - every row of the whole-stack table, to the hash
#
# The rows are those of the spec (freebsd.md 8.3), as printed there; '-' is a
# figure that the spec gives in words for one row only.
set -u
# shellcheck source=tests/rows.sh
. "$1/tests/rows.sh"

while read -r mode first n mb churn live full partial unused broken \
    contiguous both fnv; do
	run k010_reference_churn -D "scheme=$mode" -D "first_kva=$first" \
	    -D "stacks=$n" -D "memory=$mb" -D "churn=$churn"
	figure kstack.live "$live"
	figure reserv.full "$full"
	figure reserv.partial "$partial"
	figure reserv.unused_pages "$unused"
	figure reserv.broken "$broken"
	figure kstack.phys_contiguous "$contiguous"
	figure kstack.coalescable_16k "$both"
	figure trace.fnv "$fnv"
	figure guard.mapped 0
done <<'ROWS'
new 0 1022 64M 0 1022 6 2 8 0 1022 254 0x18cdee2757d05c39
new 2M 1022 64M 0 1022 6 3 520 0 1022 256 0x70dcb34ef16e33ae
old 0 1022 64M 0 1022 0 10 1032 0 1022 255 0x11a777c4f83f0e52
old 2M 1022 64M 0 1022 0 10 1032 0 1022 255 0x8166a7c825aa5372
old 2M 1022 64M 20000 868 0 10 1648 0 868 217 0xf956e7a4402e0e47
nores 2M 1022 64M 20000 868 0 0 0 0 868 220 0x3fe09a388af060f6
new 2M 1500 24M 20000 1346 1 10 600 1 1346 335 0x81bc456dab48748a
old 2M 1500 24M 20000 1346 - - - - 89 - -
ROWS
exit $failed
