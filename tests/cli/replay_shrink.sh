#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# replay_shrink.sh SOURCE PROGRAM - what a recording breaks comes down to a
# scenario that breaks it by itself
set -eu
source=$1 program=$2
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT

fail() {
	echo "$*"
	exit 1
}

# 3,000 threads of two domains and several sizes, 200 live, and in the end none:
# a linear congruential generator picks who ends.
awk 'BEGIN {
	print "# kvasir threads 1"
	x = 7
	for (n = 1; n <= 3000; n++) {
		line = sprintf("%d.5 0 fork %d domain=%d", n, n, n % 2)
		if (n % 11 == 0)
			line = line sprintf(" pages=%d", n % 33 == 0 ? 8 : 2)
		print line
		live[k++] = n
		x = (x * 1103515245 + 12345) % 2147483648
		if (k > 200) {
			i = int(x / 65536) % k
			printf "%d.7 0 exit %d\n", n, live[i]
			live[i] = live[--k]
		}
	}
	for (i = 0; i < k; i++)
		printf "4000.%d 0 exit %d\n", i % 10, live[i]
}' > "$dir/threads"

# found FAULT ID STEPS [OPTION...]: the replay violates that, and comes down to
# so many steps, that pass by themselves and are of the language.
found() {
	fault=$1 id=$2 steps=$3 status=0
	shift 3
	rm -rf "$dir/o"
	"$program" replay "$dir/threads" --policy freebsd-d38852 \
	    --inject "$fault" "$@" -o "$dir/o" > "$dir/out" || status=$?
	[ $status = 1 ] || fail "$fault: status $status"
	grep -q "after [0-9]* forks and exits: $id at 0x" "$dir/out" ||
		fail "$fault: no $id in the report"
	cmp "$dir/out" "$dir/o/report.txt"
	[ "$(grep -c '^  - ' "$dir/o/shrunk.yaml")" = "$steps" ] ||
		fail "$fault: $(cat "$dir/o/shrunk.yaml")"
	grep -q "violation(\"$id\")" "$dir/o/shrunk.yaml"
	"$program" run "$dir/o/shrunk.yaml" > "$dir/out" ||
		fail "$fault: $(cat "$dir/out")"
	grep -q "^  $id .*(expected)" "$dir/out"
	# Without the fault it is not there: the scenario shows the fault.
	sed '/^inject/d' "$dir/o/shrunk.yaml" > "$dir/sound.yaml"
	if "$program" run "$dir/sound.yaml" > "$dir/out"; then
		fail "$fault: no fault is needed"
	fi
	python3 - "$source/scenarios/schema.json" "$dir/o" "$id" <<'END'
import json, sys
report = json.load(open(sys.argv[2] + '/report.json'))
shrunk = report['violations'][0]['shrunk']
assert shrunk['from'] > 5000 and shrunk['id'] == sys.argv[3], shrunk
assert shrunk['diff'] and shrunk['whatis'], shrunk
assert report['violations'][0]['id'] == sys.argv[3]
try:
    import jsonschema, yaml
except ImportError:
    sys.exit()
schema = json.load(open(sys.argv[1]))
with open(sys.argv[2] + '/shrunk.yaml') as text:
    jsonschema.validate(yaml.safe_load(text), schema)
END
}

# Of one stack: each guard is wrong.  Of two: a chunk that goes back has come.
found freebsd-F2 freebsd-I3 1
found freebsd-F2 freebsd-I2 1 --audit 2 --resident 1000
found freebsd-F6 freebsd-I6 2
found freebsd-F8 freebsd-I2 1
found freebsd-F15 freebsd-I7 2
found freebsd-F18 freebsd-I8 2 --audit 2
# A stack of another size, alone.
found freebsd-F17 freebsd-I9 1 --audit 2

# Several policies: a file for each that violates something.
rm -r "$dir/o"
"$program" replay "$dir/threads" --policy freebsd-linear,freebsd-d38852,kvasir \
    --inject freebsd-F8 -o "$dir/o" > "$dir/out" && fail "F8 passes"
[ ! -e "$dir/o/shrunk.yaml" ]
for policy in freebsd-d38852 kvasir; do
	grep -q "shrunk-$policy.yaml violates it by itself" "$dir/out"
	"$program" run "$dir/o/shrunk-$policy.yaml" > /dev/null
done

# The log of it says which fault it was.
"$program" replay "$dir/threads" --policy freebsd-d38852 --inject freebsd-F6 \
    --trace "$dir/log" > "$dir/a" && fail "F6 passes"
"$program" replay "$dir/log" > "$dir/b" && fail "F6 passes from its log"
cmp "$dir/a" "$dir/b"

# What is no fault of kernel stacks, or none, is refused.
for fault in mmu-F1 elfuse-F1 freebsd-F99; do
	status=0
	"$program" replay "$dir/threads" --inject $fault > "$dir/out" \
	    2> "$dir/err" || status=$?
	[ $status = 2 ] || fail "$fault: status $status"
	[ ! -s "$dir/out" ] || fail "$fault: a report"
	grep -q "no fault \"$fault\" of kernel stacks" "$dir/err"
done

# What holds leaves nothing to shrink.
rm -r "$dir/o"
"$program" replay "$dir/threads" -o "$dir/o" > /dev/null
for file in "$dir"/o/shrunk*; do
	[ ! -e "$file" ] || fail "something was shrunk"
done
