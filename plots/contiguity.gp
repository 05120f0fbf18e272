# SPDX-License-Identifier: BSD-2-Clause
# contiguity.gp - stacks in consecutive frames, and unused pages, over time
# usage: gnuplot contiguity.gp (reads contiguity.dat, writes contiguity.svg)
stats 'contiguity.dat' using 1 nooutput
n = STATS_blocks
set terminal svg size 900,900 font 'sans,14' background '#ffffff'
set output 'contiguity.svg'
set grid lc '#dddddd'
set key above right horizontal reverse Left
set lmargin 12
set multiplot layout 3,1 title 'Kernel stacks over time'
set xrange [] noextend
set ylabel 'live stacks'
set yrange [0:*]
plot for [i = 0:n - 1] 'contiguity.dat' index i using 1:3 with lines \
    lw n + 1 - i title columnheader(1)
set ylabel "stacks in consecutive\nframes (%)"
set yrange [0:105]
plot for [i = 0:n - 1] 'contiguity.dat' index i using 1:5 with lines \
    lw n + 1 - i title columnheader(1)
set ylabel "unused pages in\nreservations"
set xlabel 'forks and exits so far'
set yrange [0:*]
plot for [i = 0:n - 1] 'contiguity.dat' index i using 1:6 with lines \
    lw n + 1 - i title columnheader(1)
unset multiplot
