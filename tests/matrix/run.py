#!/usr/bin/env python3
"""The language matrix: each language's program as host, with each language's program as its workers.

usage: run.py BUILD SETTINGS.json [--docs FILE] [LANGUAGE...]

LANGUAGE...: only these as hosts. The table goes to the standard output as Markdown, and without languages and with
--docs into a page too; what failed goes before it. The last line is `N cells, N passed, M failed`.
"""

import argparse
import json
import os
import pathlib
import signal
import subprocess
import sys

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parents[1]
sys.path.insert(0, str(ROOT / "bindings/go"))
import run_go  # noqa: E402

CHECKS = ["map", "values", "error", "crash", "timeout", "cancel", "queue", "lock", "array"]
LONG = 180  # seconds: a host that takes so long waits for what never comes

PAGE = """\
# The language matrix

`./dev matrix --docs` writes this page. In each cell the host runs every check with workers of the other language:
one pool, queue, lock and shared array between the two.

{table}

| check | what it is |
|---|---|
| map | a hundred numbers, in order |
| values | what MessagePack has, there and back: nil, truth values, numbers up to 64 bits, text, bytes, lists, maps, times |
| error | the task's own error, with class, text and pid |
| crash | a worker that is killed: signal and pid, and the next task works |
| timeout | a run limit of 200 ms, and the next task works |
| cancel | a task that runs is cancelled, and the next one works |
| queue | a queue as an argument, filled by the worker |
| lock | held by the host while the worker waits for it |
| array | shared memory written by the host, changed by the worker, read by the host |
"""


def programs(build, settings):
    """Each language's name, and the command of its program."""
    go = build / "tests/matrix/matrix_go"
    subprocess.run(
        [settings["go"], "build", "-o", go, HERE / "matrix.go"], cwd=run_go.MODULE, env=run_go.environment(build), check=True
    )
    java = ["java", "-cp", settings["class_path"], "-Dbrood.library=" + settings["java_library"], "Matrix"]
    return {
        "C": [build / "tests/matrix/matrix_c"],
        "C++": [build / "tests/matrix/matrix_cpp"],
        "Go": [go],
        "Java": java,
        "Ruby": [settings["ruby"], HERE / "matrix.rb"],
        "Python": [settings["python"], HERE / "matrix.py"],
    }


def environment(build):
    """Where each language finds what belongs to it; a worker has its host's."""
    return {
        **os.environ,
        "BROOD_NURSERY": str(build / "src/nursery/brood-nursery"),
        "LD_LIBRARY_PATH": str(build / "src/api"),
        "PYTHONPATH": str(build / "bindings/python"),
        "PYTHONDONTWRITEBYTECODE": "1",
        "RUBYLIB": str(build / "bindings/ruby/lib"),
        "LANG": "C.UTF-8",
        "LC_ALL": "C.UTF-8",
    }


def run_cell(host, worker, env):
    """(the checks that passed, what was said of the others)"""
    command = [str(word) for word in host + worker]
    process = subprocess.Popen(
        command, env=env, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, start_new_session=True
    )
    try:
        text, _ = process.communicate(timeout=LONG)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        text, _ = process.communicate()
        text += f"killed after {LONG} seconds\n"
    lines = text.splitlines()
    passed = [name for name in CHECKS if f"ok {name}" in lines]
    if passed == CHECKS and process.returncode == 0 and f"{len(CHECKS)} checks, 0 failed" in lines:
        return passed, []
    return passed, [line for line in lines if not line.startswith("ok ")] + [f"exit code {process.returncode}"]


def cell_text(passed, wrong):
    if not wrong:
        return f"{len(passed)} of {len(CHECKS)}"
    failed = [name for name in CHECKS if name not in passed]
    return f"**{len(passed)} of {len(CHECKS)}**, not {', '.join(failed) or 'its end'}"


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("build", type=pathlib.Path)
    parser.add_argument("settings", type=pathlib.Path)
    parser.add_argument("--docs", type=pathlib.Path)
    parser.add_argument("hosts", nargs="*")
    options = parser.parse_args()
    if options.docs and options.hosts:
        parser.error("the page has all hosts: --docs takes no languages")
    build = options.build.resolve()
    languages = programs(build, json.loads(options.settings.read_text()))
    env = environment(build)

    table = ["| host \\ workers | " + " | ".join(languages) + " |", "|---" * (len(languages) + 1) + "|"]
    failed = cells = 0
    for host in options.hosts or languages:
        row = []
        for worker in languages:
            passed, wrong = run_cell(languages[host], languages[worker], env)
            cells += 1
            failed += bool(wrong)
            row.append(cell_text(passed, wrong))
            print("".join(f"{host} with {worker}: {line}\n" for line in wrong), end="", flush=True)
        table.append(f"| {host} | " + " | ".join(row) + " |")
    print("\n".join(table))
    if options.docs:
        options.docs.write_text(PAGE.format(table="\n".join(table)))
    print(f"{cells} cells, {cells - failed} passed, {failed} failed")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
