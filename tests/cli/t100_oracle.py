#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""t100_oracle.py SOURCE KVASIR - the pool of page tables against a count of its
tables that knows addresses alone, at random parameters"""
import json
import os
import random
import subprocess
import sys

POINTS = 40
MEMORY = 15 << 40
SPAN = {1: 39, 2: 30, 3: 21}  # log2 bytes of one table below the root


class Pool:
    """A pointer that stops at the reserve, and the tables that exist."""

    def __init__(self, capacity, reserve):
        self.left, self.reserve = capacity, reserve
        self.line = capacity * 80 // 100
        self.used = self.warn_at = 0
        self.tables = {0: {0}, 1: set(), 2: set(), 3: set()}
        self.draw()

    def draw(self):
        if self.left <= self.reserve:
            return False
        self.left -= 1
        self.used += 1
        if self.used > self.line and self.warn_at == 0:
            self.warn_at = self.used
        return True

    def table(self, va, depth):
        """the tables for va down to that depth; those made before one that
        could not be made stay"""
        for level in range(1, depth + 1):
            key = va >> SPAN[level]
            if key not in self.tables[level]:
                if not self.draw():
                    return False
                self.tables[level].add(key)
        return True


def boot(pool, p):
    pool.table(p['start'], min(max(p['boot_pages'], 1), 3) - 1)
    for _ in range(max(p['boot_pages'], 3) - 3):
        pool.draw()


def isolate(pool, p, number):
    """=> None: completed; what failed"""
    for split in range(p['splits']):
        va = p['start'] + (number * p['splits'] + split) * p['stride']
        if not pool.table(va, 2):
            return 'fail.map'
        if not pool.table(va, 3):
            return 'fail.protect'
    return None


def expected(p):
    pool = Pool(p['pool_pages'], p['reserve'])
    boot(pool, p)
    completed, failed = 0, None
    while completed < p['isolates'] and failed is None:
        failed = isolate(pool, p, completed)
        completed += failed is None
    figures = {f'pool.l{d}': len(pool.tables[d]) for d in range(4)}
    figures.update({
        'pool.capacity': p['pool_pages'], 'pool.used': pool.used,
        'pool.warn_at': pool.warn_at, 'split.blocks': figures['pool.l3'],
        'isolate.completed': completed, 'fail.unmap': 0,
        'fail.protect': int(failed == 'fail.protect'),
        'fail.map': int(failed == 'fail.map')})
    return figures


def parameters(rng):
    mib = 1 << 20
    p = {
        'pool_pages': rng.choice([rng.randint(4, 60), rng.randint(60, 3600)]),
        'start': rng.choice([4 * mib, 1 << 30, 8 << 30, 511 << 30,
                             rng.randrange(1 << 19) * 2 * mib]),
        'stride': 2 * mib * rng.choice([1, 2, 512, rng.randint(1, 600)]),
        'isolates': rng.randint(0, 40), 'splits': rng.randint(0, 120),
        'boot_pages': rng.randint(0, 30), 'reserve': rng.randint(0, 3),
        'reclaim': rng.choice(['none', 'empty', 'promote'])}
    end = p['start'] + p['isolates'] * p['splits'] * p['stride']
    return p if end < MEMORY else parameters(rng)


def main():
    source, kvasir = sys.argv[1:]
    seed = int(os.environ.get('KV_SEED', '1'))
    rng = random.Random(seed)
    bad = 0
    for _ in range(POINTS):
        p = parameters(rng)
        command = [kvasir, 'run', '--format', 'json', os.path.join(
            source, 'scenarios/t100_elfuse_pool.yaml')]
        for name, value in p.items():
            command += ['-D', f'{name}={value}']
        run = subprocess.run(command, capture_output=True, text=True,
                             check=False)
        if run.returncode != 0:
            print(f'seed {seed}, {p}: exit {run.returncode}', run.stderr)
            bad += 1
            continue
        metrics = json.loads(run.stdout)['metrics']
        wrong = {name: (metrics.get(name), value)
                 for name, value in expected(p).items()
                 if metrics.get(name) != value}
        if wrong:
            print(f'seed {seed}, {p}: {wrong} (figure, expected)')
            bad += 1
    sys.exit(bad != 0)


main()
