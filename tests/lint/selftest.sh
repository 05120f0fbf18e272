#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# selftest.sh SOURCE - every lint catches what it is there for
#
# Each case plants one fault in a copy of the tree and runs one lint there:
# it must fail with status 1.  That it passes on the tree as it is, is the
# lint's own test.
set -euo pipefail
source=$1
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
git -C "$source" rev-parse 2>/dev/null || exit 77
tree=$work/tree
planted=0
status=0

# plant LINT WHAT: LINT must fail now; afterwards the copy is clean again
plant() {
	local result=0
	git -C "$tree" add -A
	"$tree/tests/lint/$1" "$tree" >"$work/log" 2>&1 || result=$?
	planted=$((planted + 1))
	if [ "$result" -ne 1 ] && [ "$result" -ne 77 ]; then
		echo "$1 does not see $2 (status $result)"
		status=1
	fi
	git -C "$tree" reset -q --hard clean
}

# A repository of its own, so that git there knows exactly the copied files.
mkdir "$tree"
(cd "$source" && git ls-files -z --cached --others --exclude-standard |
	while IFS= read -r -d '' file; do
		[ ! -e "$file" ] || printf '%s\0' "$file"
	done | tar -c --null -T - -f -) | tar -x -C "$tree" -f -
git -C "$tree" init -q
git -C "$tree" add -A
git -C "$tree" -c user.name=lint -c user.email=lint@localhost \
	-c commit.gpgsign=false -c core.hooksPath=/dev/null commit -q -m clean
git -C "$tree" tag clean
cd "$tree"

echo '#include "sim/out/log.h"' >>alloc/pindex.c
plant layers.py 'alloc/ including sim/'
echo '#include "vmem.h"' >>alloc/host.c
plant layers.py 'an include that goes up'
echo '#include "object.h"' >>alloc/object.h
echo '#include "phys.h"' >>alloc/vmem.h
plant layers.py 'an include of the same level'
echo '#include <stdio.h>' >>alloc/pindex.c
plant layers.py 'stdio in alloc/'
echo '#include <jemalloc/jemalloc.h>' >>alloc/pindex.c
plant layers.py 'jemalloc outside host.c'
echo '#include <yaml.h>' >>sim/out/emit.c
plant layers.py 'yaml outside sim/in/'
echo 'int kv_x;' >alloc/unheard_of.c
plant layers.py 'a file without a level'
echo '7 alloc/base.h' >>tests/lint/layers.txt
plant layers.py 'a file named at two levels'

echo '#include "alloc/vmem.h"' >>sim/run/oracle_arena.c
plant oracle.py 'the judge including an allocator'
echo 'void *f(void) { return kv_vmem_create; }' >>sim/run/oracle.c
plant oracle.py 'the judge calling an allocator'

for literal in 4096 0x1000UL 0xfff 'x << 12' 'x >>= 12' 512u 2097152; do
	echo "enum { X = $literal };" >>sim/out/emit.c
	plant page_size.py "$literal"
done

echo 'static char *f(void) { return strdup("x"); }' >>sim/out/emit.c
plant memory.py 'memory that is not counted'

echo 'struct kv_x { kv_va_t va; };' >tests/alone.h
plant headers.sh 'a header that needs another'
printf 'struct kv_x {\n\tint x;\n};\n' >tests/twice.h
plant headers.sh 'a header without a guard'

printf '\nint kv_planted(int x);\n' >>alloc/pindex.h
plant comments.py 'a function without a comment'
printf '\nint kv_a(void);\n/* Says what. */\nint kv_b(void);\n' >>sim/out/log.h
plant comments.py 'a function before the comment of its group'

sed -i 's/"guard.mapped"/"guard.mapping"/' sim/out/metrics.def
plant metrics.py 'a promised metric that is gone'
sed -i 's/^\(X("trace.fnv", "", HEX, \).*/\1"")/' sim/out/metrics.def
plant metrics.py 'a metric without a meaning'
echo 'static const char *kv_x = "reserv.planted";' >>sim/out/emit.c
plant metrics.py 'a metric that is not declared'
echo 'X("zone.planted", "", COUNT, "made by nobody at all")' \
	>>sim/out/metrics.def
plant metrics.py 'a metric that is made nowhere'
sed -i '$p' sim/out/metrics.def
plant metrics.py 'a metric declared twice'

