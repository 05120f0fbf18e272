# SPDX-License-Identifier: BSD-2-Clause
# pool_reserve.gp - the smallest reserve with which unmap never fails
# usage: kvasir sweep scenarios/t104_pool_reserve.yaml -o DIR, there
#   gnuplot pool_reserve.gp (reads sweep.dat, writes pool_reserve.svg)
# columns: reclaim_number moving waiting reserve calls enough failed drawn_urgently pool.draws
set terminal svg size 900,800 font 'sans,14' background '#ffffff'
set output 'pool_reserve.svg'
set grid lc '#dddddd'
set key above right horizontal reverse Left
set lmargin 12
set multiplot layout 2,1 title 'Unmap 8 KiB across two blocks, the pool used up'
set xlabel 'pages in reserve'
set logscale x 2
set xrange [0.4:90]
set xtics ('0' 0.5, 1, 2, 4, 8, 16, 32, 64)
set ylabel "calls of 32 that fail,\nempty tables come back"
set yrange [-1:34]
plot for [w in '1 2 4 8'] 'sweep.dat' \
    using ($1 == 1 && $2 == 1 && $3 == w + 0 ? ($4 > 0 ? $4 : 0.5) : NaN):7 \
    with linespoints pt 7 ps 0.6 title w.' waiting'
set ylabel "calls of 32 that fail,\na pool that only grows"
plot for [m = 0:1] 'sweep.dat' \
    using ($1 == 0 && $2 == m && $3 == 2 ? ($4 > 0 ? $4 : 0.5) : NaN):7 \
    with linespoints pt 7 ps 0.6 title m == 1 ? 'new addresses' \
    : 'the same addresses, 2 waiting'
unset multiplot
