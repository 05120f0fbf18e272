#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# plots.sh SOURCE KVASIR - every script that -o leaves draws its picture
set -eu
kvasir=$2
command -v gnuplot >/dev/null || exit 77
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
: >"$tmp/empty"

draw() {
	cd "$tmp/$1"
	count=0
	for script in *.gp; do
		picture=${script%.gp}.svg
		gnuplot "$script" 2>stderr || { cat stderr; exit 1; }
		[ -s "$picture" ] || { echo "$1: no $picture"; exit 1; }
		grep -q '</svg>' "$picture"
		cmp "$script" "$2/plots/$script"
		count=$((count + 1))
	done
	# series.gp is a template; the map of free memory is that of one run.
	[ "$count" -eq "$(find "$2/plots" -name '*.gp' ! -name series.gp \
	    ! -name free_map.gp | wc -l)" ]
	cd "$2"
}

"$kvasir" replay "$1/scenarios/linux-6.18-forks.perf.txt.gz" \
    --resident 1500 -o "$tmp/recording" >"$tmp/stdout"
draw recording "$1"
# A series is drawn by the script that the report wrote for it.
"$kvasir" run "$1/scenarios/p001_contiguity_under_pressure.yaml" \
    -o "$tmp/series" >"$tmp/stdout"
cd "$tmp/series"
for script in *.gp; do
	gnuplot "$script" 2>stderr || { cat stderr; exit 1; }
	grep -q '</svg>' "${script%.gp}.svg"
done
for name in blocks squeeze; do
	grep -q "^name = '$name'" $name.gp
done
for script in "$1"/plots/*.gp; do
	name=$(basename "$script")
	[ "$name" = series.gp ] || cmp "$script" "$name"
done
cd "$1"
# One policy, nothing to draw: still no error.
"$kvasir" replay "$tmp/empty" --policy freebsd-16 -o "$tmp/nothing" \
    >"$tmp/stdout"
draw nothing "$1"
