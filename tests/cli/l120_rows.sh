#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# l120_rows.sh SOURCE KVASIR - the arena figures of systems.md 3.5, all of them,
# and what follows for others: the first size that fails is 2^(floor(2 (k - 1))
# + 1) units for each fit, whatever unit and memory are.
set -u
# shellcheck source=tests/rows.sh
. "$1/tests/rows.sh"

# try NAME=VALUE...
try()
{
	for define; do
		set -- "$@" -D "$define"
		shift
	done
	run l120_vmm_arena "$@"
}

G=1073741824
for policy in instant best first next; do
	# comb: quarters of P, free segments, largest, offset in MiB
	while read -r k segments largest offset fails; do
		try workload=comb policy=$policy "size=P/4*$k"
		figure arena.free_segments "$segments"
		figure arena.va_failures "$fails"
		if [ "$offset" = - ]; then
			figure arena.offset ''
			figure arena.first_fail $((2 * G))
		else
			figure arena.offset $((offset * 1048576))
			figure arena.first_fail ''
		fi
		figure arena.largest_free $((largest * 1048576))
	done <<'ROWS'
4 128 1024 - 1
5 129 63488 262144 0
6 129 129024 262144 0
8 129 260096 262144 0
16 129 784384 262144 0
ROWS
	# doubling: quarters of P, first size that fails in G
	while read -r k first; do
		try workload=doubling policy=$policy "size=P/4*$k"
		figure arena.first_fail $((first * G))
		figure arena.va_failures 1
		# another memory and unit: the same in units
		try workload=doubling policy=$policy P=32G unit=64M \
			"size=P/4*$k"
		figure arena.first_fail $((first * 67108864))
	done <<'ROWS'
4 2
5 2
6 4
8 8
10 16
12 32
14 64
16 128
ROWS
done

# churn: quarters of P, policy, requests without addresses
while read -r k policy fails; do
	try workload=churn policy="$policy" "size=P/4*$k"
	figure arena.va_failures "$fails"
	# in other units it is the same run
	try workload=churn policy="$policy" "size=P/4*$k" P=64G unit=256M
	figure arena.va_failures "$fails"
done <<'ROWS'
4 instant 555
4 best 468
4 first 503
6 instant 6
6 best 0
6 first 1
8 instant 0
8 best 0
8 first 0
16 instant 0
16 best 0
16 first 0
ROWS
exit $failed
