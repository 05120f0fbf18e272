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
	# What the table says catches it, the scenario expects.
	sed -n "s/^$fault .*; \(.*\)$/\1/p" table |
	    grep -o '[a-zA-Z]*-[A-Z][0-9]*\|V[0-9]' >ids
	while read -r id; do
		grep -q "violation(\"$id\")" "$file" ||
		    complain "$fault: $file does not expect $id"
	done <ids
done <scenarios
echo "$(grep -c . scenarios) scenarios of $(grep -c . rows) faults"
exit $failed
