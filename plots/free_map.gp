# SPDX-License-Identifier: BSD-2-Clause
# free_map.gp - how much of each superpage is free
# usage: gnuplot free_map.gp (reads free_map.dat, writes free_map.svg)
set terminal svg size 900,420 font 'sans,14' background '#ffffff'
set output 'free_map.svg'
set title 'Free pages of each superpage (0 none, 9 all)'
set palette maxcolors 10
set palette defined (0 '#7f0000', 1 '#d7301f', 5 '#fdae61', 8.5 '#fff3d6', \
    9 '#1b7837')
set cbrange [-0.5:9.5]
set cbtics 0,1,9
set yrange [] reverse
set autoscale noextend
set tics out nomirror
set xlabel 'superpage of the row'
set ylabel 'row of 64 superpages'
plot 'free_map.dat' matrix with image pixels notitle
