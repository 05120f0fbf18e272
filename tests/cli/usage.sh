#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# usage.sh SOURCE PROGRAM - help, version, and answers to wrong commands
set -euo pipefail
source=$1 program=$2
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
status=0

fail() {
	echo "$*"
	status=1
}

# fine ARGUMENT...: exit 0, something on stdout, nothing on stderr
fine() {
	local result=0
	"$program" "$@" >"$work/out" 2>"$work/err" </dev/null || result=$?
	[ "$result" -eq 0 ] || fail "kvasir $*: status $result, not 0"
	[ -s "$work/out" ] || fail "kvasir $*: nothing on stdout"
	[ ! -s "$work/err" ] || fail "kvasir $*: $(cat "$work/err")"
}

# refused ARGUMENT...: exit 2, nothing on stdout, a message on stderr
refused() {
	local result=0
	"$program" "$@" >"$work/out" 2>"$work/err" </dev/null || result=$?
	[ "$result" -eq 2 ] || fail "kvasir $*: status $result, not 2"
	[ ! -s "$work/out" ] || fail "kvasir $*: output on stdout"
	[ -s "$work/err" ] || fail "kvasir $*: no message"
}

fine --version
version=$(sed -nE 's/^project\(.* VERSION ([0-9.]+) .*/\1/p' \
	"$source/CMakeLists.txt")
[ "$(cat "$work/out")" = "kvasir $version" ] ||
	fail "--version says $(cat "$work/out"), the build $version"
grep -q "^## $version" "$source/CHANGELOG.md" ||
	fail "CHANGELOG.md has no section $version"

fine --help
verbs=$(sed -nE 's/^  ([a-z]+) .*/\1/p' "$work/out")
[ -n "$verbs" ] || fail '--help lists no verb'
for verb in $verbs; do
	fine "$verb" --help
	grep -q "^usage: kvasir $verb" "$work/out" ||
		fail "$verb --help does not show its usage"
	grep -q "^| \`kvasir $verb" "$source/README.md" ||
		fail "README.md has no row for $verb"
	refused "$verb" --no-such-option
	refused "$verb" one too many operands for any verb
	# Long options are taken in full only.
	refused "$verb" --hel
done
for what in metrics policies faults invariants machines; do
	fine list "$what"
done

refused
refused no-such-verb
refused --no-such-option
refused list
refused list nothing
refused vmem
refused vmem /no/such/file
refused vmem "$work"

# A report that could not be written is an error, not a success.
if [ -w /dev/full ]; then
	result=0
	"$program" list metrics >/dev/full 2>"$work/err" || result=$?
	[ "$result" -ne 0 ] || fail 'a full disk goes unnoticed'
fi
exit $status
