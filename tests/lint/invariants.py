#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""invariants.py SOURCE [--write] - the table of invariants says what theory says

`kvasir list invariants` prints sim/run/invariants.def.  Its rows are the
invariants that theory blocks number; --write brings it up to date.
"""
import os
import re
import sys

# Whose check reports by these numbers: the id is MODULE-In, of V it is Vn.
MODULES = {
    'vmem': ['alloc/vmem.c'],
    'phys': ['alloc/buddy.c', 'alloc/phys.c'],
    'object': ['alloc/object.c'],
    'reserv': ['alloc/reservation.c'],
    'freebsd': ['alloc/kstack.c'],
    'pmap': ['sim/hw/pmap.c'],
    'tlb': ['sim/hw/tlb.c'],
    'space': ['sim/run/space.c'],
    'cow': ['sim/hw/cow.c'],
    'V': ['sim/run/generic.c', 'sim/run/steps_touch.c', 'alloc/layout.c'],
    'world': ['sim/run/drain.c'],
    'residents': ['sim/run/residents.c'],
    'zone': ['alloc/zone.c'],
    'ptpool': ['alloc/ptpool.c'],
    'pagecache': ['alloc/pagecache.c'],
    'mmu': ['sim/run/pair.c', 'sim/run/wanted.c'],
}
TABLE = 'sim/run/invariants.def'
HEAD = '''/* SPDX-License-Identifier: BSD-2-Clause */
/* X(id, text): what checks hold up, as the theory blocks put it.
 * Written by tests/lint/invariants.py. */
'''
FIRST = re.compile(r' \*   [IV](\d+)  +(\S.*)')
MORE = re.compile(r' \*       +(\S.*)')


def numbered(path):
    """(number, text) of each invariant in a theory block"""
    number, words = None, []
    with open(path) as text:
        for line in text:
            first, more = FIRST.match(line), MORE.match(line)
            if first or not more:
                if number:
                    yield number, ' '.join(words)
                number, words = None, []
            if first:
                number, words = int(first[1]), [first[2]]
            elif more and number:
                words.append(more[1])


def table(source):
    rows = HEAD
    for module, files in MODULES.items():
        found = []
        for name in files:
            found += numbered(os.path.join(source, name))
        numbers = [number for number, _ in found]
        if not found or len(set(numbers)) != len(numbers):
            sys.exit(f'{module}: no invariants, or a number twice')
        for number, text in sorted(found):
            text = text.rstrip('.').replace('\\', '\\\\').replace('"', '\\"')
            name = f'V{number}' if module == 'V' else f'{module}-I{number}'
            rows += f'X("{name}", "{text}")\n'
    return rows


def main():
    source = sys.argv[1]
    path = os.path.join(source, TABLE)
    rows = table(source)
    if '--write' in sys.argv[2:]:
        with open(path, 'w') as text:
            text.write(rows)
        return
    with open(path) as text:
        if text.read() != rows:
            print(f'{TABLE} is not what the theory blocks say: run '
                  'tests/lint/invariants.py . --write')
            sys.exit(1)


main()
