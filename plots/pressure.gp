# SPDX-License-Identifier: BSD-2-Clause
# pressure.gp - contiguity of kernel stacks as memory fills up
# usage: gnuplot pressure.gp (reads contiguity.dat, writes pressure.svg)
stats 'contiguity.dat' using 1 nooutput
n = STATS_blocks
stats 'contiguity.dat' using 3 nooutput
none = STATS_max == 0
set terminal svg size 900,760 font 'sans,14' background '#ffffff'
set output 'pressure.svg'
set grid lc '#dddddd'
set key above right horizontal reverse Left noenhanced
set lmargin 12
set multiplot layout 2,1 title 'Contiguity under pressure'
set xrange [] noextend
set xlabel 'operations so far'
set ylabel 'free memory (%)'
set yrange [0:105]
plot for [i = 0:n - 1] 'contiguity.dat' index i using 1:7 with lines \
    lw n + 1 - i title columnheader(1)
set xrange [100:0]
set xlabel 'free memory (%), less to the right'
set ylabel "stacks in consecutive\nframes (%)"
plot for [i = 0:n - 1] 'contiguity.dat' index i \
    using 7:($3 > 0 || none ? $5 : NaN) with points \
    pt 7 ps 0.4 + 0.2 * (n - i) title columnheader(1)
unset multiplot