sed -i 's/I2  Blocks do not/I2  Blocks may not/' alloc/buddy.c
plant invariants.py 'a theory block that changed'
echo 'X("zoo-I1", "Animals stay inside")' >>sim/run/claims.def
plant claims.py 'an invariant that nothing checks'
sed -i 's/^  - guile-U7: /  - guile-U8: /' scenarios/*.yaml
plant claims.py 'a check of an invariant that the table lacks'
rm scenarios/r504_*
plant claims.py 'an invariant that nothing breaks'

sed -i 's/kv_log2(quanta) + 26u/26u + kv_log2(quanta)/' alloc/freelist.h
plant mutations.py 'a mutation of what is not there'
sed -i 's/^class-offset /log-finds-oldest /' tests/mutants/table.txt
plant mutations.py 'a mutation named twice'

scenario='kvasir: 1\ntitle: x\nabout: x\nsource: x\nexpect: [1 == 1]\n'
for name in x1_planted.yaml q001_planted.yaml v999.yaml v999_Big.yaml; do
	# shellcheck disable=SC2059
	printf "$scenario" >"scenarios/$name"
	plant scenarios.py "the name $name"
done
for section in about source expect; do
	# shellcheck disable=SC2059
	printf "$scenario" | sed "s/^$section:.*/$section:/" \
		>scenarios/v999_planted.yaml
	plant scenarios.py "a scenario without $section"
done
# shellcheck disable=SC2059
printf "$scenario" | tee scenarios/v999_one.yaml >scenarios/v999_two.yaml
plant scenarios.py 'a number given twice'

# shellcheck disable=SC2059
printf "$scenario" | sed 's/^title/tilte/' >scenarios/v999_planted.yaml
plant schema.py 'a scenario that the schema refuses'
sed -i 's/"nocross"/"nocrossing"/' scenarios/schema.json
plant schema.py 'a key that the schema lacks'
sed -i 's/"minimum": 0/"minimum": -1/' scenarios/schema.json
plant schema.py 'a schema that accepts too much'
sed -i "s/nocross/nocrossing/g" scenarios/README.md
plant schema.py 'a key without a word of explanation'

head -c 100 /dev/zero >tests/zeros.dat
plant files.py 'a binary file'
echo text >alloc/vmem.c.orig
plant files.py 'a leftover of a merge'
echo 'int x;' >tests/planted.c
plant files.py 'a file without a licence line'
echo '/* TO''DO: later */' >>alloc/pindex.c
plant files.py 'a note for later'
{
	head -1 alloc/pindex.c
	seq -f 'extern int x%.0f;' 700
} >tests/planted.c
plant files.py 'a file that is too long'
printf '# text \n' >planted.md
plant files.py 'blanks at the end of a line'
printf '# text' >planted.md
plant files.py 'a last line without an end'
chmod +x README.md 2>/dev/null || chmod +x .gitignore
plant files.py 'a text that is executable'
echo text >scenarios/planted.gz
plant files.py 'a .gz that is none'

printf 'int  kv_x;\n' >>alloc/pindex.c
plant format.sh 'a second blank'
# shellcheck disable=SC2016
printf '#!/bin/sh\nrm $1\n' >tests/cli-planted.sh
plant scripts.sh 'an unquoted variable'
# shellcheck disable=SC2059
printf "$scenario" | sed 's/x$/x  /' >scenarios/v999_planted.yaml
plant scripts.sh 'untidy YAML'

printf '\nint kv_planted;\n' >>alloc/pindex.c
plant musl.sh 'a writable global'
printf '\nint planted(void);\nint planted(void) { return 1; }\n' \
	>>alloc/pindex.c
plant musl.sh 'a name without kv_'
printf '\nvoid abort(void);\nvoid kv_planted(void);\n%s\n' \
	'void kv_planted(void) { abort(); }' >>alloc/pindex.c
plant musl.sh 'a call to the outside'
printf '\nint kv_planted(void);\nint kv_planted(void) { return ""; }\n' \
	>>alloc/pindex.c
plant musl.sh 'a warning'
sed -i 's/-lkvasir/-lkvasi/' kvasir.pc.in
plant pkgconfig.sh 'a wrong library name'
# shellcheck disable=SC2016
sed -i 's/ \${public_headers}//' CMakeLists.txt
plant pkgconfig.sh 'headers that are not installed'

echo "$planted faults planted"
exit $status
