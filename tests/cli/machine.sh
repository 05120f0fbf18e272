#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# machine.sh SOURCE PROGRAM - what kvasir machine says with and without KVM
set -euo pipefail
program=$2
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
status=0

fail() {
	echo "$*"
	status=1
}

# The two forms say the same, whatever there is.
"$program" machine >"$work/text"
"$program" machine --format json >"$work/json"
grep -q '^model   yes ' "$work/text" || fail 'no line for the model'
python3 - "$work" <<'END' || fail 'text and JSON disagree'
import json
import re
import sys

text = open(sys.argv[1] + '/text').read()
kvm = json.load(open(sys.argv[1] + '/json'))['kvm']
line = re.search(r'^kvm +(yes|no) +(.*)$', text, re.M)
if line[1] == 'no':
    assert kvm == {'available': 0, 'reason': line[2]}, kvm
    assert 'quirk' not in text
else:
    pairs = dict(word.split('=') for word in line[2].split())
    assert list(pairs) == ['kind', 'paging', 'cpl0', 'cpl3', 'gb', 'la57',
                           'coherent', 'stats'], pairs
    assert kvm['available'] == 1
    assert all(str(kvm[key]) == value for key, value in pairs.items()), kvm
    assert pairs['paging'] in ('nested', 'shadow')
    assert pairs['cpl0'] in ('native', 'emulated')
    assert pairs['cpl3'] in ('native', 'emulated')
END

# A device that opens has a KVM that works; without one there is a reason.
if grep -q '^kvm     no ' "$work/text"; then
	expected=1
	[ ! -w /dev/kvm ] || grep -q 'built without KVM' "$work/text" ||
		fail "/dev/kvm opens: $(cat "$work/text")"
else
	expected=0
fi
result=0
"$program" machine --require-kvm >"$work/required" 2>"$work/err" || result=$?
[ "$result" -eq "$expected" ] ||
	fail "--require-kvm: status $result, not $expected"
cmp -s "$work/text" "$work/required" ||
	fail '--require-kvm changes what is printed'
[ "$expected" -eq 0 ] || [ -s "$work/err" ] ||
	fail '--require-kvm fails without a message'
exit $status
