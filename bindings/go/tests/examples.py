#!/usr/bin/env python3
"""The examples print what those in C and C++ print, and the program at the top of README.md works when pasted.

usage: examples.py BUILD GO
"""

import pathlib
import re
import shutil
import subprocess
import sys
import tempfile

MODULE = pathlib.Path(__file__).resolve().parents[1]
ROOT = MODULE.parents[1]
sys.path.insert(0, str(MODULE))
import run_go  # noqa: E402

# What needs a terminal is the C++ program's.
TREES = [
    "test_odd_names_in_the_same_order_and_format", "test_sizes_round_the_buffer", "test_more_files_than_the_window",
    "test_only_regular_files", "test_empty_tree_and_single_file", "test_speed_up_is_measured",
    "test_a_missing_directory_is_an_error", "test_unreadable_files_and_directories_are_reported_one_by_one",
]  # fmt: skip


def pasted(folder, go, env):
    """What the README's program prints, as a module of its own made as the README says."""
    program = re.search(r"^```go\n(.*?)^```", (MODULE / "README.md").read_text(), re.M | re.S)[1]
    (folder / "main.go").write_text(program)
    module = (MODULE / "go.mod").read_text().replace("module brood\n", "module pasted\n")
    offline = re.search(r"-modfile=(\S+)", env.get("GOFLAGS", ""))
    if offline:
        module = pathlib.Path(offline[1]).read_text().replace("module brood\n", "module pasted\n")
    (folder / "go.mod").write_text(f"{module}\nrequire brood v0.0.0\n\nreplace brood => {MODULE}\n")
    shutil.copy(MODULE / "go.sum", folder / "go.sum")
    env = {**env, "GOFLAGS": "-mod=mod -buildvcs=false"}
    return subprocess.run([go, "run", "."], cwd=folder, env=env, stdout=subprocess.PIPE, text=True, check=True).stdout


def main():
    build, go = pathlib.Path(sys.argv[1]).resolve(), sys.argv[2]
    env = run_go.environment(build)
    wrong = 0
    with tempfile.TemporaryDirectory() as scratch:
        # Another user runs one of the programs.
        pathlib.Path(scratch).chmod(0o755)
        subprocess.run([go, "build", "-o", f"{scratch}/", "./examples/..."], cwd=MODULE, env=env, check=True)
        printed = subprocess.run([f"{scratch}/fib"], env=env, stdout=subprocess.PIPE, text=True, check=True).stdout
        wrong += printed != (ROOT / "examples/expected/fib.txt").read_text()
        trees = [f"HashTreeTest.{name}" for name in TREES]
        test = [sys.executable, ROOT / "tests/examples/hash_tree_test.py", f"{scratch}/hash_tree", *trees]
        wrong += subprocess.run(test, env=env).returncode != 0
        folder = pathlib.Path(scratch, "pasted")
        folder.mkdir()
        wrong += pasted(folder, go, env) != "[1 4 9] <nil>\n"
    print(f"3 programs, {wrong} wrong")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
