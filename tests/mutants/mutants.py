#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""mutants.py SOURCE [-n NAME...] - do the tests notice a rule that is wrong?

Makes each change of table.txt in a copy of the tree, builds what depends on
alloc/, and runs tests until one fails.  Prints a table of what killed each;
exit status 1 when one survives, 2 when the table does not suit the tree.
"""
import argparse
import glob
import os
import re
import subprocess
import sys
import tempfile

# Rounds of tests, nearest first: folders whose tests are built, and what runs.
# A round is run when those before passed.
ROUNDS = (((), r'^test_{module}$'),
          (('alloc', 'golden'), r'^(test_({alloc})|test_.*_golden)$'),
          (('prop',), r'^(test_({prop})|scenario\.[vknpr]|cli\.[kn])'))
LIMIT = 600  # seconds a round may take: a mutant that hangs is dead, too


class Stale(Exception):
    """The table does not suit the tree."""


def table(path):
    """(name, file, old, new) of each mutation"""
    with open(path, encoding='utf-8') as lines:
        text = ''.join(line for line in lines if not line.startswith('#'))
    for block in text.split('\n\n'):
        rows = block.strip().split('\n')
        if rows == ['']:
            continue
        if len(rows) != 3 or rows[1][:2] != '- ' or rows[2][:2] != '+ ':
            raise Stale(f'not a mutation: {block.strip()}')
        name, file = rows[0].split()
        yield name, file, rows[1][2:], rows[2][2:]


def mutated(text, old, new, name):
    """The text with its one occurrence of old, blanks aside, replaced"""
    pattern = r'\s+'.join(map(re.escape, old.split()))
    found = re.findall(pattern, text)
    if len(found) != 1:
        raise Stale(f'{name}: found {len(found)} times, not once: {old}')
    return re.sub(pattern, lambda _: new, text)


def run(command, cwd, limit=None):
    return subprocess.run(command, cwd=cwd, timeout=limit, text=True,
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT)


def copy(source, tree):
    """The files that git knows or would add"""
    files = run(['git', 'ls-files', '-co', '--exclude-standard'], source)
    names = [n for n in files.stdout.splitlines()
             if os.path.exists(os.path.join(source, n))]
    subprocess.run(['cp', '--parents', '-p', *names, tree], cwd=source,
                   check=True)


def stems(tree, folder):
    return [os.path.basename(f)[:-2] for f in
            sorted(glob.glob(f'{tree}/tests/{folder}/test_*.c'))]


class Bench:
    def __init__(self, source, work):
        self.tree = os.path.join(work, 'tree')
        self.build = os.path.join(work, 'build')
        os.mkdir(self.tree)
        copy(source, self.tree)
        self.folders = {f: stems(self.tree, f)
                        for f in ('alloc', 'golden', 'prop')}
        self.words = {f: '|'.join(t[5:] for t in tests)
                      for f, tests in self.folders.items()}
        made = run(['cmake', '-S', self.tree, '-B', self.build, '-G', 'Ninja',
                    '-DCMAKE_BUILD_TYPE=Release'], work)
        if made.returncode != 0:
            raise Stale(made.stdout)

    def make(self, module, folders):
        unit = 'test_' + module
        targets = [unit] if unit in self.folders['alloc'] else []
        targets += sum((self.folders[f] for f in folders), [])
        targets += ['kvasir_program'] if 'prop' in folders else []
        return run(['ninja', '-C', self.build, *(targets or ['kvasir'])],
                   self.tree)

    def first_failure(self, pattern):
        """The name of a test that fails, or None"""
        try:
            result = run(['ctest', '--test-dir', self.build, '-R', pattern,
                          '--stop-on-failure', '-j', str(os.cpu_count())],
                         self.tree, LIMIT)
        except subprocess.TimeoutExpired:
            return 'no end'
        failed = re.search(r'tests FAILED:\n\s*\d+ - (\S+)', result.stdout)
        return failed[1] if failed else None

    def killer(self, file):
        """The first test that fails, or None"""
        module = os.path.basename(file).split('.')[0]
        for folders, pattern in ROUNDS:
            made = self.make(module, folders)
            if made.returncode != 0:
                raise Stale(f'{file} does not build\n{made.stdout[-2000:]}')
            failed = self.first_failure(
                pattern.format(module=module, **self.words))
            if failed:
                return failed
        return None

    def judge(self, name, file, old, new):
        path = os.path.join(self.tree, file)
        with open(path, encoding='utf-8') as text:
            good = text.read()
        bad = mutated(good, old, new, name)
        try:
            with open(path, 'w', encoding='utf-8') as text:
                text.write(bad)
            return self.killer(file)
        finally:
            with open(path, 'w', encoding='utf-8') as text:
                text.write(good)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument('source')
    parser.add_argument('-n', '--names', nargs='+')
    options = parser.parse_args()
    here = os.path.dirname(os.path.abspath(__file__))
    survivors = total = 0
    with tempfile.TemporaryDirectory() as work:
        bench = Bench(os.path.abspath(options.source), work)
        if bench.killer('alloc/vmem.c') is not None:
            raise Stale('the tree as it is does not pass')
        print(f'{"mutation":<28}{"in":<28}killed by')
        for name, file, old, new in table(f'{here}/table.txt'):
            if options.names and name not in options.names:
                continue
            killer = bench.judge(name, file, old, new)
            total += 1
            survivors += killer is None
            print(f'{name:<28}{file:<28}{killer or "SURVIVED"}', flush=True)
    print(f'{total - survivors} of {total} killed')
    return survivors != 0


if __name__ == '__main__':
    try:
        sys.exit(main())
    except Stale as stale:
        print(stale, file=sys.stderr)
        sys.exit(2)
