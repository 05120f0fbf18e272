#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# compare.sh SOURCE KVASIR - reports against each other: 0 the same, 1 beyond
# the tolerances, 2 no report
set -u
source=$1 kvasir=$2
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
cd "$tmp" || exit 1
failed=0

# status WANT ARGUMENT...: run, and keep what it says
status() {
	local want=$1 got=0
	shift
	"$kvasir" compare "$@" >stdout 2>stderr || got=$?
	[ $got -eq "$want" ] || {
		echo "compare $*: status $got, not $want"
		cat stdout stderr
		failed=1
	}
	if [ "$want" -eq 2 ] && [ -s stdout ]; then
		echo "compare $*: something on stdout"
		failed=1
	fi
}

# says TEXT: the last report, or message, has it
says() {
	grep -qe "$1" stdout stderr || {
		echo "no '$1' in: $(cat stdout stderr)"
		failed=1
	}
}

report() {
	printf '{"kvasir": "0.1.0", "scenario": "s", "outcome": "ok",\n'
	printf ' "metrics": {%s}}\n' "$1"
}

report '"a": 100, "b": 1.500000, "t": "x"' >base.json
report '"a": 103, "b": 1.500000, "t": "x"' >three.json
status 0 base.json base.json
says '^4 the same, 0 within the tolerances, 0 beyond'
status 1 base.json three.json
says ' a  *100  *103  *+3  *+3.00 %  BEYOND'
status 0 base.json three.json --tolerance a=3
says 'within$'
status 1 base.json three.json --tolerance a=2.9
status 0 base.json three.json --tolerance a=3%
status 1 base.json three.json --tolerance a=2.99%
# The last that fits decides; * is any text.
status 1 base.json three.json --tolerance '*=5%' --tolerance a=0
status 0 base.json three.json --tolerance a=0 --tolerance '*=5%'
status 1 base.json three.json --tolerance 'b*=any'

# Text differs or not; what one side lacks is a difference.
report '"a": 100, "b": 1.5, "t": "y"' >text.json
status 1 base.json text.json --tolerance '*=100%'
status 0 base.json text.json --tolerance t=any
report '"a": 100, "b": 1.5' >less.json
status 1 base.json less.json
says ' t  *x  *-  '
status 1 less.json base.json
status 0 less.json base.json --tolerance t=any
sed 's/"ok"/"failed"/' base.json >failed.json
status 1 base.json failed.json
says ' outcome  *ok  *failed'

# 64 bits: one apart at the top is not the same.
report '"n": 18446744073709551615' >high.json
report '"n": 18446744073709551614' >lower.json
report '"n": -5' >minus.json
report '"n": 7' >seven.json
status 1 high.json lower.json
says ' -1 '
status 0 high.json lower.json --tolerance n=1
status 1 minus.json seven.json --tolerance n=11
says ' +12 '
status 0 minus.json seven.json --tolerance n=12

# Groups: in two reports, and in one.
report '"p": {"a": 1, "b": 2}, "q": {"a": 1, "b": 3}' >two.json
report '"p": {"a": 1, "b": 2}, "q": {"a": 2, "b": 3}' >other.json
report '"p": {"a": 1, "b": 2}' >one.json
status 1 two.json other.json
says '^q$'
status 0 two.json other.json --of p
status 1 two.json other.json --of q
status 1 two.json --of p,q
says ' b  *2  *3 '
status 1 two.json one.json
says ' b  *3  *- '
status 1 one.json two.json
status 1 base.json two.json
status 1 two.json base.json
status 0 two.json other.json --tolerance a=1 --format json
python3 -c '
import json
c = json.load(open("stdout"))
assert c["outcome"] == "ok" and c["beyond"] == 0 and c["same"] == 4, c
assert c["differences"] == [
    {"a": 1, "b": 2, "metric": "a", "of": "q", "within": 1}], c' || failed=1

# What runs leave is what is read.
"$kvasir" run "$source/scenarios/k010_reference_churn.yaml" -o run >stdout
status 0 run/report.json run/report.json
says '^[0-9]\{3\} the same'

# No reports.
printf '{"kvasir": 1,\n "metrics": {"a": }}\n' >broken.json
status 2 base.json broken.json
says '^broken.json:2:19: a value expected'
head -c 60 base.json >cut.json
status 2 cut.json base.json
says '^cut.json:[0-9]*:[0-9]*: '
echo '[]' >list.json
status 2 list.json base.json
says '^list.json:1:1: not a report'
report '"a": [1]' >odd.json
status 2 odd.json base.json
says '^odd.json:2:19: this is no metric'
status 2 base.json /no/such/file
status 2 base.json
status 2 base.json --of p
status 2 two.json --of p,r
says '^two.json:2:13: no policy or zone "r"'
status 2 base.json base.json --tolerance a
for wrong in a= a=x a=-1 a=1e3 a=5%% =5 a=1.2.3 a=0x10 a=nan; do
	status 2 base.json base.json --tolerance "$wrong"
done
exit $failed
