#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# scripts.sh SOURCE - shell scripts are clean, scenarios are tidy YAML
set -eu
cd "$1"
command -v shellcheck >/dev/null || exit 77
command -v yamllint >/dev/null || exit 77
find .ci tests -type f -exec grep -lE -m1 '^#!/bin/(ba)?sh' {} + | sort |
	xargs shellcheck || exit 1
find scenarios -name '*.yaml' -print0 | xargs -0 -r yamllint -s -c .yamllint ||
	exit 1
