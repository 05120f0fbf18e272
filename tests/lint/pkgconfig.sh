#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# pkgconfig.sh SOURCE - an installed libkvasir serves a stranger's program
set -eu
source=$1
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

cmake -S "$source" -B "$work/build" -G Ninja -DCMAKE_BUILD_TYPE=Debug \
	>/dev/null
cmake --build "$work/build" --target kvasir >/dev/null
# The program is not built here: leave it out of what is installed.
cmake -DCMAKE_INSTALL_LOCAL_ONLY=1 -DCMAKE_INSTALL_PREFIX="$work/first" \
	-DCMAKE_INSTALL_COMPONENT=library \
	-P "$work/build/cmake_install.cmake" >/dev/null
mv "$work/first" "$work/moved" # an installed tree may be moved

cat >"$work/client.c" <<'END'
#include <inttypes.h>
#include <kvasir/kv.h>
#include <stdio.h>

int
main(void)
{
	struct kv_pindex_map map = {
	    KV_PINDEX_SKIP_GUARD, .page_shift = 12, .npages = 4, .gpages = 1};
	kv_pindex_t pindex;
	kv_va_t va;

	if (kv_pindex_of(&map, 14 << 12, &pindex) != 0 ||
	    kv_pindex_va(&map, pindex, &va) != 0)
		return 1;
	printf("%" PRIu64 " %" PRIu64 "\n", pindex, va >> 12);
	return 0;
}
END
PKG_CONFIG_PATH=$(dirname "$(find "$work/moved" -name kvasir.pc)")
export PKG_CONFIG_PATH
# shellcheck disable=SC2046
gcc -std=c11 -Wall -Wextra -Werror "$work/client.c" \
	$(pkg-config --cflags --libs kvasir) -o "$work/client"
[ "$("$work/client")" = "11 14" ]
