# SPDX-License-Identifier: BSD-2-Clause
# huge.gp - memory that the host has for the machine, in huge pages or not
# usage: gnuplot huge.gp (reads huge.dat, writes huge.svg)
# cat A/huge.dat B/huge.dat >huge.dat compares runs.
stats 'huge.dat' using 2 nooutput
set terminal svg size 900,480 font 'sans,14' background '#ffffff'
set output 'huge.svg'
set title 'Memory of the host behind the stacks, by scheme'
set ylabel 'MiB'
set grid y lc '#dddddd'
set key above right horizontal reverse Left
set style data histograms
set style histogram clustered gap 1
set style fill solid 0.85 border lc '#ffffff'
set xtics nomirror scale 0 noenhanced
set yrange [0:STATS_max > 0 ? 1.1 * STATS_max / 1048576. : 1]
plot 'huge.dat' using ($2 / 1048576.):xtic(1) lc '#fdae61' title 'resident', \
     '' using ($3 / 1048576.) lc '#1b7837' title 'in huge pages'
