# SPDX-License-Identifier: BSD-2-Clause
# pool_budget.gp - how many isolates a pool of table pages is good for
# usage: kvasir sweep scenarios/t103_pool_budget.yaml -o DIR, there
#   gnuplot pool_budget.gp (reads sweep.dat, writes pool_budget.svg)
# columns: splits pool_pages boot_pages isolates split_bytes upper_tables pool.l3
set terminal svg size 900,800 font 'sans,14' background '#ffffff'
set output 'pool_budget.svg'
set grid lc '#dddddd'
set key above right horizontal reverse Left
set lmargin 12
set multiplot layout 2,1 title 'What a pool of table pages is good for'
set xlabel 'pages of the pool'
set xrange [0:3700]
set ylabel 'isolates completed'
set yrange [0:*]
plot for [c in '50 78 100 142 200'] 'sweep.dat' \
    using ($1 == c + 0 ? $2 : NaN):4 with linespoints pt 7 ps 0.6 \
    title c.' splits each', \
    16 with lines dt 2 lc rgb '#888888' title '16 workers'
set ylabel "split address space, GiB\n(2 MiB a page is the bound)"
plot 'sweep.dat' using ($1 == 50 ? $2 : NaN):($5 / 2.0**30) \
    with points pt 7 ps 0.7 title 'in tables of the lowest level', \
    x * 2 / 1024.0 with lines dt 2 lc rgb '#888888' title 'nominal'
unset multiplot
