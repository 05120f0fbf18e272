#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""oracle.py SOURCE - the judge of events shares no code with the allocators

Of alloc/ it includes the words of the event log alone, and it calls nothing but
itself, the taps and the program's memory.  Who feeds it a log may read one.
"""
import glob
import os
import re
import sys

INCLUDES = {'alloc/event.h', 'run/oracle.h', 'run/oracle_parts.h',
            'run/oracle_set.h', 'out/mem.h'}
CALLS = re.compile(r'\bkv_(?!oracle|orange|oword|ochunk|finding|mem_|tap\b|'
                   r'event\b|event_kind\b)[a-z0-9_]+')
READER = 'oracle_log.'

source = sys.argv[1]
files = [f for f in sorted(glob.glob(source + '/sim/run/oracle*.[ch]'))
         if READER not in os.path.basename(f)]
complaints = 0 if files else 1


def complain(path, number, what):
    global complaints
    complaints += 1
    print(f'{os.path.relpath(path, source)}:{number}: {what}')


for path in files:
    comment = False
    with open(path) as lines:
        for number, line in enumerate(lines, 1):
            include = re.match(r'#include "(.*)"', line)
            if include and include[1] not in INCLUDES:
                complain(path, number, f'includes {include[1]}')
            code = re.sub(r'/\*.*?\*/|"[^"]*"', '', line)
            if comment:
                if '*/' not in code:
                    continue
                code = code.split('*/', 1)[1]
                comment = False
            if '/*' in code:
                code, comment = code.split('/*', 1)[0], True
            for name in CALLS.finditer(code):
                complain(path, number, f'uses {name[0]}')
sys.exit(1 if complaints else 0)
