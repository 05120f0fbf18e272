#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# report.sh SOURCE KVASIR - a kernel's own indices come out to the last digit;
# what a run leaves in -o is read back; what is no state is refused
set -u
source=$1
# shellcheck source=tests/script.sh
. "$1/tests/script.sh"

# Recorded in one moment from Linux 6.18: the indices that the kernel prints
# for these free lists, as .123 or 0.123 or -1.000.
golden=$source/tests/golden/linux
"$kvasir" report "$golden/buddyinfo" --format json >"$tmp/real.json" ||
	complain 'no report of buddyinfo'
python3 - "$tmp/real.json" "$golden" <<'EOF' || complain 'not what Linux says'
import json
import sys
zones = json.load(open(sys.argv[1]))['metrics']
wrong = seen = 0
for name in 'extfrag_index', 'unusable_index':
    ours = {'extfrag_index': 'frag_index'}.get(name, name)
    for line in open(f'{sys.argv[2]}/{name}'):
        node, rest = line.split(', zone')
        zone, *values = rest.split()
        metrics = zones[f'{node.lower().replace(" ", "")}.{zone}']
        for order, value in enumerate(values):
            want = int(value.replace('.', ''))
            got = metrics[f'phys.{ours}.o{order}']
            seen += 1
            if got != want:
                print(f'{zone} {ours} order {order}: {got}, not {want}')
                wrong += 1
sys.exit(wrong or seen != 66)
EOF

# The shapes that we write are the shapes that we read.
"$kvasir" run "$source/scenarios/k010_reference_churn.yaml" -D churn=500 \
	-D stacks=1400 -D memory=24M -o "$tmp/run" >"$tmp/out" ||
	complain 'no run'
for shape in buddyinfo phys_free partpopq kernel_maps arenas; do
	"$kvasir" report "$tmp/run/$shape.txt" --format json \
		>"$tmp/$shape.json" 2>"$tmp/err" || complain "$shape: $(cat "$tmp/err")"
	[ -s "$tmp/err" ] && complain "$shape: $(cat "$tmp/err")"
	"$kvasir" report "$tmp/run/$shape.txt" >"$tmp/$shape.text" ||
		complain "$shape: no text"
done
for file in kstat show_vmem; do
	[ -s "$tmp/run/$file.txt" ] || complain "no $file.txt"
done
python3 - "$tmp" <<'EOF' || complain 'the shapes lose something'
import json
import sys
run = json.load(open(f'{sys.argv[1]}/run/report.json'))['metrics']
wrong = seen = 0
# Beside these, what a file cannot know is left out of its report.
same = {'map.virtual.cover32', 'map.virtual.n80', 'map.virtual.runs',
        'map.pages', 'phys.queued_pages', 'phys.free_blocks',
        'phys.free_huge_score', 'reserv.unused_pages', 'vmem.kstack0.inuse'}
for shape in 'buddyinfo', 'phys_free', 'partpopq', 'kernel_maps', 'arenas':
    got = json.load(open(f'{sys.argv[1]}/{shape}.json'))['metrics']
    for name in got:
        if name in run:
            seen += 1
            same.discard(name)
            if got[name] != run[name]:
                print(f'{shape}: {name} is {got[name]}, not {run[name]}')
                wrong += 1
sys.exit(bool(wrong or same or seen < 140))
EOF

cd "$source/tests/broken/captures" || exit 1
for file in *; do
	timeout "${KV_TIMEOUT:-1}" "$kvasir" report -o "$tmp/no" "$file" \
		>"$tmp/out" 2>"$tmp/err"
	status=$?
	[ $status -eq 2 ] || complain "$file: exit status $status"
	[ -s "$tmp/out" ] && complain "$file: something on stdout"
	[ -e "$tmp/no" ] && complain "$file: something written"
	grep -q "^$file:[0-9]*:[0-9]*: ." "$tmp/err" ||
		complain "$file: no place: $(cat "$tmp/err")"
done

for wrong in "report $tmp" 'report /no/such/file' 'report --machine vax x'; do
	# shellcheck disable=SC2086
	"$kvasir" $wrong >"$tmp/out" 2>"$tmp/err" && complain "$wrong passes"
	[ -s "$tmp/out" ] && complain "$wrong: something on stdout"
done
exit $failed
