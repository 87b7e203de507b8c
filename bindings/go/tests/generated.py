#!/usr/bin/env python3
"""The committed half of internal/low is what generate.py writes today, and everything is formatted.

usage: generated.py SWIG GOFMT
"""

import pathlib
import subprocess
import sys
import tempfile

MODULE = pathlib.Path(__file__).resolve().parents[1]


def main():
    swig, gofmt = sys.argv[1:3]
    wrong = 0
    with tempfile.TemporaryDirectory() as fresh:
        subprocess.run([sys.executable, MODULE / "generate.py", swig, gofmt, fresh], check=True)
        for file in sorted(pathlib.Path(fresh).iterdir()):
            if file.read_text() != (MODULE / "internal/low" / file.name).read_text():
                print(f"internal/low/{file.name} is not what it would be now: run bindings/go/generate.py")
                wrong += 1
    unformatted = subprocess.run([gofmt, "-l", MODULE], capture_output=True, text=True, check=True).stdout
    sys.stdout.write(unformatted)
    print(f"{wrong} files differ, {len(unformatted.splitlines())} are not formatted")
    return 1 if wrong or unformatted else 0


if __name__ == "__main__":
    sys.exit(main())
