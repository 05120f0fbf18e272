# SPDX-License-Identifier: BSD-2-Clause
# safe_range.gp - the heap that each generation of a plan leaves, and where the
# plan is safe
# usage: kvasir sweep scenarios/l130_illumos_safe_range.yaml -o DIR, there
#   gnuplot safe_range.gp (reads sweep.dat, writes safe_range.svg)
# columns: generation P spread physmax k hole_end core_base minimum from acts by_8 by_2_or_4 raw base above tracking guests segzio_g0 segzio_size need overrun heap_ratio user_window safe_base safe_heap safe heap.size
set terminal svg size 900,800 font 'sans,14' background '#ffffff'
set output 'safe_range.svg'
set grid lc '#dddddd'
set key above right horizontal reverse Left
set logscale x 2
set xrange [48:24576]
set xtics ('64 G' 64, '256 G' 256, '1 T' 1024, '4 T' 4096, '16 T' 16384)
set lmargin 12
spread(s) = column(3) == s
of(g, s) = column(1) == g && spread(s)
array COLOR[3] = ['#999999', '#4393c3', '#d6604d']
set multiplot layout 2,1 title 'Heap over memory; filled where all invariants hold'
do for [s in '1 4'] {
	set xlabel 'memory (end of memory = '.s.' times that)'
	set ylabel 'heap / memory'
	set yrange [-2:8]
	set arrow 1 from graph 0, first 1.5 to graph 1, first 1.5 nohead dt 2
	plot for [g = 0:2] 'sweep.dat' \
	    using (of(g, s + 0) ? $2 / 2**30 : NaN):22 \
	    with points pt 6 ps 0.8 lc rgb COLOR[g + 1] \
	    title sprintf('generation %d', g), \
	    for [g = 0:2] '' \
	    using (of(g, s + 0) && column(26) == 1 ? $2 / 2**30 : NaN):22 \
	    with points pt 7 ps 0.8 lc rgb COLOR[g + 1] notitle
}
unset multiplot
