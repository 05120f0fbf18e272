#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# whatis.sh SOURCE KVASIR - one stack, address by address (freebsd.md 6, m = 1)
set -u
scenario=$1/scenarios/k001_one_stack.yaml
kvasir=$2
out=$(mktemp)
trap 'rm -f "$out"' EXIT
failed=0

# is ADDRESS PATTERN...: the answer has a line for each
is()
{
	"$kvasir" whatis "$scenario" "$1" >"$out" || failed=1
	address=$1
	shift
	for pattern in "$@"; do
		grep -q "$pattern" "$out" || {
			echo "$address: no '$pattern' in:"
			cat "$out"
			failed=1
		}
	done
}

# Slot 0: kva VM + 0x203000, guard of one page, stack of four.
is 0xfffffe0000203000 '  guard  *page 1 below the stack at 0xfffffe0000204000' \
    'kstack0: busy segment \[0xfffffe0000203000, 0xfffffe0000208000)'
is 0xfffffe0000204000 '  stack  *0xfffffe0000204000, page 0 of 4' \
    '  pindex  *412' '  frame  *0x119c000, domain 0' \
    '  reservation .* M: 4 of 512 pages' \
    '  leaf  *kernel: \[0xfffffe0000204000, 0xfffffe0000205000) to 0x119c000, rw-sg; level 0, entry 4 of' \
    '  chunk .*parent 0xfffffe0000200000, domain 0, pindex 412 to 2455'
is 0xfffffe0000207fff 'page 3 of 4' '  pindex  *415' '  frame  *0x119f000'
is 0xfffffe0000208000 'none here now' 'kstack0: free segment'
# The same stack by its frame, an idle page of its reservation, free memory.
is 0x119c000 '0xfffffe0000204000, page 0 of 4' '  pindex  *412'
is 0x1000000 'not in a free queue' '  reservation .*0x1000000'
is 0x2000000 'free block of order 12 at 0x2000000'
is 0 'nothing that this scenario has'
is 18446744073709551615 'nothing that this scenario has'

"$kvasir" whatis "$scenario" 1 2 >"$out"
[ "$(grep -c '^0x' "$out")" -eq 2 ] || { echo 'not two answers'; failed=1; }
for bad in 0x x 1x -- ''; do
	"$kvasir" whatis "$scenario" "$bad" >"$out" 2>&- && {
		echo "'$bad' is no address"
		failed=1
	}
	[ ! -s "$out" ] || { echo "output for '$bad'"; failed=1; }
done
exit $failed
