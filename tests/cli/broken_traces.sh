#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# broken_traces.sh SOURCE KVASIR - replay refuses each input that is no trace:
# exit 2 within a second, the place on stderr, nothing on stdout, no files
set -u
kvasir=$2
cd "$1/tests/broken/traces" || exit 1
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
count=0 failed=0

complain() {
	echo "$file: $*"
	failed=1
}

for file in replay-*; do
	count=$((count + 1))
	strict=
	case $file in replay-strict-*) strict=--strict ;; esac
	# A sanitizer is slower; the bound is what a hang would break.
	timeout "${KV_TIMEOUT:-1}" "$kvasir" replay $strict -o "$tmp/out" \
	    "$file" >"$tmp/stdout" 2>"$tmp/stderr"
	status=$?
	[ $status -eq 2 ] || complain "exit status $status"
	[ -s "$tmp/stdout" ] && complain "something on stdout"
	[ -e "$tmp/out" ] && complain "something written"
	case $file in
	*.perf.gz) place="^$file: .*gzip" ;;
	*.threads) place="^$file:[0-9]*:[0-9]*: ." ;;
	*) place="^$file:[0-9]*: ." ;;
	esac
	grep -q "$place" "$tmp/stderr" || complain "no place: $(cat "$tmp/stderr")"
done
[ $count -ge 12 ] || { echo "only $count inputs"; failed=1; }
exit $failed
