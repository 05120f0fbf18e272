#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""killed.py SOURCE KVASIR - kill -9 at any moment leaves old or new files

A folder holds the report of one run; others, which would write another, are
killed at random moments, half of them while they write.  Every file must be
that of one run or the other, whole.
"""
import os
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import time

ROUNDS = 60
source, kvasir = sys.argv[1:3]
scenario = os.path.join(source, 'scenarios', 'k010_reference_churn.yaml')
seed = random.randrange(1 << 32)
rng = random.Random(seed)


def command(churn, folder):
    return [kvasir, 'run', scenario, '-D', f'churn={churn}', '-o', folder]


def contents(folder):
    found = {}
    for name in os.listdir(folder):
        with open(os.path.join(folder, name), 'rb') as file:
            found[name] = file.read()
    return found


def writing(folder):
    """Is a temporary file there?"""
    return any(name.endswith('.tmp') for name in os.listdir(folder))


def kill_one(folder, duration, wait):
    process = subprocess.Popen(command(1000, folder),
                               stdout=subprocess.DEVNULL)
    if wait:
        while process.poll() is None and not writing(folder):
            pass
        time.sleep(rng.random() * duration / 20)
    else:
        time.sleep(rng.random() * duration)
    process.send_signal(signal.SIGKILL)
    return process.wait() == -signal.SIGKILL


def main():
    top = tempfile.mkdtemp()
    try:
        old, new, folder = (os.path.join(top, n) for n in ('o', 'n', 'f'))
        subprocess.run(command(0, old), check=True,
                       stdout=subprocess.DEVNULL)
        start = time.monotonic()
        subprocess.run(command(1000, new), check=True,
                       stdout=subprocess.DEVNULL)
        duration = time.monotonic() - start
        before, after = contents(old), contents(new)
        killed = mixed = 0
        for i in range(ROUNDS):
            shutil.rmtree(folder, ignore_errors=True)
            shutil.copytree(old, folder)
            killed += kill_one(folder, duration, i % 2 == 0)
            found = contents(folder)
            for name in before:
                if found.get(name) not in (before[name], after[name]):
                    sys.exit(f'seed {seed}, round {i}: {name} is neither '
                             'old nor new')
            if set(n for n in found if not n.endswith('.tmp')) - set(after):
                sys.exit(f'seed {seed}, round {i}: strange files')
            same = [n for n in before if before[n] != after[n]]
            mixed += len({found[n] == after[n] for n in same}) == 2
        print(f'seed {seed}: {killed} of {ROUNDS} killed, {mixed} of them '
              'between two files')
        if killed == 0 or before == after:
            sys.exit('nothing was shown')
    finally:
        shutil.rmtree(top, ignore_errors=True)


main()
