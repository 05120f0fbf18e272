#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# limits.sh SOURCE KVASIR - what an input may cost is bounded: exit 2, what was
# too much on stderr with its place, nothing on stdout, nothing written
set -u
scenarios=$1/scenarios
# shellcheck source=tests/script.sh
. "$1/tests/script.sh"

# refused PATTERN ARGUMENT...
refused() {
	want=$1
	shift
	"$kvasir" "$@" >"$tmp/stdout" 2>"$tmp/stderr"
	status=$?
	[ $status -eq 2 ] || complain "$*: exit status $status"
	[ -s "$tmp/stdout" ] && complain "$*: something on stdout"
	[ -e "$tmp/out" ] && complain "$*: something written"
	grep -q "$want" "$tmp/stderr" || complain "$*: $(cat "$tmp/stderr")"
	[ "$(wc -l <"$tmp/stderr")" -eq 1 ] || complain "$*: more than a line"
}

churn=$scenarios/k010_reference_churn.yaml
steps='more than 500 steps (--max-steps)$'
memory='more than 131072 bytes of memory (--max-memory)$'
place='^[^ ]*:[0-9]*:[0-9]*: '
refused "$place$steps" run "$churn" --max-steps 500 -o "$tmp/out"
refused "$memory" run "$churn" --max-memory 128K -o "$tmp/out"
refused "$place$steps" run "$churn" --max-steps 500 --trace "$tmp/log"
[ -z "$(find "$tmp" -name 'log*')" ] || complain 'half a log is left'
refused "$place"'more than 67108864 bytes' run \
	"$scenarios/z001_million_stacks.yaml" --max-memory 64M
refused "$place$steps" whatis "$churn" 0x1000 --max-steps 500

cat >"$tmp/idle.yaml" <<'END'
kvasir: 1
title: As long as it gets
machine: {name: amd64, memory: [{start: 16M, size: 16M}]}
kstacks: {policy: freebsd-d38852}
work:
  - idle: {operations: 1000000000}
END
refused 'idle.yaml:6:5: more than 1000 steps' run "$tmp/idle.yaml" \
	--max-steps 1000
sed 's/size: 16M/size: 15T/' "$tmp/idle.yaml" >"$tmp/wide.yaml"
refused 'wide.yaml: more than 67108864 bytes' run "$tmp/wide.yaml" \
	--max-memory 64M

# A line is a step; so are 64 pages or spans that it goes through.
yes 'tick' | head -n 600 | sed '1i machine 16M 1' >"$tmp/ticks"
refused 'ticks:501: more than 500 steps' phys "$tmp/ticks" --max-steps 500
printf 'machine 1G 1\nanon 64000 0\n' >"$tmp/pages"
refused 'pages:2: more than 500 steps' phys "$tmp/pages" --max-steps 500
refused 'pages:2: more than 524288 bytes' phys "$tmp/pages" --max-memory 512K
{
	echo 'arena a 0 0 4096 0'
	seq 600 | sed 's/.*/size a free/'
} >"$tmp/sizes"
refused 'sizes:501: more than 500 steps' vmem "$tmp/sizes" --max-steps 500
"$kvasir" vmem "$tmp/sizes" --max-steps 601 >/dev/null ||
	complain 'as many steps as are allowed'

{
	echo '# kvasir threads 1'
	seq 600 | sed 's/.*/& 0 fork &/'
} >"$tmp/threads"
refused 'threads:501: more than 500 steps' replay "$tmp/threads" --max-steps 500 \
	-o "$tmp/out"
refused 'more than 1048576 bytes' replay "$tmp/threads" --max-memory 1M \
	-o "$tmp/out"

# A file that is small only while it is packed.
head -c 64M /dev/zero | gzip >"$tmp/bomb.gz"
refused 'bomb.gz: more than 1048576 bytes' vmem "$tmp/bomb.gz" \
	--max-memory 1M

# All runs of an exploration are one work.
cat >"$tmp/explore.yaml" <<'END'
kvasir: 1
machine: {name: amd64, memory: 64M}
kstacks: {policy: freebsd-d38852}
explore:
  length: 64
  operations: [{spawn: {count: 1}}, {spawn: {count: 1, pages: 2}}, dispose]
END
refused 'explore.yaml:.* more than 100000 steps' explore "$tmp/explore.yaml" \
	--max-steps 100000

# Nor is a line without end one step.
head -c 64M /dev/zero | gzip >"$tmp/line.gz"
refused 'line.gz:31: more than 500000 steps' replay "$tmp/line.gz" \
	--max-steps 500000

for value in 0 x 1T -1 '' 18446744073709551616 17179869184G; do
	refused 'expected BYTES' run "$churn" --max-memory "$value"
done
for value in 0 x 1K -1 ''; do
	refused 'expected N' run "$churn" --max-steps "$value"
done
exit $failed
