#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# format.sh SOURCE - the formatter owns all whitespace
set -eu
cd "$1"
case $(clang-format --version 2>/dev/null) in
*" 14."*) ;;
*) exit 77 ;; # other versions see other mistakes
esac
find alloc sim tests \( -name '*.c' -o -name '*.h' \) -print0 |
	xargs -0 clang-format --dry-run -Werror || exit 1
