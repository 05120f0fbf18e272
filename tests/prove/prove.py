#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""prove.py SOURCE [NAME...] - prove the contracts of tests/prove by Frama-C/WP

Needs frama-c-base, why3, z3 and cvc4.  First every proof must succeed: the
index of stack pages for the rows of the machine table with 0 to 4 guard pages.
Then each broken variant, one line of alloc/ changed, must fail.  Exits with 77
where there is no Frama-C.
"""
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time

ARITH = 'kv_add,kv_mul,kv_round_up,kv_overlap'
LAYOUT = 'is_negative,is_cut,common,kv_layout_set_window'
PINDEX = ('kv_pindex_of_page,kv_pindex_to_page,kv_pindex_of,there_and_back,'
          'back_and_there')
FIT = 'kv_arena_fits'

# proof, file of alloc/, what stands there, what takes its place
BROKEN = [
    ('arith', 'arith.h', 'a > UINT64_MAX - b', 'a >= UINT64_MAX - b'),
    ('arith', 'arith.h', 'rem == 0 ? 0 : step - rem', 'step - rem'),
    ('arith', 'arith.h', 'b - a < an', 'b - a <= an'),
    ('fit', 'vmem_fit.c', 'end - start < rq->size - 1)',
     'end - start < rq->size - 2)'),
    ('fit', 'vmem_fit.c', 'start < lowest || ', ''),
    ('fit', 'vmem_fit.c', 'end = rq->max;', 'end = rq->max + 1;'),
    ('layout', 'layout.c', 'size - 1 > UINT64_MAX - base',
     'size > UINT64_MAX - base'),
    ('layout', 'layout.c', 'a.size - (b.base - a.base)',
     'a.size - b.base + a.base + 1'),
    ('layout', 'layout.c', 'left < b.size ? left : b.size', 'left'),
    ('pindex 4+1', 'pindex.h', '(page / kpages + 1)', '(page / kpages)'),
    ('pindex 4+1', 'pindex.h', 'page % kpages < map->gpages',
     'page % kpages <= map->gpages'),
    ('pindex 4+1', 'pindex.h', 'pindex % map->npages;',
     'pindex % kpages;'),
]


def rows(source):
    """(stack pages, log2 bytes of a page) of the machine table, each once"""
    with open(os.path.join(source, 'alloc', 'machine.c')) as file:
        text = file.read()
    found = zip(re.findall(r'\.kstack_pages = (\d+)', text),
                re.findall(r'\.page_shift = (\d+)', text))
    return sorted({(int(pages), int(shift)) for pages, shift in found})


def proofs(source):
    yield 'arith', 'arith.c', ARITH, ''
    yield 'fit', 'fit.c', FIT, ''
    yield 'layout', 'layout.c', LAYOUT, ''
    table = rows(source)
    for pages, shift in table:
        for guard in range(5):
            name = f'pindex {pages}+{guard}'
            if shift != table[0][1]:
                name += f' shift {shift}'
            yield (name, 'pindex.c', PINDEX,
                   f'-DS={pages} -DG={guard} -DSHIFT={shift} '
                   f'-DPAGES_MAX={(1 << 64 - shift) - 1}UL')


def prove(source, tree, proof):
    """=> goals proved, goals; what Frama-C said"""
    name, file, functions, defines = proof
    include = f'-I{tree} -I{tree}/alloc {defines}'
    run = subprocess.run(
        ['frama-c', '-wp', '-wp-rte', '-wp-prover', 'z3,cvc4',
         '-wp-timeout', '60', '-wp-par', str(os.cpu_count()),
         f'-cpp-extra-args={include}', '-wp-fct', functions,
         os.path.join(source, 'tests', 'prove', file)],
        capture_output=True, text=True, cwd=tree)
    match = re.search(r'Proved goals:\s*(\d+) / (\d+)', run.stdout)
    if run.returncode != 0 or match is None:
        sys.exit(f'{name}: {run.stdout}{run.stderr}')
    return int(match[1]), int(match[2]), run.stdout


def main():
    source = os.path.abspath(sys.argv[1])
    wanted = sys.argv[2:]
    if shutil.which('frama-c') is None:
        print('prove: no frama-c', file=sys.stderr)
        sys.exit(77)
    todo = {p[0]: p for p in proofs(source)}
    done = goals = 0
    failed = False
    start = time.monotonic()
    for name, proof in todo.items():
        if wanted and name.split()[0] not in wanted and name not in wanted:
            continue
        some, all_, said = prove(source, source, proof)
        done, goals = done + some, goals + all_
        print(f'{name:20} {some:3} of {all_:3} goals', flush=True)
        for line in re.findall(r'\[Failed\] Goal (.*)', said):
            print(f'    not proved: {line}')
            failed = True
    print(f'proved {done} of {goals} goals, '
          f'{time.monotonic() - start:.0f} s', flush=True)
    caught = count = 0
    for name, file, old, new in BROKEN:
        if wanted and name.split()[0] not in wanted and name not in wanted:
            continue
        with tempfile.TemporaryDirectory() as tree:
            shutil.copytree(os.path.join(source, 'alloc'),
                            os.path.join(tree, 'alloc'))
            path = os.path.join(tree, 'alloc', file)
            with open(path) as code:
                text = code.read()
            if text.count(old) < 1:
                sys.exit(f'{file} has no "{old}" any more')
            with open(path, 'w') as code:
                code.write(text.replace(old, new, 1))
            some, all_, _ = prove(source, tree, todo[name])
        count += 1
        caught += some < all_
        verdict = f'{all_ - some} not proved' if some < all_ else 'PROVED'
        print(f'{name:20} {old} -> {new or "nothing"}: {verdict}',
              flush=True)
    print(f'{caught} of {count} broken variants fail')
    sys.exit(failed or caught != count)


main()
