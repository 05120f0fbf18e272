# SPDX-License-Identifier: BSD-2-Clause
# crossover.gp - which way to hand data over costs least, by what is written
# usage: kvasir sweep scenarios/c115_crossover.yaml -o DIR, there
#   gnuplot crossover.gp (reads sweep.dat, writes crossover.svg)
# columns: mode_number w pages per_copy per_leaf per_fault all_copied eager lazy cost
set terminal svg size 900,600 font 'sans,14' background '#ffffff'
set output 'crossover.svg'
set grid lc '#dddddd'
set key above right horizontal reverse Left
names = 'memcpy eager lazy'
set title 'Cost of a frame whose pages are written'
set xlabel 'pages written'
set ylabel 'cost (copy, leaf write, fault)'
set yrange [0:*]
plot for [m = 0:2] 'sweep.dat' using ($1 == m ? $2 : NaN):10 \
    with linespoints pt 7 ps 0.6 lc m + 1 title word(names, m + 1)
