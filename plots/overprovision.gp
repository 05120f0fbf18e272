# SPDX-License-Identifier: BSD-2-Clause
# overprovision.gp - what more addresses than memory buy, and what a policy does
# usage: kvasir sweep scenarios/l122_overprovision.yaml -o DIR, there
#   gnuplot overprovision.gp (reads sweep.dat, writes overprovision.svg)
# columns: policy_number eighths P unit steps_up bound bound_more first_fail churn_failures
set terminal svg size 900,800 font 'sans,14' background '#ffffff'
set output 'overprovision.svg'
set grid lc '#dddddd'
set key above right horizontal reverse Left
set lmargin 12
names = 'instant best first next'
set multiplot layout 2,1 title 'An arena of k times memory'
set xlabel 'k'
set xrange [0.9:3.6]
set logscale y 2
set ylabel "first size that finds no\nplace, units (doubling)"
plot for [p = 0:3] 'sweep.dat' \
    using ($1 == p ? $2 / 8.0 + (p - 1.5) * 0.015 : NaN):8 \
    with points pt 7 ps 0.8 lc p + 1 title word(names, p + 1)
unset logscale y
set ylabel "requests of 20000 steps that\nfail with memory free (churn)"
set yrange [0:*]
plot for [p = 0:3] 'sweep.dat' using ($1 == p ? $2 / 8.0 : NaN):9 \
    with points pt 7 ps 0.8 lc p + 1 title word(names, p + 1)
unset multiplot
