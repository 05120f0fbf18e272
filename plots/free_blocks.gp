# SPDX-License-Identifier: BSD-2-Clause
# free_blocks.gp - free memory by the order of its blocks, over time
# usage: gnuplot free_blocks.gp (reads free_blocks.dat, writes free_blocks.svg)
stats 'free_blocks.dat' using 1 nooutput
n = STATS_blocks
orders = int(system("awk 'NF > 2 && $1 !~ /^#/ {print NF - 1; exit}' free_blocks.dat"))
names = system("sed -n 's/^\"\\(.*\\)\"$/\\1/p' free_blocks.dat")
set terminal svg size 900,100 + 300 * n font 'sans,14' background '#ffffff'
set output 'free_blocks.svg'
set grid lc '#dddddd'
set lmargin 12
set xrange [] noextend
set yrange [0:*]
set ylabel 'free pages in the queues'
set xlabel 'operations so far'
set key outside right title 'order' reverse Left
set style fill solid noborder
set palette defined (0 '#d73027', 0.5 '#fee090', 1 '#1a6ea8')
set cbrange [0:orders - 1]
unset colorbox
upto(k) = sum [c = 2:k + 2] column(c)
set multiplot layout n,1 title 'Free memory by the order of its blocks'
do for [i = 0:n - 1] {
    set title word(names, i + 1) noenhanced
    plot for [k = orders - 1:0:-1] 'free_blocks.dat' index i every ::1 \
        using 1:(upto(k)) with filledcurves y1=0 lc palette cb k title sprintf('%d', k)
}
unset multiplot
