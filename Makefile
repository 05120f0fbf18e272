# SPDX-License-Identifier: BSD-2-Clause
# The two commands of a newcomer, and a few more.  The build itself is CMake's.
RECORDING = scenarios/linux-6.18-forks.perf.txt.gz

help:
	@echo 'make run    a real kernel recording through FreeBSD'\''s stack schemes'
	@echo 'make test   build, then every test'
	@echo 'make bench  the speed table'
	@echo 'make mutants    do the tests notice rules that are wrong? (long)'
	@echo 'make coverage   what of alloc/ do the tests reach?'
	@echo 'make fail-each  each scenario with each of its draws refused'
	@echo 'make fuzz   libFuzzer on every reader and allocator, FUZZ_TIME=60'
	@echo 'make prove  proofs of the arithmetic by Frama-C, and broken ones (long)'
	@echo 'make clean  remove what the others made'

run:
	@.ci/deps build
	@cmake --preset release
	@cmake --build build --target kvasir_program
	@build/kvasir replay $(RECORDING) --resident 1500 -o build/report
	@echo
	@echo 'The same in build/report: report.txt, report.json, data and plots.'
	@echo 'To draw them (gnuplot-nox):'
	@cd build/report && for plot in *.gp; do \
	    echo "    (cd build/report && gnuplot $$plot)"; done

test:
	@.ci/deps test
	@cmake --preset release
	@cmake --build build
	@.ci/ctest build

bench:
	@.ci/deps bench
	@cmake --preset release
	@cmake --build build --target bench

mutants:
	@.ci/deps test
	@tests/mutants/mutants.py .

fail-each:
	@.ci/deps build
	@cmake --preset release
	@cmake --build build --target kvasir_program
	@build/kvasir check --fail-each all -j "$$(nproc)" scenarios

# A child in its jail cannot open its profile and says so, where cli.check
# wants silence.
coverage:
	@.ci/deps coverage
	@cmake --preset coverage
	@cmake --build build-coverage
	@ctest --test-dir build-coverage -j 2 -R '^(test_|scenario|cli)' \
	    -E '^cli.check$$'
	@gcovr --object-directory build-coverage --filter alloc/ \
	    --exclude-throw-branches --fail-under-line 95
	@gcovr --object-directory build-coverage --filter alloc/ \
	    --exclude-throw-branches --branches --fail-under-branch 85

# Seconds for each target; make FUZZ_TIME=3600 fuzz for a night.
FUZZ_TIME = 60

fuzz:
	@.ci/deps fuzz
	@cmake --preset fuzz
	@cmake --build --preset fuzz
	@tests/fuzz/fuzz.sh build-fuzz $(FUZZ_TIME)

prove:
	@.ci/deps prove
	@why3 config detect >/dev/null 2>&1
	@tests/prove/prove.py .

clean:
	rm -rf build build-gcc build-clang build-asan build-coverage build-fuzz

.PHONY: help run test bench mutants fail-each coverage fuzz prove clean
