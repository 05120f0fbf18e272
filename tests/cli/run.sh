#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# run.sh SOURCE KVASIR - exit statuses, streams and files of `kvasir run`
set -u
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
	[ $got -eq "$want" ] || {
		complain "kvasir $*: status $got, not $want"
		cat stderr
	}
	# A refused input leaves stdout empty and says why.
	if [ "$want" -eq 2 ] || [ "$want" -eq 77 ]; then
		[ ! -s stdout ] || complain "kvasir $*: output with status $want"
		[ -s stderr ] || complain "kvasir $*: no reason on stderr"
	fi
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
	printf '%s\n' 'kvasir: 1' 'param: {n: [3, 4], word: new}' \
	    'machine: {name: amd64, memory: [{start: 16M, size: 16M}]}' \
	    'kstacks: {policy: freebsd-d38852, scheme: word}' \
	    'work: [spawn: {count: n}]' "$@"
}

# ---- statuses
scenario 'expect: [kstack.live == n]' >good.yaml
scenario 'expect: [kstack.live == 2]' >bad.yaml
scenario 'expect: [kstack.live == 1 / (n - 3)]' >divides.yaml
scenario 'expect: [kstack.liv == 3]' >unknown.yaml
try 0 run good.yaml
says stdout 'Outcome: ok; 1 of 1 expectations hold'
try 0 run good.yaml -D n=4
says stdout 'kstack.live == n'
try 1 run bad.yaml
says stdout 'FAILED kstack.live == 2 (it is 3)'
says stdout 'Outcome: failed; 0 of 1'
try 2 run divides.yaml
says stderr 'divides.yaml:6:'
try 2 run unknown.yaml
says stderr 'kstack.live'
try 2 run missing.yaml
try 2 run .
try 2 run
try 2 run good.yaml good.yaml
try 2 run good.yaml -D n
try 2 run good.yaml -D m=3
says stderr 'm'
try 2 run good.yaml -D 'n=3 +'
says stderr '^-D n:1:'
try 2 run good.yaml --inject freebsd-F0
try 2 run good.yaml --audit 4
try 2 run good.yaml --audi 1
says stderr -e--audit
try 1 run bad.yaml --inject mmu-F2
says stdout 'mmu-I2 .*guard page 1 below the stack at 0x'

# ---- what the kernel panics on ends the run, not the report
cat >panic.yaml <<'END'
kvasir: 1
arenas:
  va: {base: 0x10000, size: 16K, quantum: 4K}
work:
  - alloc: {arena: va, size: 4K, as: a}
  - free: {name: a}
  - free: {name: a}
END
try 1 run panic.yaml
says stdout 'Outcome: would-panic'
says stdout 'vmem-I5'
try 1 run panic.yaml --format json
says stdout '"outcome": "would-panic"'
{ cat panic.yaml; echo 'expect: [violation("vmem-I5")]'; } >expected.yaml
try 0 run expected.yaml
says stdout '(expected)'

# ---- JSON is JSON, its keys sorted; the same bytes every time
try 0 run good.yaml --format json --audit 3
cp stdout first
try 0 run good.yaml --format json --audit 3
cmp -s stdout first || complain 'two runs differ'
if command -v python3 >/dev/null; then
	python3 - first <<'END' || complain 'not the JSON that was promised'
import json, sys

def sorted_keys(pairs):
    keys = [k for k, _ in pairs]
    assert keys == sorted(set(keys)), keys
    return dict(pairs)

r = json.load(open(sys.argv[1]), object_pairs_hook=sorted_keys)
assert set(r) == {'kvasir', 'scenario', 'seed', 'backend', 'params', 'metrics',
                  'series', 'expect', 'violations', 'outcome'}, sorted(r)
assert r['scenario'] == 'good' and r['seed'] == 12345
assert r['backend'] == 'model' and r['outcome'] == 'ok'
assert r['params'] == {'n': 3, 'word': 'new'}, r['params']
assert r['expect'] == [{'text': 'kstack.live == n', 'ok': True, 'value': 3}]
assert r['violations'] == [] and r['series'] == {}
m = r['metrics']
assert m['kstack.live'] == 3 and m['trace.fnv'].startswith('0x')
assert isinstance(m['phys.fmfi.o0'], int) and isinstance(m['map.n80'], int)
END
fi

# ---- -o: both forms, the folder created; the same as on stdout
try 0 run good.yaml -o out/deep
[ "$(cd out/deep && echo *)" = "arenas.txt buddyinfo.txt contiguity.dat \
contiguity.gp entries.dat entries.gp free_blocks.dat free_blocks.gp \
free_map.dat free_map.gp guards.dat guards.gp histogram.dat histogram.gp \
kernel_maps.txt kstat.txt occupancy.dat occupancy.gp partpopq.txt \
phys_free.txt pindex.dat pindex.gp pressure.gp promotion.dat promotion.gp \
report.json report.txt runs.dat runs.gp show_vmem.txt" ] || complain "-o wrote: $(ls out/deep)"
cmp -s stdout out/deep/report.txt || complain 'report.txt is not the report'
cmp -s first out/deep/report.json || complain 'the audit changed the report'
try 0 run good.yaml --format json -o out/deep
cmp -s stdout out/deep/report.json || complain 'report.json is not the report'
# A failed expectation still reports; a refused scenario touches nothing.
try 1 run bad.yaml -o failed
[ -s failed/report.txt ] || complain 'no report of a failed run'
try 2 run unknown.yaml -o refused
[ ! -e refused ] || complain 'a refused scenario made a folder'
# A folder that cannot be: nothing half-written, nothing on stdout.
: >file
try 2 run good.yaml -o file
try 2 run good.yaml -o file/below
mkdir taken taken/report.json
try 2 run good.yaml -o taken
[ "$(find taken -name '*.tmp')" = "" ] || complain 'a temporary file stayed'

exit $failed
