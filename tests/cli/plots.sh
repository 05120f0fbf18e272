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
	# series.gp is a template; some pictures are those of one run.
	[ "$count" -eq "$(find "$2/plots" -name '*.gp' ! -name series.gp \
	    ! -name free_map.gp ! -name entries.gp ! -name guards.gp \
	    ! -name huge.gp ! -name misplacement.gp \
	    ! -name promotion.gp ! -name safe_range.gp ! -name segments.gp \
	    ! -name overprovision.gp ! -name pool_budget.gp \
	    ! -name crossover.gp ! -name pool_reserve.gp | wc -l)" ]
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
	# huge.dat is of runs on KVM alone, misplacement.dat of several domains.
	[ "$name" = series.gp ] || [ "$name" = huge.gp ] ||
		[ "$name" = misplacement.gp ] ||
		grep -q 'reads sweep.dat' "$script" || cmp "$script" "$name"
done
printf '# columns\n"old" 41943040 0 512\n' >huge.dat
printf '# columns\n"new" 33554432 31457280 16\n' >>huge.dat
gnuplot "$1/plots/huge.gp" 2>stderr || { cat stderr; exit 1; }
grep -q '</svg>' huge.svg
# Several domains: which stacks are on the other one.
"$kvasir" run "$1/scenarios/n008_misplacement_over_time.yaml" \
    -o "$tmp/domains" >"$tmp/stdout"
cd "$tmp/domains"
cmp "$1/plots/misplacement.gp" misplacement.gp
gnuplot misplacement.gp 2>stderr || { cat stderr; exit 1; }
[ ! -s stderr ] || { cat stderr; exit 1; }
grep -q '</svg>' misplacement.svg
# Sweeps: the scripts that their scenarios name, which know the columns.
for name in c115_crossover l122_overprovision l130_illumos_safe_range \
    s110_guile_matrix t103_pool_budget t104_pool_reserve; do
	"$kvasir" sweep "$1/scenarios/$name.yaml" -o "$tmp/$name" \
	    >"$tmp/stdout"
	cd "$tmp/$name"
	for script in *.gp; do
		cmp "$1/plots/$script" "$script"
		[ "$(sed -n 's/^# columns: //p' "$script")" = \
		    "$(sed -n '2s/^# //p' sweep.dat)" ] ||
			{ echo "$script: not the columns of $name"; exit 1; }
		gnuplot "$script" 2>stderr || { cat stderr; exit 1; }
		[ ! -s stderr ] || { cat stderr; exit 1; }
		grep -q '</svg>' "${script%.gp}.svg"
	done
done
# Without kernel stacks: pictures of page tables alone.
"$kvasir" run "$1/scenarios/m207_demoted_under_an_entry.yaml" \
    -o "$tmp/tables" >"$tmp/stdout"
cd "$tmp/tables"
for script in *.gp; do
	gnuplot "$script" 2>stderr || { cat stderr; exit 1; }
	grep -q '</svg>' "${script%.gp}.svg"
done
[ -s promotion.svg ] && [ -s entries.svg ]
cd "$1"
# One policy, nothing to draw: still no error.
"$kvasir" replay "$tmp/empty" --policy freebsd-16 -o "$tmp/nothing" \
    >"$tmp/stdout"
draw nothing "$1"
