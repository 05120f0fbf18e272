#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""tampered.py SOURCE PROGRAM - a log with one false event has a name for it

A run is written down and judged good.  Then one event is changed, left out, told
twice or made up, as a wrong allocator would have told it, and `kvasir check LOG`
must name an invariant that says so, and the line, or refuse the log.
"""
import os
import re
import subprocess
import sys
import tempfile

SCENARIO = '''kvasir: 1
machine:
  name: amd64
  domains: 2
  memory: [{start: 16M, size: 64M, domain: 0}, {start: 80M, size: 64M, domain: 1}]
arenas:
  va: {base: 1M, size: 1M, quantum: 4K}
  low: {parent: va, import_quantum: 64K, quantum: 4K}
objects: {data: {pages: 2048}}
tlb: {preset: amd-zen2}
kstacks: {policy: freebsd-d38852, first_kva: 2M}
work:
  - spawn: {count: 40}
  - alloc: {arena: low, size: 8K, as: a}
  - map: {va: machine.kva_start + 1G, size: 4M, object: data}
  - touch: {va: machine.kva_start + 1G, size: 64K}
  - protect: {va: machine.kva_start + 1G, size: 64K, prot: r}
  - touch: {va: machine.kva_start + 1G, size: 64K}
  - spawn: {pages: 2, as: odd}
  - dispose: {count: 10}
  - free: {name: a}
  - unmap: {va: machine.kva_start + 1G, size: 4M}
  - release: {object: data, offset: 0, pages: 1024}
  - dispose: {name: odd}
  - drain: {}
'''

program = sys.argv[2]
folder = tempfile.TemporaryDirectory()
path = os.path.join(folder.name, 'log')


def judge(lines):
    with open(path, 'w') as log:
        log.writelines(lines)
    return subprocess.run([program, 'check', path], capture_output=True,
                          text=True)


def find(lines, pattern, nth=0):
    """The index of an event, from the first or, below 0, from the last."""
    return [i for i, line in enumerate(lines)
            if re.match(pattern, line)][nth]


def field(line, name):
    return re.search(rf'\b{name}=(\S+)', line)[1]


def changed(pattern, name, value, nth=0):
    """One field of an event says something else; value: of what it said."""
    def tamper(lines):
        i = find(lines, pattern, nth)
        was = field(lines[i], name)
        now = value(int(was, 0)) if callable(value) else value
        now = hex(now) if was.startswith('0x') else str(now)
        lines[i] = re.sub(rf'\b{name}={was}', f'{name}={now}', lines[i])
    return tamper


def left_out(pattern, nth=0):
    def tamper(lines):
        del lines[find(lines, pattern, nth)]
    return tamper


def doubled(pattern, nth=0):
    def tamper(lines):
        i = find(lines, pattern, nth)
        lines.insert(i, lines[i])
    return tamper


def moved(pattern, to, nth=0, after=False):
    """An event is told before (or behind) another one."""
    def tamper(lines):
        line = lines.pop(find(lines, pattern, nth))
        lines.insert(find(lines, to) + after, line)
    return tamper


def made_up(behind, line, nth=0):
    """{x} in line is the field x of the event before it."""
    def tamper(lines):
        i = find(lines, behind, nth)
        fields = dict(re.findall(r'\b(\w+)=(\S+)', lines[i]))
        lines.insert(i + 1, line.format(**fields) + '\n')
    return tamper


def swapped(name):
    """Two pages of one stack change their places in that field."""
    def tamper(lines):
        i = find(lines, r'kstack\.page .* domain=0')
        a, b = field(lines[i], name), field(lines[i + 1], name)
        lines[i] = lines[i].replace(f'{name}={a}', f'{name}={b}')
        lines[i + 1] = lines[i + 1].replace(f'{name}={b}', f'{name}={a}')
    return tamper


def released_part(lines):
    """The parent of the stacks gets back less than it gave."""
    i = find(lines, r'vmem\.release kstack')
    size = field(lines[i + 1], 'size')
    assert lines[i + 1].startswith('vmem.free domain')
    lines[i + 1] = lines[i + 1].replace(size, str(int(size) - 20480))


def shared(lines):
    """The first reservation of data is that of the stacks."""
    taken = field(lines[find(lines, r'reserv\.create .*=kstack_object ')], 'pa')
    i = find(lines, r'reserv\.create .*=data ')
    pa = field(lines[i], 'pa')
    lines[i] = lines[i].replace(f'pa={pa} ', f'pa={taken} ')


def bent_superpage(lines):
    """A leaf of a table of level 1 is a page off."""
    tables = {field(line, 'table') for line in lines
              if re.match(r'pt\.get .*level=1', line)}
    for i, line in enumerate(lines):
        if line.startswith('pt.leaf') and field(line, 'table') in tables:
            pa = int(field(line, 'pa'), 0)
            lines[i] = line.replace(hex(pa), hex(pa + PAGE))
            return
    raise IndexError


def unflushed(lines):
    """No flush comes for pages whose rights shrink, and the TLB has them."""
    again = [i for i, line in enumerate(lines)
             if re.match(r'tlb\.touch', line)][16]
    lines[again] = re.sub(r'result=1', 'result=0', lines[again])
    for i in range(again, find(lines, r'tlb\.touch'), -1):
        if re.match(r'tlb\.range', lines[i]):
            del lines[i]


PAGE = 4096
# What was done to the log, what it stands for, what may be said of it.
CASES = [
    # arenas
    ('a block over another', changed(r'vmem\.alloc kstack0', 'va',
     lambda va: va - 20480, 5), 'V1'),
    ('a block outside its span', changed(r'vmem\.alloc low', 'va', 0x90000000),
     'V1'),
    ('a block smaller than asked', changed(r'vmem\.alloc low', 'size', 4096),
     'V1'),
    ('a block off its alignment', changed(
        r'vmem\.request low', 'align', 1 << 21), 'V1'),
    ('a block across what it must not cross', changed(
        r'vmem\.request low', 'nocross', 4096), 'V1'),
    ('a block beyond its bounds', changed(
        r'vmem\.bounds low', 'max', 0x100000), 'V1'),
    ('a free told twice', doubled(r'vmem\.free low'), 'V1 V2'),
    ('a free of another size', changed(r'vmem\.free low', 'size', 4096), 'V1'),
    ('a free to another arena', lambda lines: lines.__setitem__(
        slice(None), [line.replace('vmem.free low', 'vmem.free va')
                      for line in lines]), 'V1 V2'),
    ('a free of a stack that is none', changed(
        r'vmem\.free kstack0', 'va', lambda va: va + 8), 'freebsd-I5'),
    ('an arena has more than there is', changed(
        r'vmem\.import low', 'size', 1 << 20), 'V2 V1 vmem-I3'),
    ('an import from where nothing was given', changed(
        r'vmem\.import low', 'va', 0x80000), 'V2'),
    ('an empty span that stays', left_out(r'vmem\.release low'), 'V2'),
    ('a release without its free', left_out(r'vmem\.free va'), 'V2 V1'),
    ('a chunk goes back in part', released_part, 'freebsd-I5 freebsd-I6'),
    ('a chunk of no whole slots', changed(
        r'vmem\.import kstack0', 'size', lambda n: n - PAGE), 'freebsd-I8'),
    ('a chunk outside what its parent gave', changed(
        r'vmem\.import kstack0', 'size', lambda n: n + 2 * 20480),
     'freebsd-I8'),
    # memory
    ('a page given twice', made_up(
        r'phys\.alloc phys', 'phys.alloc phys pa={pa} npages=1 domain=0 pool=0',
        1), 'phys-I2 phys-I3'),
    ('a block off its order', changed(
        r'phys\.alloc phys', 'pa', lambda pa: pa + PAGE), 'phys-I1 phys-I2'),
    ('a free of pages that are free', doubled(r'phys\.free phys'),
     'phys-I3 phys-I2 V6'),
    ('pages of another domain', changed(
        r'phys\.alloc phys .*domain=0', 'domain', 1), 'phys-I1 phys-I3'),
    ('memory that is not there', changed(
        r'phys\.alloc phys', 'pa', 1 << 40), 'phys-I1 phys-I2 phys-I3'),
    # objects and reservations
    ('a page under two pindexes', changed(
        r'object\.insert kstack_object', 'pfn', lambda pfn: pfn - 1, 9),
     'freebsd-I3 reserv-I1 reserv-I3 object-I2 object-I3'),
    ('a pindex with two pages', changed(
        r'object\.insert kstack_object', 'pindex', lambda i: i - 1, 9),
     'freebsd-I3 reserv-I1 reserv-I3 object-I2 object-I3'),
    ('a page leaves where it is not', changed(
        r'object\.remove data', 'pfn', lambda pfn: pfn + 1),
     'reserv-I2 freebsd-I3'),
    ('a page that leaves nowhere', left_out(r'object\.remove kstack_object'),
     'freebsd-I3 freebsd-I10 V6'),
    ('a reservation made twice', doubled(r'reserv\.create'),
     'reserv-I1 reserv-I2 reserv-I3'),
    ('a reservation of two objects', shared,
     'reserv-I1 reserv-I2 reserv-I3'),
    ('a reservation in no window', changed(
        r'reserv\.create', 'pa', lambda pa: pa + PAGE), 'reserv-I1 reserv-I3'),
    ('a reservation that is full too early', moved(
        r'reserv\.full', r'object\.insert data'), 'reserv-I2 reserv-I1'),
    ('a reservation that goes back in use', moved(
        r'reserv\.free', r'object\.remove', -1),
     'reserv-I2 reserv-I3 reserv-I1'),
    # stacks
    ('a stack off its slot', changed(
        r'kstack\.create kstack', 'ks', lambda ks: ks + PAGE, 2),
     'freebsd-I1 freebsd-I2 freebsd-I3 freebsd-I5'),
    ('two pindexes change places', swapped('pindex'), 'freebsd-I3'),
    ('two frames change places', swapped('pa'), 'freebsd-I3'),
    ('a page of another domain', changed(
        r'kstack\.page .*domain=0', 'domain', 1), 'freebsd-I4 phys-I3'),
    ('a stack of a domain that is not there', changed(
        r'kstack\.create', 'domain', 7), 'freebsd-I7 freebsd-I4'),
    ('a stack of another domain', changed(
        r'kstack\.create kstack .*domain=0', 'domain', 1),
     'freebsd-I4 freebsd-I5'),
    ('a stack disposed of twice', doubled(r'kstack\.dispose'),
     'freebsd-I5 freebsd-I7'),
    ('a stack that is not there any more', left_out(r'kstack\.create'),
     'freebsd-I5 freebsd-I3 freebsd-I10'),
    ('a stack that never goes', left_out(r'kstack\.dispose'),
     'freebsd-I10 freebsd-I5'),
    ('another size in the object of the default', changed(
        r'kstack\.create .*npages=2 ', 'npages', 4),
     'freebsd-I9 freebsd-I3 freebsd-I1 freebsd-I5'),
    ('the guard has a pindex', made_up(
        r'kstack\.page .*ks=0xfffffe0000204000 pindex=412 ',
        'object.insert kstack_object pindex=411 pfn=0x1400 npages=1'),
     'freebsd-I2 freebsd-I3 reserv-I1 reserv-I3 object-I3 phys-I3'),
    # page tables
    ('a guard that is mapped', changed(
        r'pt\.leaf .*pa=0x', 'index', lambda i: i - 1, 4),
     'freebsd-I2 V4 space-I1'),
    ('a page that is mapped to another frame', changed(
        r'pt\.leaf', 'pa', lambda pa: pa + PAGE, 5), 'space-I1 V6'),
    ('a page that is not mapped', left_out(r'pt\.leaf', 5), 'space-I1'),
    ('a superpage off its alignment', bent_superpage, 'V4'),
    ('a leaf behind free memory', made_up(
        r'pt\.leaf', 'pt.leaf kernel table={table} index=500 pa=0x8ff0000 '
        'attr=3'), 'V6 space-I2'),
    ('a table that two entries point to', made_up(
        r'pt\.table', 'pt.table kernel table={table} index=3 child={child}'),
     'V3'),
    ('a table that none points to', left_out(r'pt\.table'),
     'V3 space-I1'),
    ('a table that goes back in use', made_up(
        r'pt\.table', 'pt.put kernel table={child} level=0'), 'V3'),
    ('a table given twice', doubled(r'pt\.get', 1), 'V3'),
    # the TLB
    ('a flush that is left out', unflushed, 'V7'),
    ('a hit on what is not mapped', changed(
        r'tlb\.touch', 'va', lambda va: va + (1 << 30)), 'V7'),
]


# What is no log any more: refused, with the place.
REFUSED = [
    ('no such event', 'vmem.alloc low', 'vmem.aloc low'),
    ('no such field', ' npages=', ' mpages='),
    ('a field too many', ' domain=0', ' domain=0 colour=1'),
    ('a number that is none', 'size=8192', 'size=8k'),
    ('a number too large', 'size=8192', 'size=18446744073709551616'),
    ('another language', '# kvasir trace 1', '# kvasir trace 2'),
    ('a byte that is none', 'run.end', 'run.\0end'),
]


def main():
    scenario = os.path.join(folder.name, 'scenario.yaml')
    with open(scenario, 'w') as text:
        text.write(SCENARIO)
    good = os.path.join(folder.name, 'good')
    subprocess.run([program, 'run', scenario, '--trace', good], check=True,
                   stdout=subprocess.DEVNULL)
    with open(good) as log:
        lines = log.readlines()
    assert judge(lines).returncode == 0
    failed = 0
    for what, tamper, ids in CASES:
        wrong = list(lines)
        tamper(wrong)
        assert wrong != lines, what
        result = judge(wrong)
        named = re.findall(r'^# \S*log:\d+:1: (\S+):', result.stdout, re.M)
        if result.returncode != 1 or not set(named) & set(ids.split()):
            print(f'{what}: status {result.returncode}, {named}, not {ids}')
            failed += 1
    for what, old, new in REFUSED:
        i = next(i for i, line in enumerate(lines) if old in line)
        wrong = list(lines)
        wrong[i] = lines[i].replace(old, new, 1)
        result = judge(wrong)
        if result.returncode != 2 or result.stdout or not re.search(
                rf'log:{i + 1}:\d+: ', result.stderr):
            print(f'{what}: status {result.returncode}, {result.stderr}')
            failed += 1
    sys.exit(failed != 0)


main()
