#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""bench.py SOURCE PROGRAM - make bench writes the rows that scripts expect

With tiny inputs; times are nobody's business here.  Every name and column is
promised; the process that times glibc must link nothing that replaces malloc.
"""
import json
import os
import subprocess
import sys
import tempfile

PEERS = {'ns', 'floor_ns', 'glibc_ns', 'jemalloc_ns'}
WANT = dict.fromkeys('''
vmem.kstack_churn.1500 vmem.kstack_churn.20000 vmem.kstack_churn.2000000
vmem.best_mixed.100000 vmem.aligned vmem.fragstorm
phys.pair phys.churn reserv.fill reserv.stack_churn
'''.split(), PEERS)
WANT['pmap.enter'] = {'ns', 'cold_ns', 'floor_ns'}
WANT['pmap.translate'] = {'ns', 'floor_ns'}
WANT['sim.million_stacks'] = {'ns', 'seconds', 'peak_mib'}
WANT['replay.events_per_s'] = WANT['sim.million_stacks'] | {'events_per_s'}
WANT['audit.events_per_s'] = WANT['replay.events_per_s']
KVM_ROWS = '''
kvm.map kvm.touch_cold kvm.touch kvm.guard_fault kvm.stack kvm.harvest
kvm.translate kvm.map_used kvm.stack_used
'''.split()


def main():
    source, build = sys.argv[1], os.path.dirname(sys.argv[2])
    programs = os.path.join(build, 'bench')
    if not os.path.exists(os.path.join(programs, 'bench_vmem')):
        sys.exit(77)  # a build without them
    with tempfile.TemporaryDirectory() as work:
        table = subprocess.run(
            [os.path.join(source, 'tests/bench/bench.py'), source, build,
             '--quick', '--out', work], capture_output=True, text=True)
        if table.returncode != 0:
            sys.exit(f'{table.stdout}{table.stderr}bench.py failed')
        with open(os.path.join(work, 'bench.json')) as text:
            rows = json.load(text)['rows']
    errors = []
    machine = subprocess.run([sys.argv[2], 'machine', '--require-kvm'],
                             capture_output=True)
    if machine.returncode == 0:
        WANT.update(dict.fromkeys(KVM_ROWS, {'ns', 'model_ns'}))
    if [row['name'] for row in rows] != list(WANT):
        errors.append(f'rows: {[row["name"] for row in rows]}')
    no_jemalloc = not os.path.exists(
        os.path.join(programs, 'bench_jemalloc'))
    for row in rows:
        columns = set(row) - {'name'}
        wanted = WANT.get(row['name'], set()) - (
            {'jemalloc_ns'} if no_jemalloc else set())
        if columns != wanted:
            errors.append(f'{row["name"]}: columns {sorted(columns)}')
        if any(row[column] <= 0 for column in columns & {'ns', 'glibc_ns'}):
            errors.append(f'{row["name"]}: took no time: {row}')
        if row['name'] not in table.stdout:
            errors.append(f'{row["name"]} is not in the table')
    for name in ('bench_glibc', 'bench_floor'):
        linked = subprocess.run(['ldd', os.path.join(programs, name)],
                                capture_output=True, text=True, check=True)
        if 'libc.so' not in linked.stdout or 'jemalloc' in linked.stdout:
            errors.append(f'{name} links {linked.stdout}')
    print('\n'.join(errors) if errors else f'{len(rows)} rows')
    sys.exit(bool(errors))


main()
