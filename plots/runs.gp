# SPDX-License-Identifier: BSD-2-Clause
# runs.gp - share of stack pages in runs of at most so many pages
# usage: gnuplot runs.gp (reads runs.dat, writes runs.svg)
# Two blocks a policy: translation runs, then runs of frames.
stats 'runs.dat' using 1 nooutput
n = STATS_blocks / 2
set terminal svg size 900,760 font 'sans,14' background '#ffffff'
set output 'runs.svg'
set grid lc '#dddddd'
set key above right horizontal reverse Left
set logscale x 2
set xrange [1:STATS_max]
set yrange [0:105]
set ylabel 'share of stack pages (%)'
set multiplot layout 2,1 title 'Pages in runs of at most so many pages, at the peak'
set xlabel 'translation run: VA and PA ascend together (pages)'
set xlabel offset 0,0.5
plot for [i = 0:n - 1] 'runs.dat' index 2 * i using 1:3 with steps \
    lw n + 2 - i title columnheader(1)
set xlabel 'run of frames: consecutive in PA, wherever mapped (pages)'
plot for [i = 0:n - 1] 'runs.dat' index 2 * i + 1 using 1:3 with steps \
    lw n + 2 - i title columnheader(1)
unset multiplot
