#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""check.py SOURCE PROGRAM - verdicts, statuses, files and baselines of check

Every report is read by a strict parser of KTAP version 1, every JUnit file is
held against a schema where xmllint is there.
"""
import os
import random
import re
import resource
import shlex
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import xml.etree.ElementTree as ElementTree

SOURCE, PROGRAM = (os.path.realpath(p) for p in sys.argv[1:3])
FAILED = []

GOOD = '''kvasir: 1
param: {n: 3}
machine: {name: amd64, memory: 64M}
kstacks: {policy: freebsd-d38852, pages: 4, guard: 1}
work: [{spawn: {count: n}}]
expect: [kstack.live == n]
'''
ARENA = '''kvasir: 1
param: {size: 4K}
arenas: {va: {base: 1M, size: 1M, quantum: 4K}}
work: [alloc: {arena: va, size: size}]
expect: [vmem.va.fail == 0]
'''
PANIC = '''kvasir: 1
arenas: {va: {base: 0x10000, size: 16K, quantum: 4K}}
work:
  - alloc: {arena: va, size: 4K, as: a}
  - repeat: {times: 2, steps: [{free: {name: a}}]}
'''


def complain(text):
    FAILED.append(text)
    print(text)


def want(condition, text):
    if not condition:
        complain(text)


class Ktap:
    """A report; raises ValueError where it is not KTAP version 1."""

    LINE = re.compile(r'(?P<no>not )?ok (?P<number>[1-9][0-9]*) '
                      r'(?P<name>[^ #][^#]*?)(?: # SKIP (?P<skip>[^#]+))?$')

    def __init__(self, text):
        lines = text.split('\n')
        if lines.pop() != '':
            raise ValueError('the last line is cut')
        if lines[0] != 'KTAP version 1':
            raise ValueError(f'version line: {lines[0]}')
        plan = re.fullmatch(r'1\.\.([1-9][0-9]*)', lines[1])
        if not plan:
            raise ValueError(f'plan: {lines[1]}')
        self.cases, self.notes, notes = {}, {}, []
        for line in lines[2:]:
            if not line.isprintable():
                raise ValueError(f'not printable: {line!r}')
            if line.startswith('# '):
                notes.append(line[2:])
                continue
            m = self.LINE.match(line)
            if not m or int(m['number']) != len(self.cases) + 1:
                raise ValueError(f'line: {line}')
            if m['no'] and m['skip']:
                raise ValueError(f'skipped and failed: {line}')
            name = f'{m["name"]}~{m["number"]}' \
                if m['name'] in self.cases else m['name']
            self.cases[name] = \
                'skip' if m['skip'] else 'fail' if m['no'] else 'pass'
            self.notes[name], notes = notes, []
        if len(self.cases) != int(plan[1]):
            raise ValueError(f'{len(self.cases)} results, plan {plan[1]}')
        count = {v: list(self.cases.values()).count(v)
                 for v in ('pass', 'fail', 'skip')}
        if notes != ['Totals: pass:{pass} fail:{fail} xfail:0 xpass:0 '
                     'skip:{skip} error:0'.format(**count)]:
            raise ValueError(f'totals: {notes}')


def check(status, *args, **popen):
    """Run it; => its report (None with status 2 or 77) and its stderr."""
    run = subprocess.run([PROGRAM, 'check', *args], capture_output=True,
                         timeout=250, check=False, **popen)
    out, err = run.stdout.decode(), run.stderr.decode()
    name = 'check ' + ' '.join(args)
    want(run.returncode == status,
         f'{name}: status {run.returncode}, not {status}\n{out}{err}')
    if run.returncode == 2:
        want(out == '', f'{name}: output with status 2')
        want(err != '', f'{name}: status 2 without a reason')
        return None, err
    try:
        report = Ktap(out)
        values = report.cases.values()
        want((status == 1) == ('fail' in values), f'{name}: {values}')
        return report, err
    except (ValueError, IndexError) as error:
        complain(f'{name}: not KTAP: {error}\n{out}')
        return None, err


def write(path, text):
    with open(path, 'w', encoding='utf-8') as f:
        f.write(text)


def read(path):
    with open(path, encoding='utf-8') as f:
        return f.read()


def says(text, pattern, what):
    want(re.search(pattern, text, re.M), f'no "{pattern}" in {what}: {text}')


def junit(path):
    """=> {name: (tag or None, message, text)} of a JUnit file."""
    if shutil.which('xmllint'):
        lint = subprocess.run(
            ['xmllint', '--noout', '--schema',
             os.path.join(SOURCE, 'tests/cli/junit.xsd'), path],
            capture_output=True, text=True, check=False)
        want(lint.returncode == 0, f'{path}: {lint.stderr}')
    suite, = ElementTree.parse(path).getroot()
    cases = {}
    for case in suite:
        want(len(case) <= 1, f'{path}: two results')
        cases[case.get('classname') + '/' + case.get('name')] = \
            (case[0].tag, case[0].get('message'), case[0].text) \
            if len(case) else (None, '', '')
    tags = [c[0] for c in cases.values()]
    for key, tag in (('failures', 'failure'), ('errors', 'error'),
                     ('skipped', 'skipped')):
        want(int(suite.get(key)) == tags.count(tag), f'{path}: {key}')
    want(int(suite.get('tests')) == len(cases), f'{path}: tests')
    return cases


def reproduce(notes, status):
    """The command that a failure gives does the same again."""
    commands = [n for n in notes if n.startswith('reproduce: kvasir ')]
    want(len(commands) == 1, f'commands: {notes}')
    for command in commands:
        words = shlex.split(command.removeprefix('reproduce: kvasir '))
        run = subprocess.run([PROGRAM, *words], capture_output=True,
                             check=False)
        want(run.returncode == status, f'{command}: {run.returncode}')


def verdicts():
    """What is run, in which order, and what each failure says."""
    os.mkdir('set')
    os.mkdir('set/deeper')
    write('set/b.yaml', GOOD)
    write('set/a.yaml', ARENA)
    write('set/.hidden.yaml', 'broken')
    write('set/deeper/c.yaml', 'broken')
    write('set/notes.txt', 'broken')
    report, err = check(0, 'set')
    want(list(report.cases) == ['a', 'b'] and err == '', f'{report.cases}')
    report, _ = check(0, 'set/b.yaml', 'set/', 'set/a.yaml', 'set')
    want(list(report.cases) == ['a', 'b'], f'{report.cases}')
    # ./scenarios without a path
    os.mkdir('scenarios')
    shutil.copy('set/a.yaml', 'scenarios')
    report, _ = check(0)
    want(list(report.cases) == ['a'], f'{report.cases}')

    write('bad.yaml', GOOD.replace('[kstack.live == n]', '''
  - kstack.live == n + 2
  - vmem.kernel.size >= 4K
  - map.mean_run > 4.5'''))
    report, _ = check(1, 'bad.yaml', 'set')
    want(report.cases == {'a': 'pass', 'b': 'pass', 'bad': 'fail'},
         f'{report.cases}')
    notes = report.notes['bad']
    want(notes[0] == 'bad.yaml:7:5: expected kstack.live == n + 2: it is 3, '
         'off by 2', f'{notes}')
    want(notes[1] == 'bad.yaml:9:5: expected map.mean_run > 4.5: it is '
         '4.000000, off by 0.500000', f'{notes}')
    reproduce(notes, 1)
    want(report.notes['a'] == report.notes['b'] == [], 'notes of a pass')

    # An invariant: step, address, what it is; one that is expected passes.
    write('panic.yaml', PANIC)
    report, _ = check(1, 'panic.yaml')
    notes = report.notes['panic']
    want(re.fullmatch('violation vmem-I5 after step 3, at 0x10000: .+',
                      notes[0]), f'{notes}')
    says('\n'.join(notes), '^    arena +va: free segment ', 'notes')
    reproduce(notes, 1)
    write('known.yaml', PANIC + 'expect: [violation("vmem-I5")]\n')
    check(0, 'known.yaml')
    write('unseen.yaml',
          ARENA.replace('[vmem.va.fail == 0]', '[violation("vmem-I1")]'))
    report, _ = check(1, 'unseen.yaml')
    says(report.notes['unseen'][0],
         r'^unseen.yaml:5:10: expected violation\("vmem-I1"\): there was none',
         'notes')
    # A fault is found, and the command has it.
    report, _ = check(1, 'set/b.yaml', '--inject', 'mmu-F2', '--seed', '7')
    says(report.notes['b'][-1], '--seed 7 --audit 2 --inject mmu-F2$', 'notes')
    reproduce(report.notes['b'], 1)
    _, err = check(2, 'set', '--inject', 'mmu-F99')
    says(err, 'no fault "mmu-F99"', 'stderr')

    # A parameter is for those that have it.
    report, _ = check(1, 'set', '-D', 'size=2 * 1M')
    want(report.cases == {'a': 'fail', 'b': 'pass'}, f'{report.cases}')
    says(report.notes['a'][-1], "a.yaml -D 'size=2 \\* 1M' --seed", 'notes')
    reproduce(report.notes['a'], 1)
    _, err = check(2, 'set', '-D', 'm=1')
    says(err, '^kvasir: error: -D m: no scenario here', 'stderr')
    _, err = check(2, 'set/a.yaml', '-D', 'sice=1')
    says(err, '^-D sice:1:1: unknown parameter', 'stderr')

    # Names that are no words to a reader of KTAP.
    write('set/deeper/c.yaml', GOOD)
    os.rename('set/deeper', 'set/x # y')
    write('set/x # y/q # SKIP.yaml', GOOD)
    report, _ = check(1, 'set/x # y', '-D', 'n=10000000')
    want(list(report.cases) == ['c', 'q _ SKIP'], f'{report.cases}')
    reproduce(report.notes['q _ SKIP'], 1)


def refusals():
    """Status 2: nothing on stdout, and every mistake is named."""
    write('broken.yaml', GOOD.replace('count: n', 'count: m')
          .replace('kstack.live', 'kstack.life'))
    write('worse.yaml', 'kvasir: 1\nworks: []\n')
    _, err = check(2, 'broken.yaml', 'worse.yaml', 'set', '--junit', 'j.xml')
    says(err, r'^broken.yaml:5:24: ', 'stderr')
    says(err, r'^broken.yaml:6:10: ', 'stderr')
    says(err, r"^worse.yaml:2:1: .*did you mean 'work'", 'stderr')
    cases = junit('j.xml')
    want([c[0] for c in cases.values()] == [None, None, 'error', 'error'],
         f'{cases}')
    want('broken.yaml:5:24: ' in cases['./broken'][2], f'{cases}')
    # What costs too much is refused, too; the rest is judged all the same.
    _, err = check(2, 'set', '--max-steps', '2', '--junit', 'j.xml')
    says(err, r'^set/b.yaml:5:.* more than 2 steps', 'stderr')
    want([c[0] for c in junit('j.xml').values()] == [None, 'error'], 'cases')
    for args in (['missing'], ['missing.yaml'], ['.'], ['/dev/null'],
                 ['set', '--update-baseline'], ['set', '-j', '0'],
                 ['set', '--baseline', 'nowhere'], ['set', '--format', 'json'],
                 ['set', '--baseline', ''], ['set', '--junit', ''],
                 ['set', '--audit', '4'], ['set', 'missing']):
        if args == ['.']:
            os.mkdir('empty')
            args = ['empty']
        check(2, *args)


def junit_files():
    """What GitHub and others read; what cannot be written is an error."""
    write('set/less<&>".yaml', GOOD)
    os.rename('set/x # y', 'x # y')
    report, _ = check(0, 'set', '--junit', 'j.xml')
    cases = junit('j.xml')
    want(cases == {'set/a': (None, '', ''), 'set/b': (None, '', ''),
                   'set/less<&>"': (None, '', '')}, f'{cases}')
    report, _ = check(1, 'bad.yaml', 'set', '--junit', 'j.xml')
    tag, message, text = junit('j.xml')['./bad']
    want(tag == 'failure' and message == report.notes['bad'][0]
         and text.splitlines() == report.notes['bad'], f'{message} {text}')
    os.mkdir('folder')
    for path in ('folder', 'missing/j.xml', '/dev/full/j.xml'):
        _, err = check(2, 'set', '--junit', path)
        says(err, re.escape(path), 'stderr')
    want(os.listdir('folder') == [], 'something is left')
    want(not [f for f in os.listdir('.') if f.endswith('.tmp')], 'a .tmp')


def jobs():
    """The same bytes, however many work on it; a process may die."""
    one = [read('j.xml')]
    texts = set()
    for n in ('1', '2', '3', '256'):
        run = subprocess.run(
            [PROGRAM, 'check', '-j', n, 'bad.yaml', 'set', 'panic.yaml',
             f'{SOURCE}/scenarios/m050_mapped_guard.yaml', '--junit', 'j.xml'],
            capture_output=True, check=False)
        want(run.returncode == 1 and run.stderr == b'', f'-j {n}')
        texts.add((run.stdout, read('j.xml')))
    want(len(texts) == 1 and one[0] != '', '-j changes the report')

    def little_time():
        resource.setrlimit(resource.RLIMIT_CPU, (1, 1))

    write('long.yaml', GOOD.replace('64M', '64G').replace(
        'work: ', 'work: [{churn: {steps: 1000000000, limit: 100}}]\n# '))
    for n in ('1', '2'):
        report, _ = check(1, 'long.yaml', 'set', '-j', n, '--junit', 'j.xml',
                          preexec_fn=little_time)
        want(report.cases == {'a': 'pass', 'b': 'pass', 'less<&>"': 'pass',
                              'long': 'fail'}, f'{report.cases}')
        want(re.fullmatch('the process that ran it ended by signal [0-9]+',
                          report.notes['long'][0]), f'{report.notes}')
        want(junit('j.xml')['./long'][0] == 'failure', 'no failure')


def baselines():
    """Taken, kept, drifted, refused."""
    os.mkdir('two')
    shutil.copy('set/a.yaml', 'two')
    shutil.copy('set/b.yaml', 'two')
    check(0, 'two', '--baseline', 'base/deep', '--update-baseline')
    want(sorted(os.listdir('base/deep')) == ['a.txt', 'b.txt'], 'files')
    path = 'base/deep/b.txt'
    text = read(path)
    lines = text.splitlines()
    want(lines[:4] == ['# kvasir baseline 1', '# scenario b', '# seed 12345',
                       '# backend model'], f'{lines[:4]}')
    names = [line.split()[0] for line in lines[4:]]
    want(names == sorted(set(names)) and 'kstack.live' in names, 'not sorted')
    for line in lines[4:]:
        name, tolerance, value = re.split(' +', line, maxsplit=2)
        want(tolerance == ('0.000001' if re.fullmatch(r'-?\d+\.\d{6}', value)
                           else '0'), f'{line}')
    check(0, 'two', '--baseline', 'base/deep', '-j', '2')

    def with_line(name, tolerance, value):
        write(path, re.sub(f'^{re.escape(name)} .*$',
                           f'{name} {tolerance} {value}', text, flags=re.M))

    # Counts are exact; a tolerance is what the file says.
    for tolerance, value, status in (
            ('0', '3', 0), ('0', '2', 1), ('1', '2', 0), ('1', '5', 1),
            ('2', '5', 0), ('50%', '2', 0), ('49%', '2', 1), ('any', '99', 0),
            ('0', 'three', 1)):
        with_line('kstack.live', tolerance, value)
        report, _ = check(status, 'two', '--baseline', 'base/deep')
        if status == 1 and value == '2' and tolerance == '0':
            notes = report.notes['b']
            want(notes[0] == f'baseline {path}: kstack.live was 2, is 3 (+1, '
                 'tolerance 0)' and len(notes) == 2, f'{notes}')
            reproduce(notes, 1)
            want(report.cases == {'a': 'pass', 'b': 'fail'}, 'verdicts')
    # The last decimal of a ratio is no drift, two are.
    for value, status in (('4.000001', 0), ('3.999999', 0), ('4.000002', 1)):
        with_line('map.mean_run', '0.000001', value)
        check(status, 'two/b.yaml', '--baseline', 'base/deep')
    # A metric more, a metric less.
    write(path, re.sub('^kstack.live .*\n', '', text, flags=re.M))
    report, _ = check(1, 'two', '--baseline', 'base/deep')
    want(report.notes['b'][0] ==
         f'baseline {path}: kstack.live is 3, and is not in it',
         f'{report.notes["b"]}')
    write(path, text + 'zebra.count 0 7\n')
    report, _ = check(1, 'two', '--baseline', 'base/deep')
    says(report.notes['b'][0], 'zebra.count was 7, and is no figure', 'notes')
    # All of them: twenty are said.
    write(path, re.sub(r'^([a-z]\S+ +)0( +)(\d+)$', r'\g<1>0\g<2>1\3', text,
                       flags=re.M))
    report, _ = check(1, 'two', '--baseline', 'base/deep')
    want(len(report.notes['b']) == 22 and
         re.match('and [0-9]+ more figures of ', report.notes['b'][20]),
         f'{report.notes["b"]}')
    # None there; other settings; a tolerance is kept by an update.
    os.unlink(path)
    report, _ = check(1, 'two', '--baseline', 'base/deep')
    says(report.notes['b'][0], f'^baseline {path}: there is none', 'notes')
    want(report.cases['a'] == 'pass', 'a has one')
    with_line('kstack.live', '5', '3')
    check(0, 'two', '--baseline', 'base/deep', '-D', 'n=9', '--seed', '4',
          '--update-baseline')
    lines = read(path).splitlines()
    want('kstack.live 5 9' in [' '.join(x.split()) for x in lines],
         'the tolerance is lost')
    want('# define n=9' in lines and '# seed 4' in lines, f'{lines[:6]}')
    want('# define n=9' not in read('base/deep/a.txt'), 'a has no n')
    check(0, 'two', '--baseline', 'base/deep', '-D', 'n=9', '--seed', '4')
    report, _ = check(1, 'two', '--baseline', 'base/deep', '-D', 'n=9')
    says(report.notes['b'][0], 'taken of .*seed 4.*this run is of .*seed '
         '12345', 'notes')
    # What fails is not taken; what it had stays.
    before = read(path)
    check(1, 'bad.yaml', 'two', '--baseline', 'base/deep',
          '--update-baseline', '-D', 'size=2M')
    want(not os.path.exists('base/deep/bad.txt'), 'bad has a baseline')
    want(read(path) != before, 'b has its old one')
    # Not a baseline: refused, at its place; nothing is written then.
    for content, place in (
            ('', '1:1'), ('# kvasir baseline 2\n', '1:1'),
            ('# kvasir baseline 1\na 0\n', '2:1'),
            ('# kvasir baseline 1\na -1 2\n', '2:3'),
            ('# kvasir baseline 1\nb 0 2\na 0 2\n', '3:1'),
            ('# kvasir baseline 1\na 0 2\na 0 2\n', '3:1')):
        write(path, content)
        for update in ([], ['--update-baseline']):
            other = read('base/deep/a.txt')
            _, err = check(2, 'two', '--baseline', 'base/deep', *update)
            says(err, f'^{path}:{place}: ', 'stderr')
            want(read(path) == content, 'it was written')
            want(read('base/deep/a.txt') == other, 'a was written')
    # A folder that cannot be; two scenarios for one file.
    write('file', '')
    for folder in ('file', 'file/below'):
        check(2, 'two', '--baseline', folder, '--update-baseline')
    shutil.rmtree('base')
    _, err = check(2, 'two', 'set', '--baseline', 'base', '--update-baseline')
    says(err, 'have one name', 'stderr')
    want(not os.path.exists('base'), 'a folder')


def killed():
    """At whatever moment: every file is the old one or the new one."""
    check(0, 'two', '--baseline', 'old', '--update-baseline')
    check(0, 'two', '--baseline', 'new', '--update-baseline', '--seed', '2',
          '--junit', 'new.xml')
    shutil.copytree('old', 'now')
    legal = {name: (read(f'old/{name}'), read(f'new/{name}'))
             for name in ('a.txt', 'b.txt')}
    drawn = random.Random(20)
    for _ in range(40):
        with subprocess.Popen(
                [PROGRAM, 'check', 'two', '--baseline', 'now', '--seed', '2',
                 '--update-baseline', '--junit', 'now.xml'],
                stdout=subprocess.DEVNULL) as p:
            time.sleep(drawn.random() / 20)
            p.send_signal(signal.SIGKILL)
        for name, texts in legal.items():
            want(read(f'now/{name}') in texts, f'{name} is neither')
        if os.path.exists('now.xml'):
            want(read('now.xml') == read('new.xml'), 'now.xml is cut')
    check(0, 'two', '--baseline', 'now', '--seed', '2', '--update-baseline')


def mutants():
    """The kill table: who tells, when; survivors are a failure."""
    def table(status, *args):
        run = subprocess.run([PROGRAM, 'check', '--mutants', *args],
                             capture_output=True, text=True, check=False)
        want(run.returncode == status, f'{args}: {run.returncode} {run.stderr}')
        lines = run.stdout.splitlines()
        want(lines[0].split() == ['FAULT', 'KILLED', 'BY', 'STEP', 'SCENARIO'],
             lines[0])
        faults = [line.split()[0] for line in lines[1:-1]]
        listed = subprocess.run([PROGRAM, 'list', 'faults'],
                                capture_output=True, text=True, check=True)
        want(faults == [line.split()[0]
                        for line in listed.stdout.splitlines()[1:]],
             f'not the faults of the table: {faults}')
        return {line.split()[0]: ' '.join(line.split()[1:])
                for line in lines[1:]}

    stacks = 'kvasir: 1\nmachine: {memory: 64M}\n' \
        'kstacks: {policy: freebsd-d38852}\nwork: [{spawn: {count: 3}}]\n'
    os.mkdir('mutants')
    write('mutants/a.yaml', ARENA)
    write('mutants/b.yaml', stacks + 'inject: [mmu-F1]\n'
          'expect: [violation("mmu-I2")]\n')
    # Fails with the fault: not what it expects.
    write('mutants/c.yaml', stacks + 'inject: [mmu-F3]\n'
          'expect: [kstack.live == 3]\n')
    # Nothing is mapped, so that nothing can be mapped wrongly.
    write('mutants/d.yaml', stacks.replace('spawn: {count: 3}',
                                           'idle: {operations: 3}') +
          'inject: [mmu-F4]\nexpect: [kstack.live == 0]\n')
    write('mutants/e.yaml', stacks + 'inject: [mmu-F2, mmu-F1]\n'
          'expect: [violation("mmu-I2")]\n')
    got = table(1, 'mutants')
    want(got['mmu-F1'] == 'mmu-I2 3 b', got['mmu-F1'])
    want(got['mmu-F2'] == 'SURVIVED - -: no scenario injects it, alone',
         got['mmu-F2'])
    want(got['mmu-F3'].startswith('SURVIVED - c: violation mmu-I3 after step 3'
                                  ), got['mmu-F3'])
    want(got['mmu-F4'] ==
         'SURVIVED - d: changes no figure, and is to be caught', got['mmu-F4'])
    # One that kills is enough.
    write('mutants/f.yaml', read('mutants/b.yaml').replace('F1', 'F4'))
    write('mutants/a2.yaml', read('mutants/c.yaml').replace('F3', 'F1'))
    for n in '1', '2':
        got = table(1, 'mutants', '-j', n)
        want(got['mmu-F4'] == 'mmu-I2 3 f' and got['mmu-F1'] == 'mmu-I2 3 b',
             f'{got}')
    write('mutants/g.yaml', 'broken')
    _, err = check(2, '--mutants', 'mutants')
    says(err, '^mutants/g.yaml:1:1: ', 'stderr')
    for args in (['--inject', 'mmu-F1'], ['--junit', 'j.xml'], ['-D', 'n=1'],
                 ['--baseline', 'old'], ['--backend', 'kvm']):
        _, err = check(2, '--mutants', 'two', *args)
        says(err, '--mutants goes with', 'stderr')


def without_kvm():
    """What needs it is skipped, with the reason; status 77 if all was."""
    machine = subprocess.run([PROGRAM, 'machine', '--require-kvm'],
                             capture_output=True, check=False)
    as_nobody = {}
    if machine.returncode == 0:
        if os.getuid() != 0 or os.stat('/dev/kvm').st_mode & 0o007:
            return
        os.chmod('.', 0o755)
        as_nobody = {'user': 65534, 'group': 65534, 'extra_groups': []}
    try:
        report, err = check(0, 'two', '--backend', 'kvm', **as_nobody)
    except PermissionError:
        return  # the program is where nobody may go
    want(report.cases == {'a': 'pass', 'b': 'skip'} and err == '',
         f'{report.cases} {err}')
    report, err = check(77, 'two/b.yaml', '--backend', 'kvm', **as_nobody)
    says(err, '^kvasir: error: check: no KVM: ', 'stderr')
    report, _ = check(1, 'two', '--backend', 'kvm', '--require-kvm',
                      **as_nobody)
    want(report.cases == {'a': 'pass', 'b': 'fail'}, f'{report.cases}')


def with_kvm():
    """One guest after another, each in a process of its own."""
    machine = subprocess.run([PROGRAM, 'machine', '--require-kvm'],
                             capture_output=True, check=False)
    if machine.returncode == 0:
        report, _ = check(0, 'set', *(f'{SOURCE}/scenarios/{name}.yaml' for name
                          in ('x002_guards', 'm007_protect_demotes')),
                          '--backend', 'kvm')
        want(set(report.cases.values()) == {'pass'}, f'{report.cases}')


def shipped():
    """All scenarios of the repository but the slow ones, as a CI would."""
    os.mkdir('quick')
    for name in os.listdir(f'{SOURCE}/scenarios'):
        if name.endswith('.yaml') and not name.startswith('z'):
            os.symlink(f'{SOURCE}/scenarios/{name}', f'quick/{name}')
    report, err = check(0, 'quick', '-j', '2', '--junit', 'j.xml')
    want(err == '', err)
    want(list(report.cases) == sorted(report.cases), 'not in order')
    want(len(junit('j.xml')) == len(report.cases) > 100, 'not all')


def main():
    with tempfile.TemporaryDirectory() as work:
        os.chdir(work)
        for part in (verdicts, refusals, junit_files, jobs, baselines, killed,
                     mutants, without_kvm, with_kvm, shipped):
            part()
        os.chdir('/')
    print(f'{len(FAILED)} complaints')
    sys.exit(1 if FAILED else 0)


main()
