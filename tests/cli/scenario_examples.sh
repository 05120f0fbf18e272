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

# The first one, with the options shown, and with the two errors shown.
cp 1.yaml churn.yaml
grep '^    kvasir run churn.yaml' "$source/scenarios/README.md" |
	sed 's/^ *kvasir//' | xargs "$kvasir" >report
sed -e 's/scheme: scheme/scheme: nwe/' -e 's/count: stacks/count: stakcs/' \
	1.yaml >churn.yaml
"$kvasir" run churn.yaml 2>errors && exit 1
grep '^    churn.yaml:' "$source/scenarios/README.md" | sed 's/^ *//' |
	diff - errors

mkdir packed
gzip -c 1.yaml >packed/1.yaml
"$kvasir" run --format json packed/1.yaml | cmp - plain
