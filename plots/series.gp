# SPDX-License-Identifier: BSD-2-Clause
# series.gp - a series of sample:, a panel for each figure
# usage: gnuplot NAME.gp (reads NAME.dat, writes NAME.svg)
# The report writes it as NAME.gp with the name in front.
columns = system("sed -n '2s/^# //p' ".name.".dat")
n = words(columns)
set terminal svg size 900,80 + 180 * (n - 1) font 'sans,14' background '#ffffff'
set output name.'.svg'
set grid lc '#dddddd'
set lmargin 14
set xrange [] noextend
set key above left samplen 0
set multiplot layout n - 1,1 title name noenhanced
do for [i = 2:n] {
    if (i == n) { set xlabel 'operations so far' }
    set yrange [*:*]
    stats name.'.dat' using i nooutput
    if (STATS_min == STATS_max) { set yrange [STATS_min - 1:STATS_max + 1] }
    plot name.'.dat' using 1:i with lines lw 2 lc '#1b7837' \
        title word(columns, i) noenhanced
}
unset multiplot
