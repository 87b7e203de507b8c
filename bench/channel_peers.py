"""The figures of bench/channel.cpp for Python's Queue and Pipe.

usage: channel_peers.py queue|pipe rate|rtt SIZE PLACEMENT
"""

import json
import multiprocessing
import os
import sys
import time

SECONDS = 0.7


def emit(figure, value, unit):
    print(json.dumps({"figure": figure, "value": value, "unit": unit}), flush=True)


def pin(cpu):
    if cpu is not None:
        os.sched_setaffinity(0, {cpu})


def produce(put, size, cpu):
    pin(cpu)
    data = bytes(size)
    while True:
        put(data)


def echo(get, put, cpu):
    pin(cpu)
    while True:
        put(get())


def main():
    kind, figure, size, placement = sys.argv[1], sys.argv[2], int(sys.argv[3]), sys.argv[4]
    cpus = sorted(os.sched_getaffinity(0))
    host = cpus[0] if placement != "free" else None
    worker = cpus[-1] if placement == "apart" else host
    context = multiprocessing.get_context("fork")
    if kind == "queue":
        there, back = context.Queue(16 if size > 16384 else 1024), context.Queue(1024)
        mine, theirs = (back.get, there.put), (there.get, back.put)
    else:
        a, b = context.Pipe()
        mine, theirs = (a.recv_bytes, a.send_bytes), (b.recv_bytes, b.send_bytes)
    if figure == "rate":
        put = theirs[1]
        child = context.Process(target=produce, args=(put, size, worker), daemon=True)
    else:
        child = context.Process(target=echo, args=(*theirs, worker), daemon=True)
    child.start()
    pin(host)
    get, put = mine
    if figure == "rate":
        get()
        count, begin = 0, time.perf_counter()
        while (now := time.perf_counter()) - begin < SECONDS:
            get()
            count += 1
        emit("rate", count / (now - begin), "msg/s")
    else:
        data, times = bytes(size), []
        begin = time.perf_counter()
        while (start := time.perf_counter()) - begin < SECONDS:
            put(data)
            get()
            times.append((time.perf_counter() - start) * 1e6)
        times = sorted(times[len(times) // 10 :])
        emit("rtt_p50", times[len(times) // 2], "us")
        emit("rtt_p99", times[len(times) * 99 // 100], "us")
    child.kill()
    os._exit(0)


if __name__ == "__main__":
    main()
