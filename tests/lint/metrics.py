#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""metrics.py SOURCE - every figure is declared, with a meaning, and made

- metrics.def is sorted; each row has a line of meaning;
- it holds every name that scripts were promised (PROMISED);
- a name written in sim/ is declared; a declared name is written somewhere.
"""
import os
import re
import sys

# Names that scripts rely on: they never change and never go.
PROMISED = '''
trace.fnv guard.mapped
kstack.live kstack.created kstack.failed kstack.phys_contiguous
kstack.pa16k_aligned kstack.va16k_aligned kstack.coalescable_16k
kstack.arena_imports kstack.arena_releases kstack.cache_hits
kstack.cache_misses kstack.wrong_domain kstack.pattern
reserv.full reserv.partial reserv.unused_pages reserv.broken reserv.freed
reserv.reclaimed
phys.free_pages phys.frag_index.oN phys.fmfi.oN phys.unusable_index.oN
map.runs map.n80 map.n90 map.n99 map.cover32 map.cover128
vmem.NAME.size vmem.NAME.inuse vmem.NAME.maxfree vmem.NAME.largest_free
replay.events replay.forks replay.exits replay.frees replay.lazy_frees
replay.fresh_areas replay.cache_hits replay.skipped
'''.split()

ROW = re.compile(r'^X\("([^"]*)", "([^"]*)", (\w+),\s*"([^"]*)"\)', re.M)
STRING = re.compile(r'/\*.*?\*/|"((?:\\.|[^"\\\n])*)"', re.S)
PRINTF = re.compile(r'%[-+ #0]*\d*(?:\.\d+)?(?:hh?|ll?|z)?[a-z]|%" PRI\w+ "')


def declared(source, complain):
    path = 'sim/out/metrics.def'
    with open(os.path.join(source, path)) as text:
        body = text.read()
    rows = ROW.findall(body)
    if len(rows) != len(re.findall(r'^\s*X\(', body, re.M)) or not rows:
        complain(f'{path}: a row is not X("name", "unit", KIND, "meaning")')
    names = [row[0] for row in rows]
    if names != sorted(set(names)):
        complain(f'{path}: not sorted, or a name twice')
    for name, _, _, about in rows:
        if len(about.split()) < 2:
            complain(f'{path}: {name} has no meaning')
    for name in PROMISED:
        if name not in names:
            complain(f'{path}: {name} is promised')
    return names


def written(source):
    """(path, line, string) of every string literal in sim/"""
    for folder, _, names in sorted(os.walk(os.path.join(source, 'sim'))):
        for name in sorted(names):
            if not name.endswith(('.c', '.h')):
                continue
            full = os.path.join(folder, name)
            with open(full) as text:
                body = re.sub(r'%" PRI\w+ "', '%u', text.read())
            for match in STRING.finditer(body):
                if match[1]:
                    line = body[:match.start()].count('\n') + 1
                    yield os.path.relpath(full, source), line, match[1]


def main():
    source = sys.argv[1]
    errors = []
    names = declared(source, errors.append)
    families = {name.split('.')[0] for name in names}
    # NAME is an arena (domain0), N an order; a %s in code may be any of it.
    made = set()
    shape = re.compile(
        r'(?:%s)\.[a-z0-9_.%%]+' % '|'.join(sorted(families)))
    for path, line, string in written(source):
        if not shape.fullmatch(string) or string.endswith('.'):
            continue
        literal = re.escape(PRINTF.sub('\0', string)).replace('\0', '.+')
        hits = {name for name in names
                if re.fullmatch(literal, name) or re.fullmatch(
                    re.escape(name).replace('NAME', r'[a-z0-9_]+'), string)}
        made |= hits
        if not hits:
            errors.append(f'{path}:{line}: {string} is not in metrics.def')
    for name in names:
        if name not in made:
            errors.append(f'sim/out/metrics.def: {name} is made nowhere')
    for error in errors:
        print(error)
    sys.exit(bool(errors))


main()
