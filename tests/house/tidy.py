#!/usr/bin/env python3
"""clang-tidy over every file of ours that a build folder compiles, as many at a time as there are CPUs."""

import concurrent.futures
import json
import os
import pathlib
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parents[2]
FOLDERS = ("src", "examples", "tests", "bench")


def check(arguments):
    build, path = arguments
    done = subprocess.run(
        ["clang-tidy-14", "--quiet", "-p", str(build), str(path)], capture_output=True, text=True
    )
    return path, done.returncode, done.stdout + ("" if done.returncode == 0 else done.stderr)


def main():
    build = pathlib.Path(sys.argv[1]).resolve()
    commands = json.loads((build / "compile_commands.json").read_text())
    files = {(pathlib.Path(c["directory"]) / c["file"]).resolve() for c in commands}
    ours = sorted(f for f in files if any(f.is_relative_to(ROOT / folder) for folder in FOLDERS))
    bad = 0
    with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
        for path, status, output in pool.map(check, [(build, f) for f in ours]):
            if status != 0:
                bad += 1
                print(output)
                print(f"clang-tidy: {path.relative_to(ROOT)} failed", flush=True)
    print(f"clang-tidy: {len(ours)} files, {bad} with findings")
    return 1 if bad or not ours else 0


if __name__ == "__main__":
    sys.exit(main())
