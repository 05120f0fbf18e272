#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""corpus.py pack FOLDER CORPUS.tar.gz, corpus.py unpack CORPUS.tar.gz FOLDER

A corpus is one archive, the same bytes for the same inputs.
"""
import gzip
import io
import os
import sys
import tarfile


def pack(folder, archive):
    plain = io.BytesIO()
    with tarfile.open(fileobj=plain, mode='w',
                      format=tarfile.USTAR_FORMAT) as tar:
        for name in sorted(os.listdir(folder)):
            with open(os.path.join(folder, name), 'rb') as file:
                data = file.read()
            info = tarfile.TarInfo(name)
            info.size = len(data)
            tar.addfile(info, io.BytesIO(data))
    with open(archive, 'wb') as file:
        with gzip.GzipFile('', 'wb', 9, file, 0) as packed:
            packed.write(plain.getvalue())


def unpack(archive, folder):
    os.makedirs(folder, exist_ok=True)
    with tarfile.open(archive) as tar:
        for info in tar:
            name = os.path.basename(info.name)
            if info.isfile() and name:
                with open(os.path.join(folder, name), 'wb') as file:
                    file.write(tar.extractfile(info).read())


def main():
    if len(sys.argv) != 4 or sys.argv[1] not in ('pack', 'unpack'):
        sys.exit(__doc__)
    (pack if sys.argv[1] == 'pack' else unpack)(*sys.argv[2:])


main()
