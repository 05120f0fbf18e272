#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# script.sh - what scripts share that try the program
#
# They read it in with SOURCE KVASIR as their own arguments, have a folder for
# what they write, and end with `exit $failed`.
# shellcheck disable=SC2034  # what is theirs to use
kvasir=$2
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
failed=0

# complain WHAT...: what is wrong
complain()
{
	echo "$*"
	failed=1
}
