"""The figures of bench/pool.cpp for Python's two pools, and for its two ways to start a process.

usage: pool_peers.py multiprocessing|concurrent FIGURE PLACEMENT [COUNT]
       pool_peers.py fork|spawn spawn RESIDENT_MB
"""

import concurrent.futures
import json
import multiprocessing
import os
import sys
import tempfile
import time

SECONDS = 0.7
MESSAGE = bytes(64)


def messages(count):
    """Different objects: pickle would send one that is repeated only once."""
    return [number.to_bytes(64, "little") for number in range(count)]


def emit(figure, value, unit):
    print(json.dumps({"figure": figure, "value": value, "unit": unit}), flush=True)


def echo(data):
    return data


def gate(path):
    with open(path, "rb", buffering=0) as file:
        file.read(1)


def nothing():
    pass


def pin(cpu):
    if cpu is not None:
        os.sched_setaffinity(0, {cpu})


class Placement:
    def __init__(self, name):
        cpus = sorted(os.sched_getaffinity(0))
        self.host = cpus[0] if name != "free" else None
        self.worker = cpus[-1] if name == "apart" else self.host


class MultiprocessingPool:
    """multiprocessing.Pool with its own default start method on Linux: fork."""

    def __init__(self, place, workers, method=None):
        self.pool = multiprocessing.get_context(method).Pool(workers, pin, (place.worker,))

    def call(self):
        return self.pool.apply(echo, (MESSAGE,))

    def map(self, items, chunk):
        return self.pool.map(echo, items, chunksize=chunk)

    def submit(self, function, argument):
        return self.pool.apply_async(function, (argument,))

    @staticmethod
    def result(future):
        return future.get()

    def pids(self):
        return [process.pid for process in self.pool._pool]

    def close(self):
        self.pool.close()
        self.pool.join()


class ConcurrentPool:
    """concurrent.futures.ProcessPoolExecutor, as it comes."""

    def __init__(self, place, workers, method=None):
        context = multiprocessing.get_context(method)
        self.pool = concurrent.futures.ProcessPoolExecutor(workers, context, pin, (place.worker,))

    def call(self):
        return self.pool.submit(echo, MESSAGE).result()

    def map(self, items, chunk):
        # It has no automatic chunk size: what Pool would choose is given to both.
        return list(self.pool.map(echo, items, chunksize=chunk or len(items) // (2 * 4)))

    def submit(self, function, argument):
        return self.pool.submit(function, argument)

    @staticmethod
    def result(future):
        return future.result()

    def pids(self):
        return list(self.pool._processes)

    def close(self):
        self.pool.shutdown()


def warm(kind, place, workers):
    pool = kind(place, workers)
    pin(place.host)
    pool.map(messages(200), 1)
    return pool


def maps(kind, place, figure, count, chunk):
    pool = warm(kind, place, 2)
    items = messages(count)
    done = 0
    start = time.perf_counter()
    while time.perf_counter() - start < SECONDS:
        pool.map(items, chunk)
        done += count
    emit(figure, done / (time.perf_counter() - start), "tasks/s")
    pool.close()


def round_trips(kind, place):
    pool = warm(kind, place, 1)
    times = []
    begin = time.perf_counter()
    while time.perf_counter() - begin < SECONDS:
        start = time.perf_counter()
        pool.call()
        times.append((time.perf_counter() - start) * 1e6)
    times.sort()
    emit("rtt_p50", times[len(times) // 2], "us")
    emit("rtt_p99", times[len(times) * 99 // 100], "us")
    pool.close()


def start(kind, place):
    pin(place.host)
    for method in ("fork", "spawn"):
        begin = time.perf_counter()
        pool = kind(place, 2, method)
        pool.call()
        emit(method, (time.perf_counter() - begin) * 1e3, "ms")
        pool.close()


def status_field(pid, file, *names):
    with open(f"/proc/{pid}/{file}") as lines:
        return sum(int(line.split()[1]) for line in lines if line.split(":")[0] in names)


def memory(kind, place):
    pool = warm(kind, place, 2)
    worst = max(status_field(pid, "smaps_rollup", "Private_Clean", "Private_Dirty") for pid in pool.pids())
    emit("worker_private", worst / 1024, "MiB")
    pool.close()


def pending(kind, place, count):
    pool = warm(kind, place, 2)
    with tempfile.TemporaryDirectory() as folder:
        path = folder + "/gate"
        os.mkfifo(path)
        busy = [pool.submit(gate, path) for _ in range(2)]
        before = status_field("self", "status", "VmRSS")
        begin = time.perf_counter()
        futures = [pool.submit(echo, MESSAGE) for _ in range(count)]
        elapsed = time.perf_counter() - begin
        emit("submit", count / elapsed, "tasks/s")
        used = status_field("self", "status", "VmRSS") - before
        with open(path, "wb", buffering=0) as file:
            file.write(b"xx")
            begin = time.perf_counter()
            for future in futures:
                pool.result(future)
            elapsed += time.perf_counter() - begin
        emit("total", count / elapsed, "tasks/s")
        if count >= 100000:
            emit("memory", used * 1024 / count, "bytes/task")
        for future in busy:
            pool.result(future)
    pool.close()


def switches(pids):
    total = 0
    for pid in pids:
        for thread in os.listdir(f"/proc/{pid}/task"):
            total += status_field(pid, f"task/{thread}/status", "voluntary_ctxt_switches",
                                  "nonvoluntary_ctxt_switches")
    return total


def idle(kind, place, seconds):
    pool = warm(kind, place, 2)
    members = [*pool.pids(), os.getpid()]
    time.sleep(1)
    look = switches(members)
    before = switches(members)
    time.sleep(seconds)
    emit("wakeups", max(0, switches(members) - before - (before - look) - 1), "wake-ups")
    pool.close()


def spawn(method, resident_mb):
    ballast = bytearray(b"x") * (resident_mb << 20)
    context = multiprocessing.get_context(method)
    count = 0
    begin = time.perf_counter()
    while time.perf_counter() - begin < SECONDS:
        process = context.Process(target=nothing)
        process.start()
        process.join()
        count += 1
    emit("rate", count / (time.perf_counter() - begin), "1/s")
    del ballast


def main():
    who, figure = sys.argv[1:3]
    if figure == "spawn":
        spawn(who, int(sys.argv[3]))
        return
    kind = {"multiprocessing": MultiprocessingPool, "concurrent": ConcurrentPool}[who]
    place = Placement(sys.argv[3])
    count = int(sys.argv[4]) if len(sys.argv) > 4 else 0
    if figure == "chunk1":
        maps(kind, place, figure, 5000, 1)
    elif figure == "batched":
        maps(kind, place, figure, 200000, None)
    elif figure == "rtt":
        round_trips(kind, place)
    elif figure == "start":
        start(kind, place)
    elif figure == "memory":
        memory(kind, place)
    elif figure == "pending":
        pending(kind, place, count)
    elif figure == "idle":
        idle(kind, place, count)


if __name__ == "__main__":
    main()
