#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""c116_oracle.py SOURCE KVASIR - which of eight frames keep their spaces, and
how often one is built again, against a list of letters, at random calls"""
import json
import os
import random
import subprocess
import sys

POINTS = 24
FRAMES = 'ABCDEFGH'


def rebuilds(calls, limit, evict):
    """frames that are there, by when they ran last; ties: the later letter"""
    here, seen, count = {}, set(), 0
    for now, call in enumerate(calls):
        count += call in seen and call not in here
        seen.add(call)
        here[call] = now
        while len(here) > limit:
            others = [frame for frame in here if frame != call]
            if evict == 'lru':
                goes = min(others, key=here.get)
            else:
                goes = max(others, key=lambda frame: (
                    abs(ord(frame) - ord(call)), frame))
            del here[goes]
    return count, len(here)


def main():
    source, kvasir = sys.argv[1:3]
    scenario = os.path.join(source, 'scenarios/c116_frame_cache.yaml')
    rng = random.Random(116)
    failed = 0
    for _ in range(POINTS):
        # every frame runs, so that the scenario's own expectations hold
        calls = ''.join(rng.sample(FRAMES, 8))
        calls += ''.join(rng.choices(FRAMES, k=rng.randrange(60)))
        limit = rng.randint(1, 8)
        evict = rng.choice(['lru', 'window'])
        run = subprocess.run(
            [kvasir, 'run', scenario, '--format', 'json', '--audit', '3',
             '-D', f'calls={calls}', '-D', f'limit={limit}',
             '-D', f'evict={evict}'], stdout=subprocess.PIPE, check=False)
        metrics = json.loads(run.stdout)['metrics']
        got = metrics['residents.rebuilds'], metrics['residents.spaces']
        if run.returncode != 0 or got != rebuilds(calls, limit, evict):
            print(f'{calls} {limit} {evict}: exit {run.returncode}, {got}, '
                  f'not {rebuilds(calls, limit, evict)}')
            failed = 1
    sys.exit(failed)


main()
