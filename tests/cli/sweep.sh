#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# sweep.sh SOURCE KVASIR - rows, order, statuses, streams and files of a sweep
set -u
source=$(realpath "$1") kvasir=$(realpath "$2")
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
cd "$dir" || exit 1
failed=0

complain() {
	echo "$*"
	failed=1
}

# try STATUS ARGUMENT...: sweep; stdout and stderr are kept
try() {
	local want=$1 got=0
	shift
	timeout "${KV_TIMEOUT:-60}" "$kvasir" sweep "$@" >stdout 2>stderr ||
		got=$?
	[ $got -eq "$want" ] || {
		complain "kvasir sweep $*: status $got, not $want"
		cat stderr
	}
	if [ "$want" -eq 2 ]; then
		[ ! -s stdout ] || complain "sweep $*: output with status 2"
		[ -s stderr ] || complain "sweep $*: no reason on stderr"
	fi
}

says() {
	grep -q -- "$2" "$1" || {
		complain "no '$2' in $1:"
		cat "$1"
	}
}

# rows TEXT: what the last sweep printed
rows() {
	diff - stdout <<<"$1" || complain 'other rows'
}

# ---- the last parameter in the file varies fastest; derived ones follow
cat >three.yaml <<'END'
kvasir: 1
title: Three parameters
param: {size: [1, 2, 3], twice: 2 * size, word: [b, "x, \"y\""], left: 8}
arenas: {va: {base: 0, size: 8 * machine.page_size, quantum: machine.page_size}}
work: [{alloc: {arena: va, size: twice * machine.page_size}}]
metrics: {pages: vmem.va.inuse / machine.page_size}
expect: [pages < 6, vmem.va.fail == 0, word != "c"]
END
try 1 three.yaml --format csv --metric vmem.va.free_tags
rows 'size,twice,word,left,pages,vmem.va.fail,vmem.va.free_tags,outcome,why
1,2,b,8,2,0,1,ok,
1,2,"x, ""y""",8,2,0,1,ok,
2,4,b,8,4,0,1,ok,
2,4,"x, ""y""",8,4,0,1,ok,
3,6,b,8,6,0,1,failed,pages < 6 (it is 6)
3,6,"x, ""y""",8,6,0,1,failed,pages < 6 (it is 6)'
[ ! -s stderr ] || complain "on stderr: $(cat stderr)"
# -D fixes one; what is the same everywhere is said once
try 0 three.yaml -D 'word=c2' -D size=2
rows 'three: Three parameters
  points    1
  seed      12345
  in all    size 2, twice 4, word c2, left 8, pages 4, vmem.va.fail 0

  outcome
  ok

1 of 1 points pass'
try 1 three.yaml -D word=b
rows 'three: Three parameters
  points    3
  seed      12345
  in all    word b, left 8, vmem.va.fail 0

  size  twice  pages  outcome
     1      2      2  ok
     2      4      4  ok
     3      6      6  failed   pages < 6 (it is 6)

2 of 3 points pass'
# a metric that is there already is no second column
try 0 three.yaml -D word=b -D size=1 --metric pages --format csv
rows 'size,twice,word,left,pages,vmem.va.fail,outcome,why
1,2,b,8,2,0,ok,'

# ---- a point that is refused is a row; if all are, the scenario is
cat >some.yaml <<'END'
kvasir: 1
param: {n: [0, 1, 2, 3], m: 6 / n}
arenas: {va: {base: 0, size: 16K, quantum: 4K}}
work: [{alloc: {arena: va, size: 4K * (m - 2)}}]
expect: [1 / (n - 1) >= 1]
END
try 1 some.yaml --format csv
rows 'n,m,outcome,why
0,,refused,some.yaml:2:31: division by zero
1,6,refused,some.yaml:5:12: division by zero
2,3,ok,
3,2,refused,some.yaml:4:34: '\''size'\'' is 0; it must be at least 1'
cp some.yaml /tmp/other.$$.yaml && try 1 "/tmp/other.$$.yaml" --format csv
rm -f "/tmp/other.$$.yaml"
says stdout "^0,,refused,other.$$.yaml:2:31: division by zero"
try 2 some.yaml -D n=1
says stderr '^some.yaml:5:12: division by zero'
try 2 some.yaml -D 'n=2 +'
says stderr '^-D n:1:'
try 2 some.yaml -D k=2
says stderr '^-D k:1:1: unknown parameter'

# ---- a kernel that would have panicked; violations that are expected
cat >panic.yaml <<'END'
kvasir: 1
param: {again: [1, 2]}
arenas: {va: {base: 0x10000, size: 16K, quantum: 4K}}
work:
  - alloc: {arena: va, size: 4K, as: a}
  - repeat: {times: again, steps: [{free: {name: a}}]}
