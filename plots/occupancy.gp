# SPDX-License-Identifier: BSD-2-Clause
# occupancy.gp - how full each reservation of the stack object is, over time
# usage: gnuplot occupancy.gp (reads occupancy.dat, writes occupancy.svg)
stats 'occupancy.dat' using 1 nooutput
n = STATS_blocks
set terminal svg size 900,100 + 300 * n font 'sans,14' background '#ffffff'
set output 'occupancy.svg'
set cblabel 'pages in use (%)'
set cbrange [0:106]
set cbtics ('0' 0, '20' 20, '40' 40, '60' 60, '80' 80, 'full' 103)
set palette defined (0 '#fff3d6', 40 '#fdae61', 80 '#d7301f', 99.9 '#7f0000', \
    99.9 '#1b7837', 106 '#1b7837')
set xlabel 'forks and exits so far'
set ylabel 'reservation (2 MiB of pindex)'
set tics out nomirror
set lmargin 12
set autoscale noextend
set key at graph 1,1.08 right samplen 0
set rmargin 12
set multiplot layout n,1 title \
    'Occupancy of reservations over time (blank: no reservation)'
do for [i = 0:n - 1] {
    stats 'occupancy.dat' index i using 3 nooutput
    set label 1 STATS_records > 0 ? '' : 'no reservations' \
        at graph 0.5,0.5 center
    plot 'occupancy.dat' index i using 1:2:4 with image pixels \
        title columnheader(1)
}
unset multiplot
