# SPDX-License-Identifier: BSD-2-Clause
# misplacement.gp - stacks on pages of another domain, over time
# usage: gnuplot misplacement.gp (reads misplacement.dat, writes misplacement.svg)
stats 'misplacement.dat' using 1 every ::1 nooutput
n = (STATS_columns - 3) / 2
set terminal svg size 900,900 font 'sans,14' background '#ffffff'
set output 'misplacement.svg'
set grid lc '#dddddd'
set key above right horizontal reverse Left
set lmargin 12
set multiplot layout 3,1 title 'NUMA misplacement of kernel stacks'
set xrange [] noextend
set yrange [0:*]
set ylabel 'live stacks'
plot for [d = 0:n - 1] 'misplacement.dat' using 1:4 + 2 * d every ::1 \
    with lines lw 2 lc d + 1 title sprintf('domain %d', d)
set ylabel "misplaced: on pages\nof another domain"
plot for [d = 0:n - 1] 'misplacement.dat' using 1:5 + 2 * d every ::1 \
    with lines lw 2 lc d + 1 title sprintf('domain %d', d)
set ylabel 'stacks freed so far'
set xlabel 'operations so far'
plot 'misplacement.dat' using 1:2 every ::1 with lines lw 2 lc '#4393c3' \
         title "on a CPU of their pages' domain", \
     '' using 1:3 every ::1 with lines lw 2 lc '#d6604d' \
         title 'on another'
unset multiplot
