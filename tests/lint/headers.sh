#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# headers.sh SOURCE - every header compiles alone, and twice
set -eu
source=$1
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

compilers=
for cc in gcc clang; do
	! command -v "$cc" >/dev/null || compilers="$compilers $cc"
done
[ -n "$compilers" ] || exit 77

cd "$source"
status=0
count=0
for header in $(find alloc sim tests -name '*.h' | sort); do
	count=$((count + 1))
	printf '#include "%s"\n#include "%s"\nextern int kv_unused;\n' \
		"$header" "$header" >"$work/stub.c"
	for cc in $compilers; do
		"$cc" -std=c11 -D_POSIX_C_SOURCE=200809L -I. -Ialloc -Isim \
			-Itests -Wall -Wextra -Wpedantic -Werror \
			-fsyntax-only "$work/stub.c" || {
			echo "$header does not stand alone ($cc)"
			status=1
		}
	done
done
[ "$count" -gt 0 ] || status=1
exit $status
