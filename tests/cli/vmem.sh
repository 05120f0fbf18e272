#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# vmem.sh SOURCE KVASIR - the vmem verb reads plain, packed and piped traces, and
# a refused one prints nothing
set -u
golden=$1/tests/golden/vmem
# shellcheck source=tests/script.sh
. "$1/tests/script.sh"

trace=$golden/edge-05-import.trace.gz
gzip -dc "$golden/edge-05-import.out.gz" >"$tmp/want"
gzip -dc "$trace" >"$tmp/plain"
"$kvasir" vmem "$trace" | cmp -s - "$tmp/want" || complain "packed"
"$kvasir" vmem "$tmp/plain" | cmp -s - "$tmp/want" || complain "plain"
"$kvasir" vmem - <"$tmp/plain" | cmp -s - "$tmp/want" || complain "piped"

refused() {
	timeout "${KV_TIMEOUT:-1}" "$kvasir" vmem "$1" >"$tmp/out" 2>"$tmp/err"
	status=$?
	[ $status -eq 2 ] || complain "$1: exit status $status"
	[ -s "$tmp/out" ] && complain "$1: something on stdout"
	grep -q "$2" "$tmp/err" || complain "$1: $(cat "$tmp/err")"
}

head -c 300 "$trace" >"$tmp/cut.gz"
refused "$tmp/cut.gz" "cut.gz: .*gzip"
printf 'arena a 0 0 4096 0\nalloc 1 a 4096\nalloc 1 b 4096\n' >"$tmp/late"
refused "$tmp/late" 'late:3:9: no arena'
tail -c +3 "$trace" >"$tmp/noise"
refused "$tmp/noise" 'noise:1:'
refused "$tmp/absent" 'absent: '
exit $failed
