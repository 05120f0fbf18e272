#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""layout_tables.py SOURCE PROGRAM - planned address spaces and images

The reference tables of systems.md 1.5, 3.5 and 4.5, row by row; then the same
rules once more, in Python and byte by byte where that is possible, against the
program at random parameters.  The seed is printed when it disagrees.
"""
import json
import os
import random
import subprocess
import sys

SOURCE, PROGRAM = sys.argv[1:3]
K, M, G, T = 1 << 10, 1 << 20, 1 << 30, 1 << 40
MASK = (1 << 64) - 1
SEED = int(os.environ.get('KV_SEED', '5'))


def run(name, status=None, **params):
    command = [PROGRAM, 'run', f'{SOURCE}/scenarios/{name}.yaml', '--format',
               'json']
    for key, value in params.items():
        command += ['-D', f'{key}={value}']
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode not in ((0, 1) if status is None else (status,)):
        sys.exit(f'{command}: status {done.returncode}\n{done.stderr}')
    report = json.loads(done.stdout)
    figures = {key: int(value, 16) if str(value).startswith('0x') else value
               for key, value in report['metrics'].items()}
    return figures, {v['id'] for v in report['violations']}


def same(what, found, wanted):
    for key, value in wanted.items():
        if found.get(key) != value:
            sys.exit(f'{what} (seed {SEED}): {key} is {found.get(key)}, '
                     f'not {value}')


def up(x, step):
    return (x + step - 1) // step * step


def down(x, step):
    return x // step * step


# ---- The kernel half of illumos -------------------------------------------

KVA = '''
256G g1 - fffffe0000000000 ffffff0000000000 - ffffff0280000000 ffffff62c4000000 674242756608 2.4529
256G g2 - fffffd0000000000 fffffe0000000000 fffffe0280000000 ffffff0280000000 ffffff62c4000000 674242756608 2.4529
257G g1 c fffffe0000000000 fffffe4040000000 - fffffe42c2000000 fffffea366000000 1496158568448 5.4218
257G g2 - fffffc8000000000 fffffcc040000000 fffffcc2c2000000 fffffdc3c2000000 fffffe2466000000 2041619415040 7.3985
512G g0 - fffffe0000000000 ffffff0000000000 - ffffff0480000000 ffffff84c4000000 528213868544 0.9608
512G g1 - fffffe0000000000 fffffe8000000000 - fffffe8480000000 ffffff44c4000000 803091775488 1.4608
512G g2 - fffffb0000000000 fffffb8000000000 fffffb8480000000 fffffd8480000000 fffffe44c4000000 1902603403264 3.4608
512G g1_rule_g2_constants c fffffd0000000000 fffffd8000000000 fffffd8480000000 ffffff8480000000 44c4000000 -296419852288 -0.5392
1T g0 - fffffe0000000000 ffffff0000000000 - ffffff0880000000 ffffffc8c4000000 236156092416 0.2148
1T g1 - fffffc0000000000 fffffd0000000000 - fffffd0880000000 fffffe88c4000000 1610545627136 1.4648
1T g2 - fffff70000000000 fffff80000000000 fffff80880000000 fffffc0880000000 fffffd88c4000000 2710057254912 2.4648
2T g1 - fffff80000000000 fffffa0000000000 - fffffa1080000000 fffffd10c4000000 3225453330432 1.4668
2T g2 - ffffef0000000000 fffff10000000000 fffff11080000000 fffff91080000000 fffffc10c4000000 4324964958208 1.9668
16T g1 - ffffc00000000000 ffffd00000000000 - ffffd08080000000 ffffe880c4000000 25834161176576 1.4685
16T g2 c ffff810000000000 ffff910000000000 ffff918080000000 ffffd18080000000 ffffe980c4000000 24734649548800 1.4060
20T g2 c ffff810000000000 ffff950000000000 ffff95a080000000 ffffe5a080000000 3a0c4000000 -3990091726848 -0.1814
'''
# Plans that were shipped and sound: a run of them is clean.
CLEAN = {('256G', 'g1'), ('256G', 'g2'), ('257G', 'g1'), ('257G', 'g2'),
         ('512G', 'g1'), ('512G', 'g2'), ('1T', 'g1'), ('1T', 'g2'),
         ('2T', 'g1'), ('2T', 'g2'), ('16T', 'g1')}


def kva_table():
    for line in KVA.strip().split('\n'):
        (p, generation, clamp, kpm, valloc, kvmm, segzio, heap, size,
         ratio) = line.split()
        found, broken = run('l100_illumos_kva', P=p, generation=generation)
        same(line, found, {
            'layout.kpm.base': int(kpm, 16),
            'layout.redzone.base': int(kpm, 16) - 512 * G,
            'layout.valloc.base': int(valloc, 16),
            'layout.kvmm.base': None if kvmm == '-' else int(kvmm, 16),
            'layout.segzio.base': int(segzio, 16),
            'layout.heap.base': int(heap, 16),
            'layout.heap.size': int(size),
            'layout.overlap': int(int(size) < 0),
            'layout.clamped': int(clamp == 'c')})
        if abs(found['layout.heap_ratio'] - float(ratio)) > 0.00006:
            sys.exit(f'{line}: ratio {found["layout.heap_ratio"]}')
        if ((p, generation) in CLEAN) != (not broken):
            sys.exit(f'{line}: violations {broken}')
        if int(size) < 0 and not {'V9', 'illumos-I2'} <= broken:
            sys.exit(f'{line}: not caught, {broken}')


def kva(p, physmax, d, generation, k):
    """Bases and sizes by the rules of systems.md 3.2."""
    old = generation in ('g0', 'g1')
    segkpm = -2 * T if old else -3 * T
    valloc = -1 * T if old else -2 * T
    m = physmax if generation == 'g2' else max(physmax, d)
    base, clamped = segkpm, 0
    if m > (T if generation == 'g0' else T // 4):
        if generation == 'g2':
            raw = segkpm - up(8 * (m - T // 4), T // 2)
        else:
            raw = -up((2 if generation == 'g0' else 4) * m, T // 2)
        base = min(max(raw, -128 * T + T), segkpm)
        clamped = int(base != raw)
        valloc = base + up(m, G)
    sizes = [('valloc', up(p // 4096 * 128, 2 * M)),
             ('segkp', up(min(2 * G, max(200 * M, p)), 2 * M))]
    if not old:
        sizes.append(('kvmm', max(k * p, 4 * G)))
    zio = 3 * p // 2
    if generation == 'g0':
        zio = min(p, 512 * G) + max(0, p - 512 * G) // 2
    sizes += [('segzio', max(zio, 400 * M)), ('toxic', G), ('segmap', 64 * M)]
    wanted = {'layout.kpm.base': base & MASK, 'layout.clamped': clamped,
              'layout.kpm.size': up(physmax, 2 * M),
              'layout.redzone.base': (base - 512 * G) & MASK,
              'layout.redzone.size': 512 * G}
    at = valloc
    for name, size in sizes:
        if name in ('toxic', 'segmap'):
            at = up(at, 2 * M)
        wanted[f'layout.{name}.base'] = at & MASK
        wanted[f'layout.{name}.size'] = size
        at += size
    at = up(at, 2 * M)
    wanted['layout.heap.base'] = at & MASK
    wanted['layout.heap.size'] = -G - at
    wanted['layout.overlap'] = int(
        at > -G or base + up(physmax, 2 * M) > valloc)
    return wanted


def kva_random(rng):
    for _ in range(60):
        p = rng.randrange(1, 1 << rng.randrange(17, 33)) * 4096
        physmax = p + rng.choice((0, rng.randrange(1 << 30) * 4096))
        d = rng.choice((0, rng.randrange(1 << 32) * 4096))
        generation = rng.choice(('g0', 'g1', 'g2', 'g1_rule_g2_constants'))
        k = rng.randrange(1, 9)
        found, _ = run('l100_illumos_kva', P=p, physmax=physmax, D=d,
                       generation=generation, k=k)
        same(f'P {p} physmax {physmax} D {d} {generation} k {k}', found,
             kva(p, physmax, d, generation, k))


def kva_cases():
    """Each historical failure is what its case expects: the run passes."""
    for case in 'none F1 F2 F3 F4 F6 F7 F8 I5'.split():
        run('l100_illumos_kva', 0, case=case)
    # Nobody expects these where the parameters are said one by one.
    for params, wanted in (
            ({'P': '1T', 'generation': 'g0'}, 'illumos-I4'),
            ({'P': '20T', 'generation': 'g2'}, 'illumos-I2'),
            ({'P': '512G', 'generation': 'g1_rule_g2_constants'}, 'V9')):
        _, broken = run('l100_illumos_kva', 1, **params)
        if wanted not in broken:
            sys.exit(f'{params}: {wanted} is not among {broken}')
    # Who moves from one generation to the next: all but what is constant.
    found, _ = run('l100_illumos_kva', 0, against_generation='g1',
                   against_P='P')
    same('g1 -> g2', found, {
        'layout.kpm.moved': 0xfffffb << 40 and (0xfffffb - 0xfffffe) << 40,
        'layout.segzio.moved': 0xfd8480000000 - 0xfe8480000000,
        'layout.heap.grown': 1902603403264 - 803091775488,
        'layout.core.moved': 0, 'layout.valloc.grown': 0,
        'layout.changed': 8 + 1})  # and kvmm, which came


def largest_safe(generation):
    """GiB of memory, without holes, up to which all holds from 512 G on."""
    def is_safe(gib):
        found, _ = run('l130_illumos_safe_range', 0, P=f'{gib}G',
                       generation=generation, spread=1)
        wanted = kva(gib * G, gib * G, 0, f'g{generation}', 4)
        loose = 2 * G + G + 64 * M + G + wanted['layout.valloc.size']
        same(f'{gib}G g{generation}', found, {
            'heap_ratio': round(wanted['layout.heap.size'] / (gib * G), 6),
            'safe': int(wanted['layout.heap.size'] + loose >=
                        3 * gib * G // 2 and not wanted['layout.overlap'])})
        return found['safe']
    low, high = 512, 32 * 1024
    if is_safe(high) or not is_safe(low):
        sys.exit(f'g{generation}: safe at {high}G, or not at {low}G')
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (middle, high) if is_safe(middle) else (low, middle)
    return low


def safe_range():
    # Above 15.9 T the base of g2 is clamped to 127 T below the top, and holds
    # P + 4P + 1.5P + 1.5P and P / 32 of tracking; of g1 without the 4P.
    for generation, times in ((1, 4), (2, 8)):
        room = (128 - 1) * 1024
        if largest_safe(generation) not in range(
                room // times - 8, room // times + 1):
            sys.exit(f'g{generation}: safe up to {largest_safe(generation)}G')


def who_moved():
    """The table of two plans side by side, to the byte."""
    def rows(*defines):
        command = [PROGRAM, 'run',
                   f'{SOURCE}/scenarios/l131_illumos_generation_diff.yaml']
        for define in defines:
            command += ['-D', define]
        text = subprocess.run(command, capture_output=True, text=True).stdout
        table = text.split('Layout\n')[1].split('\n\n')[0]
        return {line.split()[0]: line.split()[1:]
                for line in table.split('\n')[1:]}
    found = rows()
    for name, wanted in (
            ('kpm', '0xfffffb0000000000 0xfffffb8000000000 512 GiB '
             '-0x30000000000 0x0'),
            ('kvmm', '0xfffffb8480000000 0xfffffd8480000000 2 TiB new'),
            ('heap', '0xfffffe44c4000000 0xffffffffc0000000 1.7 TiB '
             '-0x10000000000 +0x10000000000')):
        if found[name] != wanted.split():
            sys.exit(f'{name}: {found[name]}, not {wanted}')
    if rows('generation=1', 'before=2')['kvmm'][-1] != 'gone':
        sys.exit('kvmm is not said to be gone')
    # 20 T: the heap ends before it starts.
    size = rows('P=20T')['heap'][2]
    if int(size, 16) != -3990091726848:
        sys.exit(f'heap of 20T: {size}')


def fixed_pages(rng):
    for anchor in ('ldt', 'idt'):
        for pages in [0, 1, 2, 3, 16, rng.randrange(17, 5000)]:
            text = 0xfffffffffb800000 >> 12
            ldt = (text - 3 - pages, text - 3)
            ktss = (ldt if anchor == 'ldt' else (text - 3,))[0] - 1
            dftss = ktss - 1
            inside = set(range(*ldt))
            heap = range(0xffffffffc0000, dftss)
            shared = ((ktss in inside) + (dftss in inside) +
                      sum(page in heap for page in inside))
            found, broken = run('l110_illumos_fixed_pages', 0, anchor=anchor,
                                ldt_pages=pages)
            same(f'{anchor} {pages}', found, {
                'layout.misc_pages': text - dftss,
                'layout.misc_base': dftss << 12, 'layout.ktss': ktss << 12,
                'layout.core_heap': (dftss << 12) - 0xffffffffc0000000,
                'layout.overlaps': shared})
            if ('illumos-I6' in broken) != (shared != 0):
                sys.exit(f'{anchor} {pages}: {broken}')


# ---- The reserve of elfuse ------------------------------------------------

def reserve():
    for slab in (1 << 36, 1 << 38, 1 << 40):
        for res, slot, pages, warning in ((4 * M, M, 240, 193),
                                          (16 * M, 40 * K, 3558, 2847)):
            found, _ = run('t110_elfuse_layout', 0, reserve_bytes=res,
                           pool_offset=64 * K, shim_slot=slot, slab=slab)
            top = slab - 4 * G
            same(f'{slab} {res}', found, {
                'layout.interp.base': top, 'layout.guard.base': top - res,
                'layout.guard.size': 64 * K,
                'layout.pool.base': top - res + 64 * K,
                'layout.pool.size': pages * 4 * K,
                'layout.shim.base': top - 2 * M - slot,
                'layout.shim.size': slot,
                'layout.shimdata.base': top - 2 * M,
                'layout.shimdata.size': 2 * M,
                'pool.pages': pages, 'pool.split_bytes': pages * 2 * M,
                'pool.warning': warning})
    for case in ('F4', 'F5'):
        _, broken = run('t110_elfuse_layout', 0, case=case)
        if 'elfuse-E1' not in broken:
            sys.exit(f'{case}: {broken}')
    # 4 GiB of reserve reach down to the mappings, and less is left of 3 MiB.
    for res, sound in ((4 * G, True), (4 * G + 2 * M, False),
                       (3 * M, True), (2 * M, False)):
        _, broken = run('t110_elfuse_layout', reserve_bytes=res)
        if (not broken) != sound:
            sys.exit(f'reserve {res}: {broken}')


RANGES = {1: (0, 0, 2), 2: (0, 0, 2), 16: (0, 7, 16), 17: (0, 8, 18),
          64: (0, 31, 64), 65: (1, 1, 128), 128: (1, 1, 128),
          512: (1, 7, 512), 2048: (1, 31, 2048), 2049: (2, 1, 4096),
          4096: (2, 1, 4096), 32768: (2, 15, 32768)}


def ranges(rng):
    for pages in list(RANGES) + [rng.randrange(1, 32769) for _ in range(10)]:
        # The first of all operands, finest scale first, that reaches.
        wanted = next((s, n, (n + 1) << (5 * s + 1))
                      for s in range(3) for n in range(32)
                      if (n + 1) << (5 * s + 1) >= pages)
        if RANGES.get(pages, wanted) != wanted:
            sys.exit(f'{pages}: {wanted}')
        found, _ = run('t120_range_flush', 0, pages=pages)
        same(f'{pages} pages', found, dict(zip(
            ('flush.scale', 'flush.num', 'flush.pages'), wanted)))
    found, _ = run('t120_range_flush', 0, pages=32769)
    same('32769', found, {'flush.scale': None, 'tlb.full_flushes': 1})


# ---- Segments of an image -------------------------------------------------

IMAGES = '''
python_xyz 4K 3826176 3829760 6049493 6046581 3584 2912
python_xyz 16K 3826176 3833856 6053589 6050677 7680 2912
python_xyz 64K 3826176 3866624 6086357 6083445 40448 2912
python_xyz 2M 3826176 4194304 7921365 6411125 368128 1510240
tiny 4K 3368 4096 12565 8773 728 3796
tiny 16K 3368 16384 37141 21061 13016 16084
tiny 64K 3368 65536 135445 70213 62168 65236
tiny 2M 3368 2097152 4198677 2101829 2093784 2096852
medium 4K 63448 65536 105805 104613 2088 1192
medium 64K 63448 65536 163149 104613 2088 58536
'''
MATRIX = '''
L0 4K ok einval einval
L0 16K skipped skipped skipped
L0 64K skipped skipped skipped
L1 4K ok skipped skipped
L1 16K skipped ok skipped
L1 64K skipped skipped ok
L2 4K ok skipped skipped
L2 16K ok ok skipped
L2 64K ok ok ok
'''


def images():
    for line in IMAGES.strip().split('\n'):
        image, align, r_end, data, page, pack, pad_rw, pad_u = line.split()
        for tail, total in (('page', page), ('pack', pack)):
            found, _ = run('s100_guile_segments', image=image, align=align,
                           tail=tail)
            same(f'{line} {tail}', found, {
                'image.r_end': int(r_end), 'image.data_at': int(data),
                'image.bytes': int(total), 'image.pad_rw': int(pad_rw)})
            if tail == 'page':
                same(line, found, {'image.pad_u': int(pad_u)})
    found, _ = run('s100_guile_segments', mapper='congruent')
    same('congruent', found, {
        'image.bytes': 6042997, 'image.data_at': 3891712,
        'load.doubled_pages': 1, 'load.exposed_r_bytes': 0})
    for align, page, pages, r, u, private in (
            ('4K', '4K', 144, 0, 2912, 589824),
            ('4K', '16K', 37, 8704, None, 606208),
            ('4K', '64K', 10, 25088, 39776, 655360),
            ('64K', '4K', 144, 0, 2912, 589824),
            ('64K', '16K', 36, 0, 2912, 589824),
            ('64K', '64K', 9, 0, 2912, 589824)):
        found, _ = run('s100_guile_segments', align=align, page=page,
                       loader='L0' if align == '4K' else 'L2',
                       round_down='on')
        same(f'{align} {page}', found, {
            'load.outcome': 'ok', 'load.writable_pages': pages,
            'load.exposed_r_bytes': r, 'load.private_bytes': private})
        if u is not None:
            same(f'{align} {page}', found, {'load.exposed_u_bytes': u})


def matrix():
    for line in MATRIX.strip().split('\n'):
        loader, align, *outcomes = line.split()
        for page, outcome in zip(('4K', '16K', '64K'), outcomes):
            found, broken = run('s100_guile_segments', loader=loader,
                                align=align, page=page)
            same(f'{line} {page}', found, {'load.outcome': outcome})
            for name, when in (('guile-U1', 'einval'),
                               ('guile-U6', 'skipped')):
                if (name in broken) != (outcome == when):
                    sys.exit(f'{line} {page}: {broken}')


def link(kinds, align, pack, congruent):
    """File offset and address of each kind, section by section."""
    places, at, va, last = [], 0, 0, None
    for number, sizes in enumerate(kinds):
        step = 8
        if sizes and last is not None and align > 8 and not (
                number == 2 and (pack or last == 0)):
            step = align
        start = up(at, 8 if congruent else step)
        address = start
        if congruent and step != 8:
            address = up(va, align) + start % align
        elif congruent:
            address = up(va, 8)
        end = start
        for size in sizes:
            end = up(end, 8) + size
        places.append((start, end, address, start - at) if sizes else None)
        if sizes:
            at, va, last = end, address + end - start, number
    return places, at


def load(places, total, params, align, page):
    """Rights byte by byte would be slow: page by page, then by byte."""
    whole, rw = params['mapper'] == 'whole', places[1]
    start, end = rw[2], rw[2] + rw[1] - rw[0]
    skip = {'L0': align != 4 * K, 'L1': align != page,
            'L2': align < page}[params['loader']]
    if whole and skip:
        return 'skipped', set()
    if whole and start % page and params['round_down'] == 'off':
        return 'einval', set()
    if not whole and (rw[2] - rw[0]) % page:
        return 'einval', set()
    return 'ok', set(range(start // page, (end + page - 1) // page))


def exposed(place, pages, page):
    if place is None:
        return None
    return sum((at // page) in pages
               for at in range(place[0], place[1]))


def images_random(rng):
    for _ in range(120):
        kinds = [[rng.randrange(1, 1 << rng.randrange(3, 15))
                  for _ in range(rng.randrange(1, 5))] for _ in range(3)]
        align = 1 << rng.randrange(3, 18)
        page = 1 << rng.randrange(9, 17)
        params = {'loader': rng.choice(('L0', 'L1', 'L2')),
                  'tail': rng.choice(('page', 'pack')),
                  'mapper': rng.choice(('whole', 'per_segment', 'congruent')),
                  'round_down': rng.choice(('on', 'off'))}
        found, _ = run('s100_guile_segments', align=align, page=page,
                       image='custom', r=' '.join(map(str, kinds[0])),
                       rw=' '.join(map(str, kinds[1])),
                       u=' '.join(map(str, kinds[2])), **params)
        places, total = link(kinds, align, params['tail'] == 'pack',
                             params['mapper'] == 'congruent')
        outcome, pages = load(places, total, params, align, page)
        wanted = {'image.r_end': places[0][1], 'image.data_at': places[1][2],
                  'image.bytes': total, 'image.pad_rw': places[1][3],
                  'image.pad_u': places[2][3], 'load.outcome': outcome,
                  'load.writable_pages': len(pages),
                  'load.private_bytes': len(pages) * page}
        if params['mapper'] != 'congruent':
            wanted['load.exposed_r_bytes'] = exposed(places[0], pages, page)
            wanted['load.exposed_u_bytes'] = exposed(places[2], pages, page)
        same(f'{kinds} {align} {page} {params}', found, wanted)


def main():
    rng = random.Random(SEED)
    kva_table()
    kva_random(rng)
    kva_cases()
    safe_range()
    who_moved()
    fixed_pages(rng)
    reserve()
    ranges(rng)
    images()
    matrix()
    images_random(rng)


main()
