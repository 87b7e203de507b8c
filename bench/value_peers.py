"""The figures of bench/value.cpp for multiprocessing.Value with its own lock.

usage: value_peers.py alone|contended PLACEMENT
"""

import json
import multiprocessing
import os
import sys
import time

TIMES = 200_000


def emit(figure, value, unit):
    print(json.dumps({"figure": figure, "value": value, "unit": unit}), flush=True)


def pin(cpu):
    os.sched_setaffinity(0, {cpu})


def increment(value):
    lock = value.get_lock()
    for _ in range(TIMES):
        with lock:
            value.value += 1


def rival(value, cpu, barrier):
    pin(cpu)
    barrier.wait()
    increment(value)


def main():
    figure, placement = sys.argv[1:]
    cpus = sorted(os.sched_getaffinity(0))
    value = multiprocessing.Value("q")
    if figure == "alone":
        pin(cpus[0])
        start = time.perf_counter()
        increment(value)
        emit("locked", (time.perf_counter() - start) / TIMES * 1e9, "ns")
        return
    barrier = multiprocessing.Barrier(2)
    other = multiprocessing.Process(
        target=rival, args=(value, cpus[-1] if placement == "apart" else cpus[0], barrier)
    )
    other.start()
    pin(cpus[0])
    barrier.wait()
    start = time.perf_counter()
    increment(value)
    other.join()
    emit("contended", 2 * TIMES / (time.perf_counter() - start), "1/s")


if __name__ == "__main__":
    main()
