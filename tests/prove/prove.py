#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""prove.py SOURCE [NAME...] - prove the contracts of tests/prove by Frama-C/WP

Needs frama-c-base, why3, z3 and cvc4.  First the axioms must hold, as bit
vectors for each of the 64 powers of two.  Then every proof must succeed: the
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
ANY = 'kv_pindex_of_page,kv_pindex_to_page'
FIT = 'kv_arena_fits'
ALIGN = 'kv_align_up,kv_align_down'
CROSS = 'kv_crosses'
LEMMAS = '@lemma'

# proof, file of alloc/, what stands there, what takes its place
BROKEN = [
    ('arith', 'arith.h', 'a > UINT64_MAX - b', 'a >= UINT64_MAX - b'),
    ('arith', 'arith.h', 'rem == 0 ? 0 : step - rem', 'step - rem'),
    ('arith', 'arith.h', 'b - a < an', 'b - a <= an'),
    ('align', 'arith.h', '(x + (align - 1)) & ~', '(x + align) & ~'),
    ('align', 'arith.h', 'return x & ~(align - 1);',
     'return x & ~(align - 1) & ~align;'),
    ('cross', 'arith.h', '(start + size - 1)', '(start + size)'),
    ('cross', 'arith.h', '(start ^ (', '(start & ('),
    ('fit', 'vmem_fit.c', 'end - start < rq->size - 1)',
     'end - start < rq->size - 2)'),
    ('fit', 'vmem_fit.c', 'start < lowest || ', ''),
    ('fit', 'vmem_fit.c', 'end = rq->max;', 'end = rq->max + 1;'),
    ('rules', 'vmem_fit.c', 'rq->align) + rq->phase;', 'rq->align);'),
    ('rules', 'vmem_fit.c', 'rq->nocross) + rq->phase;', 'rq->nocross);'),
    ('rules', 'vmem_fit.c', 'kv_crosses(start, rq->size, rq->nocross)',
     'kv_crosses(start, rq->size - 1, rq->nocross)'),
    ('rules', 'vmem_fit.c', 'end - start < rq->size - 1)',
     'end - start < rq->size)'),
    ('layout', 'layout.c', 'size - 1 > UINT64_MAX - base',
     'size > UINT64_MAX - base'),
    ('layout', 'layout.c', 'a.size - (b.base - a.base)',
     'a.size - b.base + a.base + 1'),
    ('layout', 'layout.c', 'left < b.size ? left : b.size', 'left'),
    ('pindex any', 'pindex.h', '(page / kpages + 1)', '(page / kpages)'),
    ('pindex any', 'pindex.h', 'map->gpages +\n	       pindex %',
     'pindex %'),
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


POWERS = [1 << shift for shift in range(64)]
TOP = 1 << 64


def facts():
    """(axiom, claim on 66-bit vectors x and y below 2^64), power by power"""
    low = '(bvult x {0})'.format(bits(TOP))
    word = '((_ zero_extend 2) ((_ extract 63 0) {0}))'.format
    yield 'wrap_up', '(let ((z (bvadd x {0}))) (=> {1} (= {2} x)))'.format(
        bits(TOP), low, word('z'))
    yield 'wrap_down', '(let ((z (bvsub x {0}))) (=> {1} (= {2} x)))'.format(
        bits(TOP), low, word('z'))
    yield 'not', '(= {0} (bvsub {1} x))'.format(
        word('(bvnot x)'), bits(TOP - 1))
    for power in POWERS:
        a, m = bits(power), bits(TOP - power)
        yield 'mask_plain', '(= {0} {1})'.format(
            word(f'(bvnot (bvsub {a} {bits(1)}))'), m)
        yield 'mask', (
            f'(let ((f (bvand x {m}))) (and (bvult x (bvadd f {a})) '
            f'(bvule f x) (= (bvurem f {a}) {bits(0)}) '
            f'(=> (bvult x {a}) (= f {bits(0)}))))')
        yield 'mask_xor', (
            f'(= (= (bvand (bvxor x y) {m}) {bits(0)}) '
            f'(= (bvudiv x {a}) (bvudiv y {a})))')


def bits(number):
    return f'(_ bv{number} 66)'


def check_facts():
    """=> axioms that do not hold; the rest is about numbers alone"""
    claims = list(facts())
    lines = []
    for name in 'xy':
        lines += [f'(declare-const {name} (_ BitVec 66))',
                  f'(assert (bvult {name} {bits(TOP)}))']
    for _, claim in claims:
        lines += ['(push)', f'(assert (not {claim}))', '(check-sat)', '(pop)']
    said = subprocess.run(['z3', '-in'], input='\n'.join(lines),
                          capture_output=True, text=True).stdout.split()
    if len(said) != len(claims):
        sys.exit(f'z3: {said}')
    wrong = [name for (name, _), one in zip(claims, said) if one != 'unsat']
    for a in POWERS:
        if not 1 <= a <= TOP // 2:
            wrong.append('pow2_range')
        if TOP % a != 0:
            wrong.append('pow2_top')
        for b in POWERS:
            # pow2_through: x = q * b and b = r * a give x = q * r * a
            if a <= b and b % a != 0:
                wrong.append('pow2_divides, pow2_through')
            if a < b and 2 * a > b:
                wrong.append('pow2_half')
    print(f'{len(claims)} claims on bit vectors, {len(wrong)} wrong',
          flush=True)
    return wrong


def proofs(source):
    yield 'arith', 'arith.c', ARITH, ''
    yield 'align', 'align.c', ALIGN, ''
    yield 'cross', 'cross.c', CROSS, ''
    yield 'cross lemmas', 'cross.c', LEMMAS, ''
    yield 'fit', 'fit.c', FIT, ''
    yield 'rules', 'rules.c', FIT, ''
    yield 'rules lemmas', 'rules.c', LEMMAS, ''
    yield 'layout', 'layout.c', LAYOUT, ''
    yield 'pindex any', 'pindex_any.c', ANY, ''
    yield 'pindex any lemmas', 'pindex_any.c', LEMMAS, ''
    table = rows(source)
    for pages, shift in table:
        for guard in range(5):
            name = f'pindex {pages}+{guard}'
            if shift != table[0][1]:
                name += f' shift {shift}'
            yield (name, 'pindex.c', PINDEX,
                   f'-DS={pages} -DG={guard} -DSHIFT={shift} '
                   f'-DPAGES_MAX={(1 << 64 - shift) - 1}UL')


def prove(source, tree, proof, timeout):
    """=> goals proved, goals; what Frama-C said"""
    name, file, functions, defines = proof
    include = f'-I{tree} -I{tree}/alloc {defines}'
    which = '-wp-prop' if functions == LEMMAS else '-wp-fct'
    run = subprocess.run(
        ['frama-c', '-c11', '-wp', '-wp-rte', '-wp-prover', 'z3,cvc4',
         '-wp-timeout', str(timeout), '-wp-par', str(os.cpu_count()),
         f'-cpp-extra-args={include}', which, functions,
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
    for axiom in check_facts():
        print(f'    does not hold: {axiom}')
        failed = True
    start = time.monotonic()
    for name, proof in todo.items():
        if wanted and name.split()[0] not in wanted and name not in wanted:
            continue
        some, all_, said = prove(source, source, proof, 60)
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
            some, all_, _ = prove(source, tree, todo[name], 15)
        count += 1
        caught += some < all_
        verdict = f'{all_ - some} not proved' if some < all_ else 'PROVED'
        old = ' '.join(old.split())
        print(f'{name:20} {old} -> {new or "nothing"}: {verdict}',
              flush=True)
    print(f'{caught} of {count} broken variants fail')
    sys.exit(failed or caught != count)


main()
