#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# maps.sh SOURCE KVASIR - the listing of a space, line by line; read back by
# report it has the figures of the run
set -u
source=$1
# shellcheck source=tests/script.sh
. "$1/tests/script.sh"

# run SCENARIO: its files are in $tmp/SCENARIO
run() {
	"$kvasir" run "$source/scenarios/$1".yaml -o "$tmp/$1" \
		>"$tmp/out" || complain "$1 does not run"
}

# is FILE: its maps have the lines of stdin
is() {
	cat >"$tmp/want"
	sed '/^vm.pmap.kernel_maps: $/,+1d' "$tmp/$1" | diff "$tmp/want" - ||
		complain "$1 is not that"
}

# Two spoiler holes, one superpage between them.
run m008_unmap_demotes
is m008_unmap_demotes/kernel_maps.txt <<'END'
Kernel map:
0xfffffe0000000000-0xfffffe0000007000 rw-sg WB 0 0 7
0xfffffe0000008000-0xfffffe0000407000 rw-sg WB 0 1 511
0xfffffe0000408000-0xfffffe0000600000 rw-sg WB 0 0 504
END
# Protection parts ranges.
run m007_protect_demotes
is m007_protect_demotes/kernel_maps.txt <<'END'
Kernel map:
0xfffffe0000000000-0xfffffe0000200000 r--sg WB 0 1 0
0xfffffe0000200000-0xfffffe0000210000 rw-sg WB 0 0 16
0xfffffe0000210000-0xfffffe0000211000 r--sg WB 0 0 1
0xfffffe0000211000-0xfffffe0000400000 rw-sg WB 0 0 495
END
# arm64 has a column for contiguous groups.
run m020_contiguous_arm64_4k
is m020_contiguous_arm64_4k/kernel_maps.txt <<'END'
Kernel map:
0xffff000000000000-0xffff0000001ff000 rw-sg WB 0 0 31 15
0xffff000000200000-0xffff000000400000 rw-sg WB 0 1 0 0
END
# Other spaces have a file of their own.
run m016_two_spaces
is m016_two_spaces/space_maps.txt <<'END'
process map:
0x0000000000200000-0x0000000000600000 r-xu- WB 0 2 0

plain map:
0x0000000000200000-0x0000000000600000 r--u- WB 0 0 1024
END

# same SCENARIO MACHINE: what report reads is what run counted
same() {
	"$kvasir" report --machine "$2" "$tmp/$1/kernel_maps.txt" \
		--format json >"$tmp/read.json" || complain "$1: not read"
	python3 - "$tmp/$1/report.json" "$tmp/read.json" <<'END' ||
import json
import sys
run, read = (json.load(open(name))['metrics'] for name in sys.argv[1:])
read = read.get('kernel', read)
names = [name for name in read if name.startswith('pmap.')]
wrong = [name for name in names if read[name] != run[name]]
for name in wrong:
    print(f'{name} is {read[name]}, not {run[name]}')
sys.exit(bool(wrong) or len(names) < 5)
END
		complain "$1: the listing loses something"
}
same m008_unmap_demotes amd64
same m020_contiguous_arm64_4k arm64-4k
exit $failed
