"""Tables of what was measured: ratios beside their targets, and the page docs/benchmarks.md."""

import datetime
import os
import pathlib
import platform
import subprocess

import plan

INTRODUCTION = """# How fast brood is

Written by `./dev bench --docs`; do not edit. The contestants for each figure were measured in turns, each time in a
process of its own; a value is the median of its rounds. The machine is shared and noisy: **only ratios within this
page mean something**.

- *packed*: both sides on one CPU, as on a busy machine. *apart*: the host on one CPU, its workers on another.
  *free*: not pinned.
- *chunk1*: a map over 64-byte items, each sent alone, by a pool of two workers that echo them. *batched*: the same
  with the pool's own chunk size. *rtt*: one 64-byte call at a time to one worker.
- *pipe* and *boost* are two pipes and two Boost.Interprocess message queues between the host and the same number of
  echoing processes. They are no pools: nobody would notice a dead worker.
- *spawn*: a static program that does nothing, started and waited for, one after the other. Python's rows start a
  Python function instead. *large_host* has 1 GiB resident.
- *first_task*: from making a pool of two to its first result, *cold* with brood's nursery still to be started.
- *pending*: tasks submitted while both workers are busy (submit), and until all results are taken (total).
- *queue*, *pipe*: messages of a size from one process to another, *two_sides* from two to two; *batch*: 32 at
  once; *loan*: written in place, which here is nothing; *rtt*: one to an echoing process and back.
- *idle*: context switches of all processes of a pool that has nothing to do, over 10 s.
"""


def verdict(target, results):
    """(value, text) of a target, or None where it was not measured."""
    left = results.get(target.left)
    right = results.get(target.right) if target.right else None
    if left is None or (target.right and right is None):
        return None
    if right and right["value"] == 0:
        return None
    value = left["value"] / right["value"] if right else left["value"]
    reached = value >= target.bound if target.sign == ">=" else value <= target.bound
    return value, "reached" if reached else "MISSED"


def number(value):
    return f"{value:,.0f}" if abs(value) >= 1000 else f"{value:.3g}"


def ratio_rows(results):
    for target in plan.TARGETS:
        judged = verdict(target, results)
        if judged:
            yield target.text, number(judged[0]), f"{target.sign} {number(target.bound)}", judged[1]


def ratio_table(results):
    rows = list(ratio_rows(results))
    if not rows:
        return ""
    width = max(len(row[0]) for row in rows)
    return "\n".join(f"{text:<{width}}  {value:>10}  {bound:>10}  {end}" for text, value, bound, end in rows)


def machine():
    def first(path, key):
        for line in pathlib.Path(path).read_text().splitlines():
            if line.startswith(key):
                return line.split(":", 1)[1].strip()
        return "unknown"

    release = dict(
        line.split("=", 1) for line in pathlib.Path("/etc/os-release").read_text().splitlines() if "=" in line
    )
    compiler = subprocess.run(["c++", "--version"], capture_output=True, text=True).stdout.splitlines()
    load = os.getloadavg()
    return [
        ("CPU", f"{first('/proc/cpuinfo', 'model name')}, {len(os.sched_getaffinity(0))} usable"),
        ("virtual", "yes" if "hypervisor" in pathlib.Path("/proc/cpuinfo").read_text() else "no"),
        ("memory", f"{int(first('/proc/meminfo', 'MemTotal').split()[0]) / 1048576:.1f} GiB"),
        ("system", f"{release.get('PRETTY_NAME', 'unknown').strip(chr(34))}, Linux {platform.release()}"),
        ("compiler", compiler[0] if compiler else "unknown"),
        ("Python", subprocess.run([plan.PYTHON, "--version"], capture_output=True, text=True).stdout.strip()),
        ("load after the run", f"{load[0]:.1f} {load[1]:.1f} {load[2]:.1f}"),
        ("day", datetime.date.today().isoformat()),
    ]


def page(results, failures):
    lines = [INTRODUCTION, "## The machine", "", "| | |", "|---|---|"]
    lines += [f"| {key} | {value} |" for key, value in machine()]
    lines += ["", "## Ratios beside their targets", "", "| brood against | ratio or value | target | |", "|---|---|---|---|"]
    lines += ["| " + " | ".join(row) + " |" for row in ratio_rows(results)]
    lines += ["", "## Figures", "", "| figure | median | min | max | unit | runs |", "|---|---|---|---|---|---|"]
    for name, result in results.items():
        values = " | ".join(number(result[key]) for key in ("value", "min", "max"))
        lines.append(f"| `{name}` | {values} | {result['unit']} | {result['runs']} |")
    if failures:
        lines += ["", "## Not measured", ""] + [f"- {failure}" for failure in sorted(set(failures))]
    return "\n".join(lines) + "\n"
