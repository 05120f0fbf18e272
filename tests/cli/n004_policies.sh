#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# n004_policies.sh SOURCE KVASIR - scenarios of domains under every policy and
# both generations of the iterator
set -eu
scenarios=$1/scenarios
kvasir=$2
out=$(mktemp)
trap 'rm -f "$out"' EXIT
failed=0

for domains in prefer round_robin first_touch; do
	for iterator in new old; do
		for name in n004_short_domain n005_domains_run_full; do
			"$kvasir" run "$scenarios/$name.yaml" --audit 2 \
			    -D "domains=$domains" -D "iterator=$iterator" \
			    >"$out" || {
				echo "$name $domains $iterator: does not pass"
				grep FAILED "$out" || true
				failed=1
			}
		done
	done
	"$kvasir" run "$scenarios/n006_first_touch.yaml" -D "domains=$domains" \
	    >"$out" || {
		echo "n006_first_touch $domains: does not pass"
		failed=1
	}
done
for policy in freebsd-linear freebsd-d38852 freebsd-16 kvasir; do
	"$kvasir" run "$scenarios/n009_request_classes.yaml" \
	    -D "policy=$policy" >"$out" || {
		echo "n009_request_classes $policy: does not pass"
		failed=1
	}
done
exit $failed