END
try 1 panic.yaml
says stdout '^ *2  would-panic  vmem-I5 '
{ cat panic.yaml; echo 'expect: [violation("vmem-I5")]'; } >expected.yaml
try 1 expected.yaml --format csv
rows 'again,outcome,why
1,failed,"violation(""vmem-I5"")"
2,would-panic,'

# ---- the same bytes, however many work on it, in every form
churn=$source/scenarios/k010_reference_churn.yaml
for format in text csv json; do
	try 0 "$churn" --format $format -D stacks=200 -D churn=100 \
		-D 'memory=16M' --metric trace.fnv --seed 7
	cp stdout one
	for jobs in 2 3 256; do
		try 0 "$churn" --format $format -D stacks=200 -D churn=100 \
			-D 'memory=16M' --metric trace.fnv --seed 7 -j $jobs
		cmp one stdout || complain "-j $jobs gives other bytes"
	done
	try 1 some.yaml --format $format
	cp stdout one
	try 1 some.yaml --format $format -j 2
	cmp one stdout || complain "refused points depend on -j"
done

# ---- a point says what run says
try 0 "$churn" --format csv -D stacks=200 --metric trace.fnv
header=$(head -1 stdout)
number=$(tr ',' '\n' <<<"$header" | grep -nx trace.fnv | cut -d: -f1)
for scheme in new old nores; do
	want=$("$kvasir" run "$churn" -D scheme=$scheme -D stacks=200 \
		-D first_kva=2M --format json |
		sed -n 's/^  "trace.fnv": "\(.*\)",*$/\1/p')
	got=$(grep "^$scheme,2097152," stdout | cut -d, -f"$number")
	[ "${got:-none}" = "$want" ] ||
		complain "$scheme: trace.fnv is '$got', run says '$want'"
done

# ---- JSON is JSON, sorted; -o has all forms
try 1 three.yaml --format json -o out/deep
cmp stdout out/deep/report.json || complain 'report.json is not the report'
[ "$(cd out/deep && echo *)" = 'report.csv report.json report.txt sweep.dat' ] ||
	complain "-o wrote: $(ls out/deep)"
diff - out/deep/sweep.dat <<'END' || complain 'other columns'
# sweep: three, seed 12345
# size twice left pages vmem.va.fail
1 2 8 2 0
1 2 8 2 0
2 4 8 4 0
2 4 8 4 0
3 6 8 6 0
3 6 8 6 0
END
if command -v python3 >/dev/null; then
	python3 - stdout <<'END' || complain 'not the JSON that was promised'
import json, sys

def sorted_keys(pairs):
    keys = [k for k, _ in pairs]
    assert keys == sorted(set(keys)), keys
    return dict(pairs)

r = json.load(open(sys.argv[1]), object_pairs_hook=sorted_keys)
assert set(r) == {'failed', 'kvasir', 'points', 'scenario', 'seed'}, sorted(r)
assert r['failed'] == 2 and r['scenario'] == 'three' and len(r['points']) == 6
p = r['points'][3]
assert p == {'metrics': {'pages': 4, 'vmem.va.fail': 0}, 'outcome': 'ok',
             'params': {'left': 8, 'size': 2, 'twice': 4, 'word': 'x, "y"'},
             'pass': True, 'why': ''}, p
END
fi
: >file
try 2 three.yaml -o file
try 2 three.yaml -o file/below

# ---- what is refused
try 2 three.yaml --metric vmem.va.fial
says stderr "^--metric: unknown metric 'vmem.va.fial'"
for option in --shard=1/2 --resume --merge; do
	try 2 three.yaml $option
	says stderr "${option%=*}"
done
for jobs in 0 -1 257 two ''; do
	try 2 three.yaml -j "$jobs"
	says stderr "-j"
done
try 2 three.yaml --format ktap
try 2 missing.yaml
try 2 three.yaml three.yaml
many=$(seq -s, 1 1001)
printf 'kvasir: 1\nparam: {a: [%s], b: [%s]}\n' "$many" "$many" >many.yaml
try 2 many.yaml
says stderr 'more than 1000000 points'
try 0 many.yaml -D a=1 -j 2
says stdout '^1001 of 1001 points pass'

# A file that run refuses is refused in the same words.
for file in "$source"/tests/broken/scenarios/*.yaml; do
	options=()
	while IFS= read -r define; do
		options+=(-D "$define")
	done < <(sed -n 's/^# define: //p' "$file")
	try 2 "$file" "${options[@]}"
	cp stderr one
	"$kvasir" run "$file" "${options[@]}" >/dev/null 2>stderr
	cmp one stderr || complain "$file: run says something else"
done
exit $failed
