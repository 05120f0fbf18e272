# SPDX-License-Identifier: BSD-2-Clause
# guards.gp - what guard pages cost in page tables and bring in TLB entries
# usage: gnuplot guards.gp (reads guards.dat, writes guards.svg)
stats 'guards.dat' using 6 every ::1 nooutput
set terminal svg size 900,860 font 'sans,14' background '#ffffff'
set output 'guards.svg'
set grid y lc '#dddddd'
set style fill solid 0.85 border lc '#ffffff'
set key above right horizontal reverse Left
set lmargin 12
set xrange [-0.6:*] noextend
set xtics 1 nomirror
set multiplot layout 2,1 title 'Guard pages of kernel stacks'
set ylabel "bytes of PTE pages\nper stack"
set y2label 'PTEs in use (%)'
set ytics nomirror
set y2tics
set yrange [0:*]
set y2range [0:105]
set boxwidth 0.6
plot 'guards.dat' using 1:5 every ::1 with boxes lc '#4393c3' \
         title 'PTE pages', \
     '' using 1:4 every ::1 axes x1y2 with linespoints pt 7 lw 2 \
         lc '#d95f02' title 'PTEs in use'
unset y2label
unset y2tics
set yrange [0:1.1 * STATS_max]
set ylabel 'TLB entries per stack'
set xlabel 'guard pages'
set boxwidth 0.25
plot 'guards.dat' using ($1 - 0.26):6 every ::1 with boxes lc '#d6604d' \
         title 'base pages', \
     '' using 1:7 every ::1 with boxes lc '#fdae61' title '+ 16 KiB', \
     '' using ($1 + 0.26):8 every ::1 with boxes lc '#1b7837' \
         title '+ 64 KiB'
unset multiplot
