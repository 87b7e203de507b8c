#!/usr/bin/env python3
"""brood, its peers and the machine's limits, side by side in one run.

Every figure is measured by a process of its own. The contestants for a figure take turns (A B C, A B C, ...), so
that a busy minute of the machine meets them all; the median of the rounds is the value, and only ratios within
one run mean something. See bench/plan.py for what is measured and which ratios are aimed at.
"""

import argparse
import json
import os
import pathlib
import statistics
import subprocess
import sys

sys.dont_write_bytecode = True
import plan  # noqa: E402
import report  # noqa: E402

TIME_LIMIT_S = 300


def run_once(command, environment):
    """The figures that one measurement printed, or the reason why there are none."""
    try:
        done = subprocess.run(
            command, capture_output=True, text=True, timeout=TIME_LIMIT_S, env=environment, stdin=subprocess.DEVNULL
        )
    except subprocess.TimeoutExpired:
        return None, f"no result within {TIME_LIMIT_S} s"
    if done.returncode != 0:
        lines = done.stderr.strip().splitlines()
        return None, lines[-1] if lines else f"ended with {done.returncode}"
    return [json.loads(line) for line in done.stdout.splitlines()], None


def measure(measurements, rounds, environment, failures):
    """All figures of one group, as {name: {value, unit, min, max, runs}}."""
    samples = {}
    for number in range(rounds):
        for measurement in measurements:
            if number >= measurement.rounds:
                continue
            print(f"  round {number + 1}: {measurement.label}", file=sys.stderr, flush=True)
            figures, why = run_once(measurement.command, environment)
            if why:
                failures.append(f"{measurement.label}: {why}")
                continue
            for figure in figures:
                samples.setdefault(measurement.name(figure["figure"]), []).append(figure)
    return {
        name: {
            "name": name,
            "value": statistics.median(f["value"] for f in found),
            "unit": found[0]["unit"],
            "min": min(f["value"] for f in found),
            "max": max(f["value"] for f in found),
            "runs": len(found),
        }
        for name, found in samples.items()
    }


def main():
    parser = argparse.ArgumentParser(prog="./dev bench", description=__doc__)
    parser.add_argument("groups", nargs="*", metavar="GROUP", help="of " + ", ".join(plan.GROUPS))
    parser.add_argument("--build", type=pathlib.Path, required=True, help=argparse.SUPPRESS)
    parser.add_argument("--json", type=pathlib.Path, metavar="FILE", help="also write the figures there")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--docs", action="store_true", help="write docs/benchmarks.md")
    arguments = parser.parse_args()
    unknown = set(arguments.groups) - set(plan.GROUPS)
    if unknown:
        parser.error(f"no group is called {', '.join(sorted(unknown))}; there are {', '.join(plan.GROUPS)}")

    build = arguments.build.resolve()
    environment = {**os.environ, "BROOD_NURSERY": str(build / "src/nursery/brood-nursery")}
    results, failures = {}, []
    for group in arguments.groups or plan.GROUPS:
        print(f"{group}:", file=sys.stderr)
        results.update(measure(plan.measurements(group, build), arguments.rounds, environment, failures))

    lines = "".join(json.dumps(result) + "\n" for result in results.values())
    sys.stdout.write(lines)
    if arguments.json:
        (pathlib.Path(os.environ.get("BROOD_BENCH_FOLDER", ".")) / arguments.json).write_text(lines)
    print(report.ratio_table(results))
    for failure in failures:
        print(f"not measured: {failure}")
    if arguments.docs:
        page = pathlib.Path(__file__).parents[1] / "docs/benchmarks.md"
        page.write_text(report.page(results, failures))
    return 1 if failures or not results else 0


if __name__ == "__main__":
    sys.exit(main())
