# SPDX-License-Identifier: BSD-2-Clause
# pindex.gp - which object page stands behind a page of kernel-stack KVA
# usage: gnuplot pindex.gp (reads pindex.dat, writes pindex.svg)
set terminal svg size 900,620 font 'sans,14' background '#ffffff'
set output 'pindex.svg'
set title 'Page index of kernel-stack KVA'
set xlabel 'page of KVA, from its start'
set ylabel 'pindex in the stack object (pages)'
set key outside bottom center vertical reverse Left maxrows 3
set grid lc '#dddddd'
set style fill solid
stats 'pindex.dat' using 1 every ::1 nooutput
set xrange [-1:STATS_max + 1]
set yrange [-1:STATS_max + 1]
set boxwidth 1
plot 'pindex.dat' using 1:($2 == 1 ? STATS_max + 1 : NaN) every ::1 \
         with boxes lc '#eeeeee' title 'guard page', \
     '' using 1:3 every ::1 with points pt 6 ps 1 lw 2 lc '#d95f02' \
         title 'linear: guards take indices that nothing uses', \
     '' using 1:4 every ::1 with points pt 7 ps 0.8 lc '#1b7837' \
         title 'skip-guard (D38852): stacks are dense, a guard has none'
