#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""seeds.py SOURCE KVASIR OUT - first inputs of every target, OUT/TARGET/*

From the scenarios, the golden traces (their first lines), the inputs that the
program must refuse, and what it prints itself.
"""
import glob
import gzip
import os
import re
import subprocess
import sys

SIZE_MAX = 6000
source, kvasir, out = sys.argv[1:4]
HEADS = {
    'event_log': '# kvasir trace 1\n',
    'threads': '# kvasir threads 1\n',
    'buddyinfo': 'Node 0, zone ',
    'phys_free': 'vm.phys_free: \nDOMAIN 0:\n\nFREE LIST 0:\n\n',
    'partpopq': 'vm.reserv.partpopq: \nDOMAIN    LEVEL     SIZE  NUMBER\n',
    'kernel_maps': 'vm.pmap.kernel_maps: \nKernel map:\n',
    'vmem_dcmd': 'ADDR NAME INUSE TOTAL SUCCEED FAIL\n',
}
OPS = ('ops_vmem', 'ops_phys', 'ops_kstack')
count = {}


def put(target, data):
    folder = os.path.join(out, target)
    os.makedirs(folder, exist_ok=True)
    number = count[target] = count.get(target, 0) + 1
    head = HEADS.get(target, '').encode()
    if data.startswith(head):
        data = data[len(head):]
    with open(os.path.join(folder, f'seed{number:04}'), 'wb') as file:
        file.write(data)


def read(path):
    with open(path, 'rb') as file:
        data = file.read()
    return data


def lines(path):
    """The first whole lines of a trace, plain."""
    data = read(path)
    if path.endswith('.gz') and data[:2] == b'\x1f\x8b':
        with gzip.open(path) as file:
            data = file.read(SIZE_MAX)
    return data[:SIZE_MAX].rpartition(b'\n')[0] + b'\n'


def capture(data):
    put('capture', data)
    for target, head in HEADS.items():
        if target not in ('threads', 'event_log') and data[:6] == head[:6].encode():
            put(target, data)


def tests(name):
    """The string literals of a test that look like inputs."""
    text = read(os.path.join(source, 'tests', name)).decode()
    for match in re.finditer(r'(?:"(?:\\.|[^"\\\n])*"\s*)+', text):
        parts = re.findall(r'"((?:\\.|[^"\\\n])*)"', match[0])
        yield ''.join(parts).encode().decode('unicode_escape').encode(
            'latin-1')


def main():
    where = os.path.join
    scenarios = glob.glob(where(source, 'scenarios', '*.yaml')) + \
        glob.glob(where(source, 'tests/broken/scenarios/*.yaml'))
    for path in sorted(scenarios):
        data = read(path)
        if len(data) <= SIZE_MAX:
            put('scenario', data)
        for match in re.finditer(rb'^  - ([^{\n]*[<>=][^\n]*)$', data, re.M):
            put('expr', match[1])
    for text in tests('sim/test_expr.c'):
        put('expr', text)
    for path in sorted(glob.glob(where(source, 'tests/golden/*/*.trace.gz'))):
        put('trace_' + path.split('/')[-2], lines(path))
    for name in ('trace_vmem', 'trace_phys'):
        for text in tests(f'sim/test_{name}.c'):
            if b'\n' in text:
                put(name, text)
    for path in sorted(glob.glob(where(source, 'tests/broken/traces/*'))):
        if path.endswith('.threads'):
            put('threads', read(path))
        else:
            put('perf', read(path)[:SIZE_MAX])
    put('perf', lines(where(source, 'scenarios',
                            'linux-6.18-forks.perf.txt.gz')))
    for text in tests('sim/test_trace_perf.c'):
        put('perf', text)
    for text in tests('sim/test_trace_threads.c'):
        put('threads', text)
    for path in sorted(glob.glob(where(source, 'tests/golden/linux/*')) +
                       glob.glob(where(source, 'tests/broken/captures/*'))):
        capture(read(path)[:SIZE_MAX])
    for text in tests('sim/test_capture.c'):
        if b'\n' in text:
            capture(text)
    for text in tests('sim/test_json.c'):
        put('compare', text)
    reports = [
        b'{"kvasir":"0","scenario":"s","metrics":{"a.b":1,"c":"0x10",'
        b'"d":0.5,"e":null},"outcome":"ok"}',
        b'{"kvasir":"0","metrics":{"p":{"a.b":3},"q":{"a.b":18446744073709551'
        b'615,"ax":-1}}}']
    for one in reports:
        put('compare', one)
        for other in reports:
            put('compare', one + b'\n--\n' + other)
    run = subprocess.run(
        [kvasir, 'run', where(source, 'scenarios/k001_one_stack.yaml'),
         '--format', 'json'], capture_output=True, check=True)
    if len(run.stdout) < 2 * SIZE_MAX:
        put('compare', run.stdout)
    for name in ('k001_one_stack', 'v007_import_and_release',
                 'm009_freed_page_comes_back', 'n001_two_domains'):
        path = where(out, 'log')
        subprocess.run(
            [kvasir, 'run', where(source, 'scenarios', name + '.yaml'),
             '--trace', path], stdout=subprocess.DEVNULL, check=True)
        put('event_log', lines(path))
        with open(path, 'rb') as file:
            text = file.read().split(b'\n')
        head = [x for x in text if x[:1] in b'#:|']
        kinds = {x.split(b' ')[0]: x for x in text if x[:1] not in b'#:|'}
        put('event_log', b'\n'.join(head[:6] + list(kinds.values())) + b'\n')
        os.remove(path)
    for target in OPS:
        for i in range(8):
            put(target, bytes((i * 37 + k * (2 * i + 1)) % 256
                              for k in range(64)))
    print(' '.join(f'{name}:{n}' for name, n in sorted(count.items())))


main()
