#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# musl.sh SOURCE - alloc/ needs nothing but C11, and no more of it than it says
#
# Compiles alloc/ with musl and without jemalloc, links it into a program and
# runs that; then looks at the objects: names that a client's cannot meet, no
# writable globals, and no calls outside the list.  Memory comes from malloc in
# host.c alone.
set -eu
source=$(realpath "$1")
command -v musl-gcc >/dev/null || exit 77
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

(cd "$work" && find "$source/alloc" -name '*.c' -print0 |
	xargs -0 -n 8 -P "$(nproc)" musl-gcc -std=c11 -DNDEBUG -fno-pie -Wall \
		-Wextra -Wpedantic -Wconversion -Werror -c) || exit 1

cat >"$work/client.c" <<'END'
#include "alloc/kv.h"

int
main(void)
{
	struct kv_host host;
	void *block;

	kv_host_default(&host);
	block = kv_host_zalloc(&host, 1, 64);
	if (block == NULL || host.bytes != 64)
		return 1;
	kv_host_free(&host, block, 1, 64);
	kv_host_fini(&host);
	return host.bytes != 0 || kv_machine_find("amd64") == NULL;
}
END
ar rcs "$work/libkvasir.a" "$work"/*.o
musl-gcc -std=c11 -static -I"$source" "$work/client.c" \
	"$work/libkvasir.a" -o "$work/client"
"$work/client"

# -fno-pie: constant tables of pointers are read-only then.
status=0
nm -g --defined-only "$work"/*.o | awk 'NF == 3 {print $3}' >"$work/ours"
printf '%s\n' memcpy memset memmove memcmp strcmp strncmp strlen qsort \
	bsearch >>"$work/ours"
nm -g --defined-only "$work"/*.o | awk 'NF == 3 && $3 !~ /^kv_/ {
	print "alloc/: " $3 " is seen outside and does not begin with kv_"
	bad = 1
} END {exit bad}' || status=1
for object in "$work"/*.o; do
	name=$(basename "$object" .o)
	cp "$work/ours" "$work/may"
	[ "$name" != host ] ||
		printf '%s\n' malloc calloc realloc free >>"$work/may"
	nm -u "$object" | awk '{print $2}' | grep -v '^kv_' |
		grep -vxF -f "$work/may" |
		sed "s,^,alloc/$name.c: calls ," >"$work/found" || true
	nm "$object" | awk '$2 ~ /^[DdBbC]$/ {print $3}' |
		sed "s,^,alloc/$name.c: writable global ," >>"$work/found"
	[ ! -s "$work/found" ] || status=1
	cat "$work/found"
done
exit $status
