# SPDX-License-Identifier: BSD-2-Clause
# promotion.gp - what superpages map, over time
# usage: gnuplot promotion.gp (reads promotion.dat, writes promotion.svg)
set terminal svg size 900,760 font 'sans,14' background '#ffffff'
set output 'promotion.svg'
set grid lc '#dddddd'
set key above right horizontal reverse Left
set lmargin 12
set xrange [] noextend
set multiplot layout 2,1 title 'Promotion over time'
set ylabel 'mapped (MiB)'
set yrange [0:*]
plot 'promotion.dat' using 1:($2 / 1048576.) every ::1 with steps lw 2 \
         lc '#4393c3' title 'all leaves', \
     '' using 1:($3 / 1048576.) every ::1 with steps lw 2 lc '#1b7837' \
         title 'superpages'
set ylabel "promoted fraction\n(%)"
set xlabel 'operations so far'
set yrange [0:105]
plot 'promotion.dat' using 1:4 every ::1 with steps lw 2 lc '#1b7837' notitle
unset multiplot
