# SPDX-License-Identifier: BSD-2-Clause
# segments.gp - every alignment on every page size, by loader and mapper
# usage: kvasir sweep scenarios/s110_guile_matrix.yaml -o DIR, there
#   gnuplot segments.gp (reads sweep.dat, writes segments.svg)
# columns: mapper_number align page skips is_whole refused outcome padding bytes exposed private_bytes span image.rw.va
set terminal svg size 1100,800 font 'sans,14' background '#ffffff'
set output 'segments.svg'
set grid lc '#dddddd'
set logscale xy 2
set xrange [2:4096]
set yrange [2:128]
set xtics ('4K' 4, '8K' 8, '16K' 16, '64K' 64, '2M' 2048)
set ytics ('4K' 4, '8K' 8, '16K' 16, '64K' 64)
set xlabel 'alignment of the file'
set ylabel 'page of the machine'
set key below horizontal reverse Left
array NAME[5] = ['whole, loader of 4 KiB', 'whole, alignment = page', \
    'whole, alignment >= page', 'segment by segment', 'congruent']
array STATE[3] = ['loaded', 'refused', 'loaded, but read-only']
array COLOR[3] = ['#1b7837', '#d6604d', '#762a83']
set multiplot layout 2,3 title 'One object file, 586912 bytes of data'
do for [m = 0:4] {
	set title NAME[m + 1]
	plot for [o = 0:2] 'sweep.dat' \
	    using ($1 == m && $7 == o ? $2 / 1024 : NaN):($3 / 1024) \
	    with points pt o + 5 ps 1.2 lc rgb COLOR[o + 1] title STATE[o + 1]
}
set title 'bytes in the file that nobody uses'
unset logscale y
set yrange [0:*]
set ytics autofreq
set ylabel 'KiB of padding'
plot 'sweep.dat' using ($1 == 2 && $3 == 4096 ? $2 / 1024 : NaN):($8 / 1024) \
         with points pt 7 lc '#4393c3' title 'whole', \
     '' using ($1 == 4 && $3 == 4096 ? $2 / 1024 : NaN):($8 / 1024) \
         with points pt 6 lc '#d6604d' title 'congruent'
unset multiplot
