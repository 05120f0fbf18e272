#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# scenario_examples.sh SOURCE KVASIR - the examples in scenarios/README.md run,
# and what they expect holds; gzip and standard input are the same file
set -euo pipefail
source=$1 kvasir=$2
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT

awk -v dir="$tmp" '/^```$/ { on = 0 } on { print > file }
	/^```yaml$/ { on = 1; file = dir "/" ++n ".yaml" }' \
	"$source/scenarios/README.md"
count=0
for file in "$tmp"/*.yaml; do
	count=$((count + 1))
	"$kvasir" run "$file" >"$tmp/report" || {
		cat "$file" "$tmp/report"
		exit 1
	}
done
[ $count -ge 4 ]
cd "$tmp"
"$kvasir" run --format json 1.yaml >plain
"$kvasir" run --format json - <1.yaml | sed 's/"stdin"/"1"/' | cmp - plain
mkdir packed
gzip -c 1.yaml >packed/1.yaml
"$kvasir" run --format json packed/1.yaml | cmp - plain
