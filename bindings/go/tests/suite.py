#!/usr/bin/env python3
"""go vet and go test of the module, with one go command.

usage: suite.py BUILD GO
"""

import pathlib
import subprocess
import sys

RUN = pathlib.Path(__file__).resolve().parents[1] / "run_go.py"


def main():
    build, go = sys.argv[1:3]
    # What SWIG writes is its own affair: only what is written by hand is vetted.
    for arguments in (["version"], ["vet", ".", "./examples/..."], ["test", "-count=1", "-timeout=9m", "./..."]):
        done = subprocess.run([sys.executable, RUN, build, go, *arguments])
        if done.returncode != 0:
            return done.returncode
    return 0


if __name__ == "__main__":
    sys.exit(main())
