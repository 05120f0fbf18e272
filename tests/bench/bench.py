#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""bench.py SOURCE BUILD [--quick] [--out FOLDER] - the speed table

Every row replays one list of operations through Kvasir, a bare loop, glibc
malloc and jemalloc: in turn, several fresh processes each, the best counts.
Times are CPU time.  Writes FOLDER/bench.json (FOLDER: BUILD) and keeps the
inputs in FOLDER/bench.  Rows of page tables are per page, without a malloc to
compare with.  --quick makes the inputs tiny: for testing this.
"""
import argparse
import gzip
import json
import os
import subprocess
import sys
import tempfile
import time

ROUNDS = 3
SLOW = 5  # seconds: what takes longer runs once
MIB = 1 << 20

# Name, program, its arguments (trace: those of the generator), operations
# that count as one (pages of a stack), at most so many times glibc's time,
# MiB that glibc touches by its headers.
ROWS = [
    ('vmem.kstack_churn.1500', 'vmem',
     'trace kstack 11 1000000 target=1500', 1, 0.8, 0),
    ('vmem.kstack_churn.20000', 'vmem',
     'trace kstack 11 1000000 target=20000', 1, 0.8, 0),
    ('vmem.kstack_churn.2000000', 'vmem',
     'churn 2000000 1000000', 1, 0.8, 9000),
    ('vmem.best_mixed.100000', 'vmem',
     'trace mixed 15 1000000 target=50000 arena_mb=65536 strat=bestfit',
     1, 0.12, 500),
    ('vmem.aligned', 'vmem',
     'trace aligned 16 500000 target=2000 arena_mb=1024', 1, None, 0),
    ('vmem.fragstorm', 'vmem',
     'trace fragstorm 17 1000000 batch=4000', 1, None, 0),
    ('phys.pair', 'phys', 'page_pair 1000000', 1, 1.8, 0),
    ('phys.churn', 'phys', 'page_churn 100000 500000', 1, 0.4, 500),
    ('reserv.fill', 'phys', 'object_fill 16384 20', 1, 1.2, 100),
    ('reserv.stack_churn', 'phys',
     'object_churn 20000 40000 500000', 4, 3.3, 100),
]
# Name, mode, kernel stacks of 4 + 1 pages, at most so many ns a page.
PAGES = [
    ('pmap.enter', 'enter', 1000000, 15),
    ('pmap.translate', 'translate', 20000, 10),
]
COLUMNS = [('floor', 'floor_ns'), ('glibc', 'glibc_ns'),
           ('jemalloc', 'jemalloc_ns')]

# Nothing of the caller's environment may tune or replace malloc.
ENVIRONMENT = {'PATH': os.environ.get('PATH', os.defpath), 'LC_ALL': 'C'}


class Bench:
    def __init__(self, options):
        self.source, self.build = options.source, options.build
        self.quick = options.quick
        self.inputs = os.path.join(options.out, 'bench')
        self.rounds = 1 if options.quick else ROUNDS
        self.versions = {}
        os.makedirs(self.inputs, exist_ok=True)

    def program(self, name):
        return os.path.join(self.build, 'bench', 'bench_' + name)

    def kept(self, name, makers, write):
        """The path of an input, made anew when a maker is newer."""
        path = os.path.join(self.inputs, name)
        if not os.path.exists(path) or os.path.getmtime(path) < max(
                os.path.getmtime(maker) for maker in makers):
            with open(path + '.part', 'wb') as out:
                write(out)
            os.rename(path + '.part', path)
        return path

    def arguments(self, words):
        mode, *rest = words.split()
        if mode != 'trace':
            if self.quick:
                rest = [str(int(number) // 100 + 2) for number in rest]
            return [mode, *rest]
        if self.quick:
            rest[2] = '5000'
        tool = os.path.join(self.source, 'tests/bench/vmem-trace-gen.py')
        name = '-'.join(rest) + '.trace'
        return [mode, self.kept(name, [tool], lambda out: subprocess.run(
            [sys.executable, tool, *rest], stdout=out, check=True))]

    def recording(self):
        """The shipped recording, repeated to a million events."""
        packed = os.path.join(
            self.source, 'scenarios/linux-6.18-forks.perf.txt.gz')

        def write(out):
            with gzip.open(packed) as stream:
                text = stream.read()
            million = 1 if self.quick else 1000000
            for _ in range(-(-million // text.count(b'\n'))):
                out.write(text)
        name = 'forks-quick.perf.txt' if self.quick else 'forks.perf.txt'
        return self.kept(name, [packed, __file__], write)

    def once(self, program, arguments):
        """ns an operation, or None when the program could not"""
        done = subprocess.run([self.program(program), *arguments],
                              env=ENVIRONMENT, capture_output=True, text=True)
        if done.returncode != 0:
            return None
        ns, self.versions[program] = done.stdout.split()
        return float(ns)

    def row(self, name, ours, words, unit, touched):
        arguments = self.arguments(words)
        programs = {'ns': ours}
        for program, column in COLUMNS:
            if os.path.exists(self.program(program)):
                programs[column] = program
        if 'glibc_ns' in programs and not self.quick and \
                free_mib() < touched * 5 // 4:
            del programs['glibc_ns']
        best = {}
        for _ in range(self.rounds):
            for column, program in list(programs.items()):
                start = time.monotonic()
                ns = self.once(program, arguments)
                if ns is not None:
                    best[column] = min(ns, best.get(column, ns))
                if ns is None or time.monotonic() - start > SLOW:
                    del programs[column]
        if 'ns' not in best:
            sys.exit(f'bench: {name}: bench_{ours} failed')
        return {'name': name,
                **{c: round(ns / unit, 2) for c, ns in best.items()}}

    def machines(self):
        """Rows of stacks of 4 + 1 pages in a KVM guest, beside the model's

        None where there is no KVM.
        """
        best = {}
        for _ in range(self.rounds):
            for machine in ('kvm', 'model'):
                done = subprocess.run(
                    [self.program('mmu'), machine,
                     '100' if self.quick else '20000'],
                    env=ENVIRONMENT, capture_output=True, text=True)
                if done.returncode == 77:
                    return []
                if done.returncode != 0:
                    sys.exit(f'bench: bench_mmu {machine} failed: '
                             f'{done.stderr}')
                for line in done.stdout.splitlines():
                    row, ns = line.split()
                    column = 'ns' if machine == 'kvm' else 'model_ns'
                    columns = best.setdefault(row, {})
                    columns[column] = min(
                        float(ns), columns.get(column, float(ns)))
        return [{'name': 'kvm.' + row, **columns}
                for row, columns in best.items()]

    def pages(self, name, mode, stacks):
        """ns a page with all tables in place; cold_ns: tables made as well"""
        stacks = stacks // 1000 if self.quick else stacks
        best = {'name': name}
        for _ in range(self.rounds):
            for program, columns in (('pages', ('ns', 'cold_ns')),
                                     ('pages_floor', ('floor_ns',))):
                done = subprocess.run(
                    [self.program(program), mode, str(stacks)],
                    env=ENVIRONMENT, capture_output=True, text=True)
                if done.returncode != 0:
                    sys.exit(f'bench: {name}: bench_{program} failed')
                for column, ns in zip(columns, done.stdout.split()):
                    best[column] = min(float(ns), best.get(column, 1e9))
        if mode != 'enter':
            del best['cold_ns']
        return best

    def whole(self, *arguments):
        """One kvasir process: its JSON report, CPU seconds, peak MiB"""
        with tempfile.TemporaryFile() as out:
            child = subprocess.Popen(
                [os.path.join(self.build, 'kvasir'), *arguments,
                 '--format', 'json', '-q'], env=ENVIRONMENT, stdout=out)
            _, status, usage = os.wait4(child.pid, 0)
            child.returncode = os.waitstatus_to_exitcode(status)
            if child.returncode != 0:
                sys.exit(f'bench: kvasir {" ".join(arguments)} failed')
            out.seek(0)
            return (json.load(out), usage.ru_utime + usage.ru_stime,
                    usage.ru_maxrss * 1024 / MIB)

    def best_whole(self, *arguments):
        runs = [self.whole(*arguments) for _ in range(self.rounds)]
        return runs[0][0], min(r[1] for r in runs), max(r[2] for r in runs)

    def million_stacks(self):
        path = 'scenarios/z001_million_stacks.yaml'
        if self.quick:
            path = 'scenarios/k001_one_stack.yaml'
        report, seconds, peak = self.best_whole(
            'run', os.path.join(self.source, path))
        figures = report['metrics']
        operations = 2 * figures['kstack.created'] - figures['kstack.live']
        return {'name': 'sim.million_stacks',
                'ns': round(seconds * 1e9 / operations, 2),
                'seconds': round(seconds, 3), 'peak_mib': round(peak, 1)}

    def replay(self):
        report, seconds, peak = self.best_whole(
            'replay', self.recording(), '--policy', 'freebsd-d38852',
            '--audit', '0')
        events = find(report, 'replay.events')
        return {'name': 'replay.events_per_s',
                'ns': round(seconds * 1e9 / events, 2),
                'events_per_s': round(events / max(seconds, 1e-6)),
                'seconds': round(seconds, 3), 'peak_mib': round(peak, 1)}

    def audit(self):
        """A churn of 20,000 stacks, every event judged as it happens"""
        stacks, churn = (200, 2000) if self.quick else (20000, 300000)
        arguments = [
            'run', os.path.join(self.source,
                                'scenarios/k010_reference_churn.yaml'),
            '-D', 'scheme=new', '-D', f'stacks={stacks}', '-D',
            'memory=512M', '-D', f'churn={churn}']
        log = os.path.join(self.inputs, 'audit.log')
        self.whole(*arguments, '--trace', log)
        with open(log) as lines:
            events = sum(line[0] not in '#:|' for line in lines)
        os.remove(log)
        _, seconds, peak = self.best_whole(*arguments, '--audit', '2')
        return {'name': 'audit.events_per_s',
                'ns': round(seconds * 1e9 / events, 2),
                'events_per_s': round(events / max(seconds, 1e-6)),
                'seconds': round(seconds, 3), 'peak_mib': round(peak, 1)}


def free_mib():
    with open('/proc/meminfo') as lines:
        for line in lines:
            if line.startswith('MemAvailable:'):
                return int(line.split()[1]) // 1024
    return 0


def find(tree, key):
    """The value of a key, however deep."""
    if key in tree:
        return tree[key]
    found = [find(branch, key) for branch in tree.values()
             if isinstance(branch, dict)]
    return next((value for value in found if value is not None), None)


def say(*cells):
    widths = (27, 9, 9, 9, 9, 9, 15)
    print(f'{cells[0]:<{widths[0]}}' + ''.join(
        f'{cell:>{width}}' for cell, width in zip(cells[1:], widths[1:])) +
        '  ' + cells[-1], flush=True)


def verdict(met):
    return 'met' if met else 'missed'


def compare(row, limit):
    def figure(column):
        return f'{row[column]:.1f}' if column in row else '-'
    ratio = None
    if 'glibc_ns' in row:
        ratio = row['ns'] / max(row['glibc_ns'], 0.01)
    say(row['name'], figure('ns'), *(figure(c) for _, c in COLUMNS),
        '-' if ratio is None else f'{ratio:.2f}',
        '-' if limit is None else f'<= {limit:g} glibc',
        '' if ratio is None or limit is None else verdict(ratio <= limit))


def tell_whole(row, target, met):
    rate = f'{row["events_per_s"]:,}' if 'events_per_s' in row else '-'
    print(f'{row["name"]:<27}{row["ns"]:>9.1f}{row["seconds"]:>9.2f}'
          f'{row["peak_mib"]:>9.0f}{rate:>12}{target:>21}  {verdict(met)}',
          flush=True)


def tell_machines(rows):
    print('\nStacks of 4 + 1 pages in a KVM guest and in the model: CPU time, '
          'ns\nper page, guard (guard_fault) or stack (all its pages and its '
          'guard)')
    print(f'{"row":<27}{"kvm":>11}{"model":>9}')
    for row in rows:
        print(f'{row["name"]:<27}{row["ns"]:>11.1f}{row["model_ns"]:>9.1f}')


def tell_pages(row, limit, stacks):
    """A row of page tables; a stack has 4 pages"""
    say(row['name'], f'{row["ns"]:.1f}', f'{row["floor_ns"]:.1f}', '-', '-',
        '-', f'<= {limit} ns', verdict(row['ns'] <= limit))
    if 'cold_ns' in row:
        seconds = row['cold_ns'] * 4 * stacks * 1e-9
        say('  and tables made', f'{row["cold_ns"]:.1f}', '-', '-', '-', '-',
            '< 1 s', f'{verdict(seconds < 1)}: {seconds:.3f} s for {stacks} '
            'stacks')


def table(bench):
    print('CPU time per operation, loop included (floor: the loop alone), ns')
    say('row', 'ns', *(title for title, _ in COLUMNS), 'x glibc', 'target',
        '')
    rows = []
    for name, ours, words, unit, limit, touched in ROWS:
        rows.append(bench.row(name, ours, words, unit, touched))
        compare(rows[-1], limit)
    for name, mode, stacks, limit in PAGES:
        rows.append(bench.pages(name, mode, stacks))
        tell_pages(rows[-1], limit, stacks)
    print(f'malloc: glibc {bench.versions.get("glibc", "not run")}, '
          f'jemalloc {bench.versions.get("jemalloc", "not run")}\n')
    print('Whole processes: CPU time; ns per stack created or disposed of, '
          'or per event')
    print(f'{"row":<27}{"ns":>9}{"s":>9}{"MiB":>9}{"events/s":>12}'
          f'{"target":>21}')
    row = bench.million_stacks()
    tell_whole(row, '< 5 s, < 1 GiB',
               row['seconds'] < 5 and row['peak_mib'] < 1024)
    rows.append(row)
    row = bench.replay()
    tell_whole(row, '>= 3,000,000 /s', row['events_per_s'] >= 3000000)
    rows.append(row)
    row = bench.audit()
    tell_whole(row, '>= 300,000 /s', row['events_per_s'] >= 300000)
    rows.append(row)
    machines = bench.machines()
    if machines:
        tell_machines(machines)
    return rows + machines


def main():
    parser = argparse.ArgumentParser(description='the speed table')
    parser.add_argument('source')
    parser.add_argument('build')
    parser.add_argument('--quick', action='store_true')
    parser.add_argument('--out')
    options = parser.parse_args()
    options.out = options.out or options.build
    rows = table(Bench(options))
    path = os.path.join(options.out, 'bench.json')
    with open(path + '.part', 'w') as out:
        json.dump({'rows': rows}, out, indent=1)
        out.write('\n')
    os.rename(path + '.part', path)


main()
