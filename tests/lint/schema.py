#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""schema.py SOURCE - scenarios/schema.json is the language that is read

- it is a JSON Schema, accepts every shipped scenario and refuses BAD;
- its keys are those of the tables in sim/in/, no more and no fewer;
- scenarios/README.md says something about each of them.
"""
import glob
import json
import os
import re
import sys

try:
    import jsonschema
    import yaml
except ImportError as missing:
    print(f'skipped: {missing}')
    sys.exit(77)

# Each is wrong in one way.
BAD = '''
{}
{kvasir: 2}
{kvasir: '1'}
{kvasir: 1, kstack: {}}
{kvasir: 1, tlb: {}}
{kvasir: 1, title: [a]}
{kvasir: 1, param: {a-b: 1}}
{kvasir: 1, param: {a: []}}
{kvasir: 1, param: {a: {b: 1}}}
{kvasir: 1, machine: {name: amd-64}}
{kvasir: 1, machine: {memory: -1}}
{kvasir: 1, machine: {memory: 1.5}}
{kvasir: 1, machine: {memory: 64M $}}
{kvasir: 1, machine: {memory: 18446744073709551616}}
{kvasir: 1, machine: {memory: []}}
{kvasir: 1, machine: {memory: [{start: 0}]}}
{kvasir: 1, machine: {memory: [{start: 0, size: 1, end: 2}]}}
{kvasir: 1, machine: {domain: 2}}
{kvasir: 1, machine: {huge: 2}}
{kvasir: 1, inject: mmu-F1}
{kvasir: 1, work: [{verify: {access: 3}}]}
{kvasir: 1, work: [{verify: {guard: 2}}]}
{kvasir: 1, work: [{overflow: {bytes: 8}}]}
{kvasir: 1, kstacks: {}}
{kvasir: 1, kstacks: {policy: freebsd-d38825}}
{kvasir: 1, kstacks: {policy: freebsd-16, guards: 1}}
{kvasir: 1, kstacks: {policy: freebsd-16, pages: {}}}
{kvasir: 1, kstacks: {policy: freebsd-16, scheme: 3}}
{kvasir: 1, arenas: []}
{kvasir: 1, arenas: {sixteen_letters_: {}}}
{kvasir: 1, arenas: {a: {bases: 1}}}
{kvasir: 1, arenas: {a: {parent: 1}}}
{kvasir: 1, arenas: {a: {release: 2}}}
{kvasir: 1, arenas: {a: {kstack: 5}}}
{kvasir: 1, arenas: {a: {kstack: {origin: 5}}}}
{kvasir: 1, work: {drain: {}}}
{kvasir: 1, work: [drain]}
{kvasir: 1, work: [{}]}
{kvasir: 1, work: [{spwan: {count: 1}}]}
{kvasir: 1, work: [{drain: {}, spawn: {count: 1}}]}
{kvasir: 1, work: [{spawn: {}}]}
{kvasir: 1, work: [{drain: {count: 1}}]}
{kvasir: 1, work: [{churn: {steps: 1}}]}
{kvasir: 1, work: [{churn: {arena: a, steps: 1, limit: 1}}]}
{kvasir: 1, work: [{alloc: {arena: a}}]}
{kvasir: 1, work: [{alloc: {arena: a, size: 1, as: 1}}]}
{kvasir: 1, work: [{repeat: {times: 1}}]}
{kvasir: 1, work: [{repeat: {times: 1, steps: [{spawn: {}}]}}]}
{kvasir: 1, layout: {}}
{kvasir: 1, layout: {regions: {a: {start: 1}}}}
{kvasir: 1, layout: {regions: {a-b: {at: 1}}}}
{kvasir: 1, layout: {window: {base: 1}, regions: {a: {at: 1, size: 1}}}}
{kvasir: 1, layout: {against: {}, regions: {a: {at: 1, size: 1}}}}
{kvasir: 1, image: {segments: {a: {prot: r, sizes: 1}}}}
{kvasir: 1, image: {align: 8, segments: {a: {prot: r}}}}
{kvasir: 1, image: {align: 8, segments: {a: {prot: r-x, sizes: 1}}}}
{kvasir: 1, tlb: {preset: unlimited, range: {unit: 2}}}
{kvasir: 1, check: {zoo-I1: 1}}
{kvasir: 1, check: [{zoo: 1}]}
{kvasir: 1, check: [{zoo-I1: 1, zoo-I2: 1}]}
{kvasir: 1, metrics: {a-b: 1}}
{kvasir: 1, sample: [a]}
{kvasir: 1, sample: {a: {}}}
{kvasir: 1, sample: {A: {of: [b]}}}
{kvasir: 1, sample: {a: {of: b}}}
{kvasir: 1, sample: {a: {of: []}}}
{kvasir: 1, sample: {a: {of: [b], each: 3}}}
{kvasir: 1, expect: {a: 1}}
{kvasir: 1, expect: [[1]]}
{kvasir: 1, expect: ['']}
'''.strip().split('\n')

KEY = re.compile(r'\.key = "(\w+)",\s*\.kind = KV_FIELD_'
                 r'|\b(?:UINT|CHOICE|BOOL|NODE|TEXT)\((\w+)[,)]'
                 r'|\bWORD\("(\w+)"|^ *(?:\} kinds\[\] = \{)?\{"(\w+)", '
                 r'(?:KV_STEP|0)', re.M)


def read_keys(source):
    """Keys of the tables of fields and of steps."""
    keys = set()
    for path in glob.glob(os.path.join(source, 'sim/in/s*.c')):
        with open(path) as text:
            for match in KEY.finditer(re.sub(r'#define.*(\\\n.*)*', '',
                                             text.read())):
                keys.add(next(filter(None, match.groups())))
    return keys


def schema_keys(node):
    keys = set()
    if isinstance(node, dict):
        for name, value in node.items():
            if name == 'properties':
                keys |= set(value)
            keys |= schema_keys(value)
    elif isinstance(node, list):
        for value in node:
            keys |= schema_keys(value)
    return keys


def faults(source):
    folder = os.path.join(source, 'scenarios')
    with open(os.path.join(folder, 'schema.json')) as text:
        schema = json.load(text)
    jsonschema.Draft7Validator.check_schema(schema)
    validator = jsonschema.Draft7Validator(schema)
    for path in sorted(glob.glob(os.path.join(folder, '*.yaml'))):
        with open(path) as text:
            for error in validator.iter_errors(yaml.safe_load(text)):
                where = '.'.join(str(part) for part in error.path)
                yield f'{os.path.basename(path)}: {where}: {error.message}'
    for bad in BAD:
        if validator.is_valid(yaml.safe_load(bad)):
            yield f'schema.json accepts {bad}'
    read, shown = read_keys(source), schema_keys(schema)
    for key in sorted(read - shown):
        yield f'schema.json lacks {key}'
    for key in sorted(shown - read):
        yield f'schema.json has {key}, which sim/in/ does not read'
    with open(os.path.join(folder, 'README.md')) as text:
        words = set(re.findall(r'\w+', ' '.join(
            re.findall(r'`[^`]*`', text.read()))))
    for key in sorted(read - words):
        yield f'README.md does not explain {key}'


def main():
    found = list(faults(sys.argv[1]))
    for fault in found:
        print('scenarios/' + fault)
    sys.exit(bool(found))


main()
