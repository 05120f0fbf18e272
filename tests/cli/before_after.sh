#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# before_after.sh SOURCE KVASIR - mistakes that were made, as policies: with the
# one of then the judge says what is broken, with that of now nothing is
set -u
source=$1 kvasir=$2
out=$(mktemp)
trap 'rm -f "$out"' EXIT
failed=0

# violations PARAMETER=VALUE: their ids, once each
violations() {
	status=0
	"$kvasir" run "$source/scenarios/$scenario.yaml" --format json \
	    -D "$1" >"$out" 2>/dev/null || status=$?
	[ $status -le 1 ] || echo "exit status $status"
	sed -n 's/^ *"id": "\(.*\)",$/\1/p' "$out" | sort -u | tr '\n' ' '
}

while read -r scenario before after ids; do
	got=$(violations "$before")
	[ "$got" = "$ids " ] || {
		echo "$scenario $before: violates '$got', not '$ids'"
		failed=1
	}
	got=$(violations "$after")
	[ "$got" = "" ] || {
		echo "$scenario $after: violates '$got'"
		failed=1
	}
done <<'ROWS'
c101_global_alone flush=none flush=previous V7
c101_global_alone flush=none flush=all V7
c101_global_alone flush=none flush=own V7
c102_next_count flush=next_count flush=previous V7
c111_no_flush_after_copy on_fault=never on_fault=present V7
c111_no_flush_after_copy on_fault=never on_fault=always V7
c112_global_data global=true global=false V7 cow-I4
c113_rearm flush=false flush=true V7
c113_rearm flush=false tags=false V7
ROWS
exit $failed
