#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# event_log.sh SOURCE KVASIR - logs of runs, and runs from their logs
set -eu
kvasir=$2
scenarios=$1/scenarios
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT

fail() {
	echo "$*"
	exit 1
}

# Each scenario's log is judged to have what the scenario expects alone, and
# gives its report again; to write one changes none.
for file in "$scenarios"/*.yaml; do
	case $(basename "$file") in z*) continue ;; esac
	"$kvasir" run "$file" --trace "$tmp/log" --format json >"$tmp/a"
	"$kvasir" check "$tmp/log" >"$tmp/b" || fail "$file: $(cat "$tmp/b")"
	case $(basename "$file") in
	t1*) continue ;; # long ones
	*0_* | *5_*)
		"$kvasir" run "$file" --format json >"$tmp/plain"
		cmp "$tmp/a" "$tmp/plain"
		;;
	esac
	"$kvasir" replay "$tmp/log" --format json >"$tmp/b" ||
		fail "$file: not replayed"
	cmp "$tmp/a" "$tmp/b"
done

# Twice the same bytes, packed or not; what was asked comes along.
churn=$scenarios/k010_reference_churn.yaml
for name in 1 2 3.gz; do
	"$kvasir" run "$churn" -D scheme=old -D churn=300 --seed 7 --audit 2 \
	    --trace "$tmp/$name" >"$tmp/a" || true
done
cmp "$tmp/1" "$tmp/2"
gzip -dc "$tmp/3.gz" | cmp - "$tmp/1"
"$kvasir" replay "$tmp/3.gz" >"$tmp/b" || true
cmp "$tmp/a" "$tmp/b"
grep -q '^: define scheme=old$' "$tmp/1" || fail "the head lacks a parameter"
if grep -q "$tmp" "$tmp/1"; then
	fail "a path in the log"
fi

# A recording: one policy, the same report, judged and held against.
recording=$scenarios/linux-6.18-forks.perf.txt.gz
"$kvasir" replay "$recording" --resident 100 --policy freebsd-d38852 \
    --trace "$tmp/forks" >"$tmp/a"
"$kvasir" replay "$recording" --resident 100 --policy freebsd-d38852 >"$tmp/b"
cmp "$tmp/a" "$tmp/b"
"$kvasir" replay "$tmp/forks" >"$tmp/b"
cmp "$tmp/a" "$tmp/b"
"$kvasir" check "$tmp/forks" >"$tmp/b" || fail "$(cat "$tmp/b")"
"$kvasir" replay "$recording" --trace "$tmp/all" >"$tmp/b" 2>"$tmp/err" &&
	fail "a log of several policies"
grep -q "of one policy" "$tmp/err" || fail "$(cat "$tmp/err")"
[ ! -e "$tmp/all" ] || fail "a log of nothing"

# A log that says something else, or less, or more.
status=0
sed '/^vmem.alloc kernel/s/size=[0-9]*/size=4096/' "$tmp/1" >"$tmp/other"
"$kvasir" replay "$tmp/other" >"$tmp/b" 2>"$tmp/err" || status=$?
[ $status -eq 1 ] || fail "status $status for another event"
grep -q "other:[0-9]*:1: the run does something else: vmem.alloc kernel" \
    "$tmp/err" || fail "$(cat "$tmp/err")"
head -n 2000 "$tmp/1" >"$tmp/less"
"$kvasir" replay "$tmp/less" >"$tmp/b" 2>"$tmp/err" && fail "less is enough"
grep -q "the log ends, the run goes on" "$tmp/err" || fail "$(cat "$tmp/err")"
{ cat "$tmp/1" && echo "run.op run n=1"; } >"$tmp/more"
"$kvasir" replay "$tmp/more" >"$tmp/b" 2>"$tmp/err" && fail "more is fine"
grep -q "the run is over, the log goes on" "$tmp/err" ||
	fail "$(cat "$tmp/err")"

# The judge names what another event breaks, and where.
status=0
sed '0,/^vmem.free kernel/s/^vmem.free kernel va=0x[0-9a-f]*/vmem.free kernel va=0x7000/' \
    "$tmp/1" >"$tmp/other"
"$kvasir" check "$tmp/other" >"$tmp/b" || status=$?
[ $status -eq 1 ] || fail "status $status for a free of nothing"
grep -q "^# .*other:[0-9]*:1: freebsd-I5: .*, at 0x7000, in operation" \
    "$tmp/b" || fail "$(cat "$tmp/b")"

# Garbage: status 2, a place, nothing on stdout.
refused() {
	status=0
	"$kvasir" replay "$1" >"$tmp/b" 2>"$tmp/err" || status=$?
	[ $status -eq 2 ] || fail "$1: status $status"
	[ ! -s "$tmp/b" ] || fail "$1: something on stdout"
	grep -q "$2" "$tmp/err" || fail "$1: $(cat "$tmp/err")"
}
unjudged() {
	status=0
	"$kvasir" check "$1" >"$tmp/b" 2>"$tmp/err" || status=$?
	[ $status -eq 2 ] || fail "$1: status $status of check"
	[ ! -s "$tmp/b" ] || fail "$1: a verdict on stdout"
}
{ cat "$tmp/1" && echo "vmem.alloc kernel va=12"; } >"$tmp/bad"
refused "$tmp/bad" "bad:[0-9]*:24: expected size="
unjudged "$tmp/bad"
sed 's/^: seed 7/: seed seven/' "$tmp/1" >"$tmp/bad"
refused "$tmp/bad" "bad:3:1: no such word, or not a legal value"
sed '/^: run/d' "$tmp/1" >"$tmp/bad"
refused "$tmp/bad" "does not say what was run"
sed 's/^| kvasir: 1/| kvasir: 9/' "$tmp/1" >"$tmp/bad"
refused "$tmp/bad" "bad:7:"
unjudged "$tmp/bad"
head -c 3000 "$tmp/3.gz" >"$tmp/bad.gz"
refused "$tmp/bad.gz" "truncated gzip data"
unjudged "$tmp/bad.gz"

# A run that is refused leaves no log behind; neither does one that fails.
"$kvasir" run "$tmp/bad" --trace "$tmp/none" >"$tmp/b" 2>/dev/null && fail "ran"
"$kvasir" run "$churn" --trace "$tmp/no/log" >"$tmp/b" 2>"$tmp/err" &&
	fail "no folder, and it ran"
grep -q "No such file" "$tmp/err" || fail "$(cat "$tmp/err")"
[ ! -s "$tmp/b" ] || fail "a report in spite of that"
for left in "$tmp"/*.tmp; do
	[ ! -e "$left" ] || fail "something temporary was left behind"
done
[ ! -e "$tmp/none" ] || fail "a log of nothing"
exit 0
