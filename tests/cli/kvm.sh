#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# kvm.sh SOURCE KVASIR - run --backend kvm: what is said where, and found
set -u
source=$1
# shellcheck source=tests/script.sh
. "$1/tests/script.sh"
cd "$tmp" || exit 1

# try STATUS ARGUMENT...: run it; stdout and stderr are kept
try()
{
	want=$1
	shift
	"$kvasir" "$@" >stdout 2>stderr
	got=$?
	[ $got -eq "$want" ] && return
	complain "kvasir $*: status $got, not $want"
	cat stdout stderr
}

says()
{
	grep -q "$2" "$1" || {
		complain "no '$2' in $1:"
		cat "$1"
	}
}

scenario()
{
	printf '%s\n' 'kvasir: 1' 'param: {guard: 1, word: new}' \
	    'machine: {memory: 16M}' \
	    'kstacks: {policy: freebsd-d38852, scheme: word, guard: guard}' \
	    'work: [spawn: {count: 100}]'
}
scenario >good.yaml

# Without KVM, or without the right to it: skipped, or failed where required.
absent()
{
	"$@" "$kvasir" run good.yaml --backend kvm >stdout 2>stderr
	[ $? -eq 77 ] || complain 'no KVM: not skipped'
	says stderr 'run: no KVM: '
	[ ! -s stdout ] || complain 'no KVM: a report'
	"$@" "$kvasir" run good.yaml --backend kvm --require-kvm \
	    >stdout 2>stderr
	[ $? -eq 1 ] || complain 'no KVM: --require-kvm does not fail'
	[ ! -s stdout ] || complain 'no KVM: a report'
}

# What needs no KVM is no reason to skip.
sed 's/machine: .*/machine: {name: arm64-16k, memory: 512M}/' good.yaml >arm.yaml
printf '%s\n' 'kvasir: 1' 'arenas: {va: {base: 1M, size: 1M}}' \
    'work: [alloc: {arena: va, size: 4K}]' >arena.yaml
try 0 run arena.yaml --backend kvm
says stdout 'nothing to map here'

# A fault in the model is found without KVM, too.
for fault in 1:2 2:2 3:3 4:2; do
	try 1 run good.yaml --inject "mmu-F${fault%:*}"
	says stdout "mmu-I${fault#*:} .*0xfffffe0.*model: "
done
try 2 run good.yaml --inject mmu-F5

if ! "$kvasir" machine --require-kvm >stdout 2>stderr; then
	absent
	[ $failed -eq 0 ] || exit 1
	echo 'skipped: no KVM here'
	exit 77
fi
if [ "$(id -u)" = 0 ] && command -v setpriv >stdout &&
    [ "$(stat -c %a /dev/kvm)" = 600 ]; then
	chmod -R a+rX "$tmp"
	absent setpriv --reuid 65534 --regid 65534 --clear-groups
fi

# ---- both machines agree
try 0 run good.yaml --backend kvm
says stdout '  backend   kvm (.* paging, CPL 3 .*) against the model'
says stdout 'verify.machines  *2$'
says stdout 'verify.pages  *400 '
try 0 run good.yaml --backend kvm --format json
says stdout '"backend": "kvm"'
says stdout '"host.resident_bytes"'
try 0 run good.yaml
grep -q 'host\.\|verify\.' stdout && complain 'figures of a host on the model'
for guard in 0 2 3 4; do
	try 0 run good.yaml --backend kvm -D guard=$guard
	says stdout "verify.guards  *$((guard * 100)) "
done
for word in old nores; do
	try 0 run good.yaml --backend kvm -D word=$word
done
# The closed form of metrics.md 2, as a guest maps it.
for shape in 4+2 4+3 4+4 8+1; do
	try 0 run "$source/scenarios/x002_guards.yaml" --backend kvm \
	    -D "pages=${shape%+*}" -D "guard=${shape#*+}" -D stacks=1024
done
try 0 run arm.yaml --backend kvm
says stdout 'backend   the model alone: KVM runs page tables of amd64'

# ---- and a fault in the model is found by both
for fault in 1:2 2:2 3:3 4:2; do
	try 1 run good.yaml --backend kvm --inject "mmu-F${fault%:*}"
	says stdout "mmu-I${fault#*:} .*0xfffffe0.*model: .*; [a-z_]*: "
done

# ---- what the host holds, for the plot
sed 's/16M}/16M, huge: yes}/' good.yaml >huge.yaml
try 0 run huge.yaml --backend kvm -o out
says out/huge.dat '^"new" [1-9][0-9]* [0-9]* [0-9]*$'
try 0 run good.yaml -o model
[ ! -e model/huge.dat ] || complain 'huge.dat without KVM'

exit $failed
