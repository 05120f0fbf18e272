#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# faults.sh SOURCE PROGRAM - every fault has a scenario that catches it
#
# Of each scenario that plants faults: with them and without (a parameter says
# `none`) it holds; with the faults left out behind its back it does not,
# unless the table says that nothing catches them.
source=$1 kvasir=$2
failed=0
dir=$(mktemp -d) || exit 1
trap 'rm -rf "$dir"' EXIT
cd "$dir" || exit 1

complain() {
	echo "$*"
	failed=1
}

"$kvasir" list faults | sed 1d >table
cut -d' ' -f1 table | sort >rows
[ -s rows ] || complain 'no faults'
[ "$(uniq -d rows)" = '' ] || complain "twice: $(uniq -d rows)"

# ---- a scenario each, and no other
for file in "$source"/scenarios/r*.yaml; do
	sed -n -e 's/^param: *{fault: \[\([a-z]*-F[0-9]*\),.*/\1/p' \
	    -e 's/^  fault: \[\([a-z]*-F[0-9]*\),.*/\1/p' "$file" |
	    sed "s|\$| $file|"
done | sort >scenarios
cut -d' ' -f1 scenarios | sort -u | diff rows - >difference ||
    complain "faults without scenario (<), or not in the table (>):
$(cat difference)"

# ---- each tells
while read -r fault file; do
	"$kvasir" sweep "$file" --audit 2 >out 2>&1 ||
	    complain "$file: not as it says: $(tail -n 4 out)"
	grep -q "^inject: \[fault\]$" "$file" ||
	    complain "$file: does not inject its parameter"
	sed '/^inject:/d' "$file" >silent.yaml
	"$kvasir" run silent.yaml >out 2>&1
	status=$?
	if grep -q "^$fault .*; nothing: " table; then
		[ $status -eq 0 ] || complain "$fault: something does catch it"
	elif [ $status -ne 1 ]; then
		complain "$fault: $file holds without it, too ($status)"
	fi
	# Injected from outside, where the scenario expects none, it is the same.
	"$kvasir" run "$file" -D fault=none --inject "$fault" >out 2>&1
	[ $? -eq $status ] || complain "$fault: $file, injected: $(tail -n 4 out)"
	echo "$fault" >>"$fault.expected"
	grep -o 'violation("[^"]*")' "$file" >>"$fault.expected"
done <scenarios

# ---- what the table says catches it, a scenario of it expects
while read -r fault; do
	sed -n "s/^$fault .*; \(.*\)$/\1/p" table |
	    grep -o '[a-zA-Z]*-[A-Z][0-9]*\|V[0-9]' >ids
	while read -r id; do
		grep -q "violation(\"$id\")" "$fault.expected" ||
		    complain "$fault: no scenario of it expects $id"
	done <ids
done <rows

# ---- what cannot have a fault is told so
cat >bare.yaml <<-'END'
	kvasir: 1
	arenas: {va: {base: 1G, size: 1M}}
	work: [{alloc: {arena: va, size: 4K}}]
END
while read -r fault; do
	"$kvasir" run bare.yaml --inject "$fault" >out 2>err
	case $?,$(cat err) in
	"2,--inject: fault '$fault' needs '"*"', which is not here")
		[ -s out ] && complain "$fault, refused: a report" ;;
	0,)
		# arenas alone are enough for these
		case $fault in
		freebsd-F6|freebsd-F1[89]|freebsd-F2[34]|illumos-F10) ;;
		*) complain "$fault: nothing can have it, and it is injected" ;;
		esac ;;
	*)
		complain "$fault, where nothing can have it: $(cat err)" ;;
	esac
done <rows
"$kvasir" check bare.yaml --inject elfuse-F4 >out 2>err
status=$?
if [ $status -ne 77 ] || ! grep -q '^ok 1 bare # SKIP --inject: fault' out; then
	complain "check, where nothing can have it ($status): $(cat out err)"
fi
echo "$(grep -c . scenarios) scenarios of $(grep -c . rows) faults"
exit $failed
