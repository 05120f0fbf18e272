#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""boot.py SOURCE BUILD BOOT - the KVM tests on a genuine KVM, in QEMU

Boots the stock kernel that .ci/qemu names under QEMU's emulation (TCG) of a
processor with SVM, so that the tests meet the real kvm_amd on any machine.
The guest runs COMMANDS and reports each exit status over a serial line of its
own; all must come back as expected, and the guest must power off by itself.
BOOT is a key of BOOTS, or `judge`, which tests the judging without a boot.
"""
import glob
import gzip
import os
import re
import resource
import signal
import subprocess
import sys
import tempfile
import time

CPU_SECONDS = 60  # of a boot, with all that runs in it
SECONDS = 240  # the same on a busy machine
MEMORY = '1024'  # MiB
SKIP = 77

# A busy host may delay the timer so that the kernel thinks it broken.
APPEND = 'console=ttyS0 panic=-1 mitigations=off no_timer_check quiet'

# The processor, and how kvm_amd is to page: by nested tables or shadows.
BOOTS = {
    'nested': ('max', 'npt=1'),
    'shadow': ('max', 'npt=0'),
    'epyc': ('EPYC,+svm', 'npt=1'),
    'nosvm': ('qemu64,-svm', 'npt=1'),
}
BOTH = ('nested', 'shadow')
KVM = BOTH + ('epyc',)

# What a KVM is found to be, by boot: as it was booted.  Only a processor made
# up by QEMU has LA57; a shadow of an entry hides what the host writes there.
PROBED = ('kind=kvm_amd paging={} cpl0=native cpl3=native gb=1 la57={} '
          'coherent={} stats=1')

# In which boots, exit status, what it must print, the command.  The programs
# come from the build folder; the rest are those of busybox.
NPT = 'cat /sys/module/kvm_amd/parameters/npt'
NOBODY = "su -s /bin/sh nobody -c '{}'"
RUN = 'kvasir run --backend kvm'
REQUIRE = RUN + ' --require-kvm'
X_SCENARIOS = ' scenarios/x*.yaml'
GUARDS = ' scenarios/x002_guards.yaml'
MACHINES = ['test_mmu_kvm'] + ['test_mmu_kvm_' + part for part in (
    'alike', 'bits', 'cpus', 'faults', 'large')]
COMMANDS = [
    (['nested', 'epyc'], 0, 'Y\n', NPT),
    (['shadow'], 0, 'N\n', NPT),
    (['nosvm'], 1, '', 'test -e /dev/kvm'),

    (['nested'], 0, PROBED.format('nested', 1, 1), 'kvasir machine'),
    (['shadow'], 0, PROBED.format('shadow', 1, 0), 'kvasir machine'),
    (['epyc'], 0, PROBED.format('nested', 0, 1), 'kvasir machine'),
    (KVM, 0, '100%: ', 'test_kvm_vm'),
    *((KVM, 0, '100%: ', name) for name in MACHINES),

    # Scenarios on the model and here; then a fault of the model is found.
    (['nested'], 0, 'kvm (kvm_amd, nested paging', REQUIRE + X_SCENARIOS),
    (['shadow'], 0, 'kvm (kvm_amd, shadow paging', REQUIRE + X_SCENARIOS),
    (BOTH, 0, 'against the model', REQUIRE + ' scenarios/m00*.yaml'),
    (BOTH, 1, 'mmu-I2 ', REQUIRE + ' --inject mmu-F1' + GUARDS),
    (BOTH, 1, 'mmu-I3 ', REQUIRE + ' --inject mmu-F3' + GUARDS),

    # No right to the device; no device; a device without a driver.
    (['nested'], 1, 'machine: no KVM: no permission for /dev/kvm',
     NOBODY.format('kvasir machine --require-kvm')),
    (['nested'], 77, 'run: no KVM: no permission for /dev/kvm',
     NOBODY.format(RUN + GUARDS)),
    (['nosvm'], 0, '/dev/kvm does not exist', 'kvasir machine'),
    (['nosvm'], 1, 'machine: no KVM: /dev/kvm does not exist',
     'kvasir machine --require-kvm'),
    (['nosvm'], 77, 'run: no KVM: /dev/kvm does not exist', RUN + GUARDS),
    (['nosvm'], 1, 'run: no KVM: /dev/kvm does not exist', REQUIRE + GUARDS),
    (['nosvm'], 77, 'no KVM: /dev/kvm does not exist', 'test_kvm_vm'),
    *((['nosvm'], 77, 'no KVM: /dev/kvm does not exist', name)
      for name in MACHINES),
    (['nosvm'], 0, '', 'mknod /dev/kvm c 10 232'),
    (['nosvm'], 77, 'run: no KVM: /dev/kvm has no driver', RUN + GUARDS),
    (['nosvm'], 1, 'run: no KVM: /dev/kvm has no driver', REQUIRE + GUARDS),
]

INIT = '''#!/bin/busybox sh
/bin/busybox --install -s /bin
PATH=/bin
export PATH
export CK_DEFAULT_TIMEOUT={limit}
mount -t proc proc /proc
mount -t sysfs sysfs /sys
mount -t devtmpfs dev /dev
mount -t tmpfs tmp /tmp
exec </dev/null >/dev/ttyS1 2>&1
insmod /kernel/irqbypass.ko
insmod /kernel/kvm.ko
insmod /kernel/kvm-amd.ko {parameter}
number=0
while read -r command <&3; do
	number=$((number + 1))
	echo "BEGIN $number"
	sh -c "$command" 3<&-
	status=$?
	echo
	echo "END $number $status $(cut -d ' ' -f 1 /proc/uptime)"
done 3</commands
poweroff -f
'''


def commands(source, boot):
    """Exit status, text and command; a pattern of scenarios is one each."""
    for boots, status, printed, command in COMMANDS:
        if boot not in boots:
            continue
        *words, last = command.split(' ')
        for path in sorted(glob.glob(last, root_dir=source)) or [last]:
            yield status, printed, ' '.join(words + [path])


def judge(rows, log, console):
    """What is wrong with a boot that was to run these rows."""
    if 'reboot: Power down' not in console:
        yield 'did not power off by itself'
    for number, (status, printed, command) in enumerate(rows, 1):
        match = re.search(rf'^BEGIN {number}\n(.*?)^END {number} (\d+) ',
                          log, re.M | re.S)
        if not match:
            yield f'{command}: did not come to an end'
        elif int(match[2]) != status:
            yield f'{command}: exit status {match[2]}, not {status}'
        elif printed not in match[1]:
            yield f'{command}: does not print {printed!r}'


def libraries(program):
    """The loader and the shared libraries of a program, by full path."""
    table = subprocess.run(['ldd', program], capture_output=True, text=True,
                           check=True).stdout
    return re.findall(r'(/\S+) \(0x', table)


class Archive:
    """An initramfs: cpio in the "newc" form, which the kernel reads."""

    def __init__(self):
        self.parts, self.names = [], set()

    def add(self, name, mode, data=b''):
        folder = os.path.dirname(name)
        if folder and folder not in self.names:
            self.add(folder, 0o40755)
        if name in self.names:
            return
        self.names.add(name)
        path = name.encode() + b'\0'
        fields = [len(self.names), mode, 0, 0, 1, 0, len(data),
                  0, 0, 0, 0, len(path), 0]
        head = b'070701' + b''.join(b'%08X' % field for field in fields)
        for part in (head + path, data):
            self.parts.append(part + bytes(-len(part) % 4))

    def file(self, name, source):
        with open(source, 'rb') as data:
            self.add(name, 0o100755, data.read())

    def text(self, name, text):
        self.add(name, 0o100755, text.encode())

    def program(self, source):
        self.file('bin/' + os.path.basename(source), source)
        for path in libraries(source):
            self.file(path.lstrip('/'), path)

    def write(self, name):
        self.add('TRAILER!!!', 0)
        with gzip.open(name, 'wb', compresslevel=1) as out:
            out.write(b''.join(self.parts))


def pack(initrd, source, build, folder, boot, rows):
    archive = Archive()
    archive.text('init', INIT.format(
        parameter=BOOTS[boot][1], limit=SECONDS))
    listed = ''.join(f'{command}\n' for _, _, command in rows)
    archive.text('commands', listed)
    for empty in ('proc', 'sys', 'dev', 'tmp'):
        archive.add(empty, 0o40755)
    archive.file('bin/busybox', f'{folder}/root/bin/busybox')
    for module in ('irqbypass', 'kvm', 'kvm-amd'):
        archive.file(f'kernel/{module}.ko', f'{folder}/kernel/{module}.ko')
    archive.text('etc/passwd', 'root:x:0:0::/:\nnobody:x:65534:65534::/:\n')
    archive.program(f'{build}/kvasir')
    for name in sorted(set(re.findall(r'\btest_\w+', listed))):
        archive.program(f'{build}/tests/{name}')
    for name in glob.glob('scenarios/*.yaml', root_dir=source):
        archive.file(name, f'{source}/{name}')
    archive.write(initrd)


def start(folder, work, boot):
    """Runs the guest; says what went wrong, or nothing."""
    qemu = [f'{folder}/qemu', '-accel', 'tcg,thread=multi',
            '-cpu', BOOTS[boot][0], '-m', MEMORY, '-nodefaults',
            '-nographic', '-no-reboot', '-serial', f'file:{work}/console',
            '-serial', f'file:{work}/log', '-kernel',
            f'{folder}/kernel/vmlinuz', '-initrd', f'{work}/initrd',
            '-append', APPEND]
    try:
        done = subprocess.run(
            qemu, stdin=subprocess.DEVNULL, stderr=subprocess.PIPE,
            text=True, timeout=SECONDS, preexec_fn=lambda: resource.setrlimit(
                resource.RLIMIT_CPU, (CPU_SECONDS, CPU_SECONDS)))
    except subprocess.TimeoutExpired:
        return [f'no end within {SECONDS} s']
    if done.returncode == -signal.SIGKILL:
        return [f'no end within {CPU_SECONDS} s of CPU time']
    return [done.stderr] if done.returncode != 0 else []


def read(name):
    """What came over a serial line, less what moves a cursor."""
    try:
        with open(name, errors='replace', newline='') as text:
            return re.sub(r'\x1b\[[0-9;?]*[a-zA-Z]|\x1bc|[^\t\n -~]', '',
                          text.read())
    except FileNotFoundError:
        return ''


def run(source, build, boot):
    where = subprocess.run([f'{source}/.ci/qemu'], stdout=subprocess.PIPE,
                           text=True)
    if where.returncode != 0:
        return SKIP
    folder = where.stdout.strip()
    rows = list(commands(source, boot))
    begin = time.monotonic()
    with tempfile.TemporaryDirectory() as work:
        pack(f'{work}/initrd', source, build, folder, boot, rows)
        errors = start(folder, work, boot)
        console, log = read(f'{work}/console'), read(f'{work}/log')
    errors += judge(rows, log, console)
    print(console, log, sep='\n')
    for error in errors:
        print(f'{boot}: {error}')
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    print(f'{boot}: {time.monotonic() - begin:.1f} s, of the CPU '
          f'{used.ru_utime + used.ru_stime:.1f} s')
    return int(bool(errors))


def test_judge(source):
    rows = [(0, 'yes', 'one'), (77, '', 'two')]
    good = 'noise\nBEGIN 1\nyes\nEND 1 0 1.5\nBEGIN 2\nEND 2 77 1.6\n'
    off = '[    2.662862] reboot: Power down\n'
    bad = [good.replace('yes', 'no'), good.replace('END 1 0', 'END 1 1'),
           good.replace('END 2 77', 'END 2 0'), good.replace('END 2', ''),
           good[:20], '']
    assert not list(judge(rows, good, off))
    assert list(judge(rows, good, 'Kernel panic - not syncing'))
    for log in bad:
        assert list(judge(rows, log, off)), log
    for boot in BOOTS:
        assert list(judge(commands(source, boot), '', off))
    return 0


def main():
    source, build, boot = sys.argv[1:]
    if boot == 'judge':
        sys.exit(test_judge(source))
    sys.exit(run(source, build, boot))


main()
