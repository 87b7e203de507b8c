#!/usr/bin/env python3
"""HashTree prints what sha256sum prints, line for line.

usage: hash_tree_test.py COMMAND...
"""

import os
import pathlib
import random
import subprocess
import sys
import tempfile

REFERENCE = 'find "$1" -type f -print0 | LC_ALL=C sort -z | xargs -0 -r sha256sum'
ODD_NAMES = [
    "plain", "with space", " leading", "-n", "back\\slash", "new\nline", "return\rhere", "a.b/c", "a-b/c", "a b/c",
    "aa/b/c", "a/x", "a!/x", "ab", "é/ü", "'quote'", '"double"', "*", "$(x)", "😀", "\uff5e",
]  # fmt: skip


def main():
    with tempfile.TemporaryDirectory() as name:
        root = pathlib.Path(name)
        for number, odd in enumerate(ODD_NAMES):
            path = root / odd
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(b"x" * number)
        for size in (262143, 262144, 262145, 1 << 20):
            (root / f"size-{size}").write_bytes(random.Random(size).randbytes(size))
        for number in range(2000):
            (root / f"many{number % 7}").mkdir(exist_ok=True)
            (root / f"many{number % 7}" / str(number)).write_text(str(number))
        (root / "link").symlink_to("plain")
        os.mkfifo(root / "fifo")
        expected = subprocess.run(["sh", "-c", REFERENCE, "sh", name], capture_output=True, check=True).stdout
        done = subprocess.run([*sys.argv[1:], name], capture_output=True, check=False)
    sys.stderr.buffer.write(done.stderr)
    if done.returncode != 0 or done.stderr or done.stdout != expected:
        print(f"ended with {done.returncode}")
        for ours, theirs in zip(done.stdout.splitlines(), expected.splitlines()):
            if ours != theirs:
                print(f"{ours!r}\nis not\n{theirs!r}")
                break
        return 1
    print(f"{len(expected.splitlines())} lines are the same")
    return 0


sys.exit(main())
