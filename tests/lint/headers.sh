#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# headers.sh SOURCE - every header compiles alone, and twice
set -eu
source=$1
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

cd "$source"
for header in $(find alloc sim tests -name '*.h' | sort); do
	printf '#include "%s"\n#include "%s"\nextern int kv_unused;\n' \
		"$header" "$header" >"$work/$(echo "$header" | tr / :).c"
done
status=0
compilers=0
for cc in gcc clang; do
	command -v "$cc" >/dev/null || continue
	compilers=$((compilers + 1))
	find "$work" -name '*.c' -print0 | xargs -0 -n 16 -P "$(nproc)" \
		"$cc" -std=c11 -D_POSIX_C_SOURCE=200809L -I. -Ialloc -Isim \
		-Itests -Wall -Wextra -Wpedantic -Werror -fsyntax-only ||
		status=1
done
[ "$compilers" -gt 0 ] || exit 77
exit $status
