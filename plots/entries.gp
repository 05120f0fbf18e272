# SPDX-License-Identifier: BSD-2-Clause
# entries.gp - TLB entries needed to cover what is mapped, by page-size class
# usage: gnuplot entries.gp (reads entries.dat, writes entries.svg)
stats 'entries.dat' using 2 every ::1 nooutput
set terminal svg size 900,480 font 'sans,14' background '#ffffff'
set output 'entries.svg'
set title 'TLB entries needed to cover each address space'
set ylabel 'entries'
set grid y lc '#dddddd'
set key above right horizontal reverse Left
set style data histograms
set style histogram clustered gap 1
set style fill solid 0.85 border lc '#ffffff'
set xtics nomirror scale 0 noenhanced
set yrange [0:STATS_max > 0 ? 1.1 * STATS_max : 1]
plot 'entries.dat' using 2:xtic(1) every ::1 lc '#d6604d' title 'base pages', \
     '' using 3 every ::1 lc '#fdae61' title '+ 16 KiB', \
     '' using 4 every ::1 lc '#1b7837' title '+ 64 KiB', \
     '' using 5 every ::1 lc '#4393c3' title '+ superpages'
