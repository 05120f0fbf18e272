# SPDX-License-Identifier: BSD-2-Clause
# histogram.gp - reservations by pages in use
# usage: gnuplot histogram.gp (reads histogram.dat, writes histogram.svg)
columns = int(system("awk '/^used/ {print NF; exit}' histogram.dat"))
set terminal svg size 900,480 font 'sans,14' background '#ffffff'
set output 'histogram.svg'
set title 'Reservations by pages in use'
set style data histograms
set style histogram clustered gap 1
set style fill solid 0.9 border lc '#ffffff'
set grid y lc '#dddddd'
set key above right horizontal reverse Left noenhanced
set ylabel 'reservations'
set xlabel 'pages in use'
set yrange [0:*]
set xtics noenhanced scale 0
plot for [i = 2:columns] 'histogram.dat' using i:xtic(1) title columnhead(i)
