#!/usr/bin/env python3
"""Runs a program and compares what it prints with a file.

usage: compare.py EXPECTED PROGRAM [ARGUMENT...]
"""

import difflib
import pathlib
import subprocess
import sys


def main():
    expected = pathlib.Path(sys.argv[1]).read_text()
    done = subprocess.run(sys.argv[2:], stdin=subprocess.DEVNULL, capture_output=True, text=True)
    sys.stderr.write(done.stderr)
    if done.returncode != 0:
        print(f"ended with {done.returncode}")
        print(done.stdout)
        return 1
    if done.stdout != expected:
        sys.stdout.writelines(
            difflib.unified_diff(expected.splitlines(True), done.stdout.splitlines(True), "expected", "printed")
        )
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
