"""What is measured, and which ratios are aimed at."""

import dataclasses
import os
import pathlib

GROUPS = ["limits", "spawn", "start", "pool", "pending", "idle", "value", "queue", "pipe"]
# Debian's own Python, so that two machines compare the same peer.
PYTHON = "/usr/bin/python3"
PLACEMENTS = ["packed", "apart"]
LARGE_HOST_MB = "1024"
MANY = 10**9


@dataclasses.dataclass
class Measurement:
    """One command that prints figures, and how they are called: group.figure.contestant[.placement]."""

    group: str
    contestant: str
    placement: str
    command: list
    prefix: str = ""
    rounds: int = MANY

    @property
    def label(self):
        return ".".join(part for part in (self.group, self.prefix, self.contestant, self.placement) if part)

    def name(self, figure):
        return ".".join(
            part for part in (self.group, self.prefix, figure, self.contestant, self.placement) if part
        )


def measurements(group, build):
    """In the order in which one round takes them."""
    bench = build / "bench"
    peers = [PYTHON, str(pathlib.Path(__file__).parent / "pool_peers.py")]
    placements = PLACEMENTS if len(os.sched_getaffinity(0)) > 1 else ["packed"]

    def program(name, *arguments):
        return [str(bench / f"bench_{name}"), *arguments]

    found = []
    if group == "limits":
        for placement in placements:
            for figure in ("futex", "pipe"):
                found.append(Measurement(group, "kernel", placement, program("limits", figure, placement)))
        if "apart" in placements:
            found.append(Measurement(group, "cpu", "apart", program("limits", "cacheline", "apart")))
        found.append(Measurement(group, "kernel", "", program("limits", "calls", "packed")))
    elif group == "spawn":
        nothing = str(bench / "bench_nothing")
        for size, megabytes in (("small_host", "0"), ("large_host", LARGE_HOST_MB)):
            found.append(Measurement(group, "brood", size, program("pool", "spawn", megabytes, nothing)))
            for method in ("posix_spawn", "vfork", "uv_spawn"):
                found.append(Measurement(group, method, size, program("spawn", method, megabytes, nothing)))
            found.append(Measurement(group, "python_fork", size, [*peers, "fork", "spawn", megabytes]))
        found.append(Measurement(group, "python_spawn", "small_host", [*peers, "spawn", "spawn", "0"]))
    elif group == "start":
        found.append(Measurement(group, "brood", "", program("pool", "start", "free"), "first_task"))
        found.append(Measurement(group, "multiprocessing", "", [*peers, "multiprocessing", "start", "free"], "first_task"))
        found.append(Measurement(group, "concurrent", "", [*peers, "concurrent", "start", "free"], "first_task"))
        found.append(Measurement(group, "brood", "", program("pool", "memory", "free")))
        found.append(Measurement(group, "multiprocessing", "", [*peers, "multiprocessing", "memory", "free"]))
    elif group == "pool":
        for placement in placements:
            for figure in ("chunk1", "batched", "rtt"):
                found.append(Measurement(group, "brood", placement, program("pool", figure, placement)))
                for kind in ("multiprocessing", "concurrent"):
                    found.append(Measurement(group, kind, placement, [*peers, kind, figure, placement]))
                if figure != "batched":
                    for channel in ("pipe", "boost"):
                        found.append(
                            Measurement(group, channel, placement, program("echo_peers", channel, figure, placement))
                        )
        for workers in ("8", "64"):
            found.append(
                Measurement(group, "brood", "free", program("pool", "chunk1", "free", workers), f"workers{workers}")
            )
        found.append(Measurement(group, "brood", "free", program("pool", "chunk1", "free", "2"), "workers2"))
    elif group == "pending":
        for name, count in (("1k", "1000"), ("100k", "100000"), ("1M", "1000000")):
            found.append(Measurement(group, "brood", "", program("pool", "pending", "free", count), name))
        found.append(
            Measurement(group, "multiprocessing", "", [*peers, "multiprocessing", "pending", "free", "100000"], "100k", 2)
        )
        found.append(Measurement(group, "concurrent", "", [*peers, "concurrent", "pending", "free", "100000"], "100k", 1))
    elif group == "idle":
        found.append(Measurement(group, "brood", "", program("pool", "idle", "free", "10"), rounds=1))
        found.append(Measurement(group, "multiprocessing", "", [*peers, "multiprocessing", "idle", "free", "10"], rounds=1))
    elif group == "value":
        value_peers = [PYTHON, str(pathlib.Path(__file__).parent / "value_peers.py")]
        for contestant in ("brood", "mutex", "robust"):
            found.append(Measurement(group, contestant, "", program("value", contestant, "alone", "packed")))
        found.append(Measurement(group, "multiprocessing", "", [*value_peers, "alone", "packed"]))
        for contestant in ("brood", "cpu"):
            found.append(Measurement(group, contestant, "", program("value", contestant, "add", "packed")))
        found.append(Measurement(group, "brood", "", program("value", "brood", "add_call", "packed")))
        for placement in placements:
            for contestant in ("brood", "mutex", "robust"):
                found.append(Measurement(group, contestant, placement, program("value", contestant, "contended", placement)))
            found.append(Measurement(group, "multiprocessing", placement, [*value_peers, "contended", placement]))
    elif group in ("queue", "pipe"):
        found += channel_measurements(group, placements, program)
    return found


SIZES = [("64B", "64"), ("1KiB", "1024"), ("64KiB", "65536"), ("1MiB", "1048576")]


def channel_measurements(group, placements, program):
    """Messages a second by size, and round trips of 64 bytes, of brood, its peers and the kernel's own."""
    python = [PYTHON, str(pathlib.Path(__file__).parent / "channel_peers.py"), group]
    peers = ("boost", "zmq") if group == "queue" else ("pipe", "socket", "uv")
    found = []
    for placement in placements:
        for name, size in SIZES:
            found.append(Measurement(group, "brood", placement, program("channel", group, "rate", size, placement), name))
            for peer in peers:
                command = program("channel_peers", peer, "rate", size, placement)
                found.append(Measurement(group, peer, placement, command, name))
            found.append(Measurement(group, "python", placement, [*python, "rate", size, placement], name, 3))
        found.append(Measurement(group, "brood", placement, program("channel", group, "rtt", "64", placement)))
        for peer in (*peers, "pipe") if group == "queue" else peers:
            found.append(Measurement(group, peer, placement, program("channel_peers", peer, "rtt", "64", placement)))
        found.append(Measurement(group, "python", placement, [*python, "rtt", "64", placement], rounds=3))
        if group == "queue":
            for kind, size in (("batch", "64"), ("loan", "1048576")):
                command = program("channel", f"queue_{kind}", "rate", size, placement)
                found.append(Measurement(group, "brood", placement, command, kind))
            for contestant, name in (("brood", ("channel", "queue")), ("boost", ("channel_peers", "boost"))):
                command = program(*name, "rate", "64", placement, "2")
                found.append(Measurement(group, contestant, placement, command, "two_sides"))
    return found


@dataclasses.dataclass
class Target:
    """`left` over `right` (or `left` alone) shall be at least, or at most, `bound`."""

    text: str
    left: str
    right: str
    sign: str
    bound: float


TARGETS = [
    Target("map, chunk 1, packed: multiprocessing.Pool", "pool.chunk1.brood.packed", "pool.chunk1.multiprocessing.packed", ">=", 100),
    Target("map, chunk 1, apart: multiprocessing.Pool", "pool.chunk1.brood.apart", "pool.chunk1.multiprocessing.apart", ">=", 100),
    Target("map, chunk 1, packed: CPU time a task, ns", "pool.chunk1_cpu.brood.packed", "", "<=", 400),
    Target("map, batched, packed: multiprocessing.Pool", "pool.batched.brood.packed", "pool.batched.multiprocessing.packed", ">=", 20),
    Target("map, batched, apart: multiprocessing.Pool", "pool.batched.brood.apart", "pool.batched.multiprocessing.apart", ">=", 20),
    Target("round trip p50, packed: multiprocessing.Pool", "pool.rtt_p50.brood.packed", "pool.rtt_p50.multiprocessing.packed", "<=", 1 / 5),
    Target("round trip p99, packed: multiprocessing.Pool", "pool.rtt_p99.brood.packed", "pool.rtt_p99.multiprocessing.packed", "<=", 1 / 25),
    Target("round trip p50, apart: multiprocessing.Pool", "pool.rtt_p50.brood.apart", "pool.rtt_p50.multiprocessing.apart", "<=", 1 / 5),
    Target("round trip p99, apart: multiprocessing.Pool", "pool.rtt_p99.brood.apart", "pool.rtt_p99.multiprocessing.apart", "<=", 1 / 25),
    Target("round trip p50, packed: raw pipe", "pool.rtt_p50.brood.packed", "pool.rtt_p50.pipe.packed", "<=", 1.4),
    Target("round trip p50, apart, us", "pool.rtt_p50.brood.apart", "", "<=", 1),
    Target("8 workers against 2", "pool.workers8.chunk1.brood.free", "pool.workers2.chunk1.brood.free", ">=", 0.7),
    Target("64 workers against 2", "pool.workers64.chunk1.brood.free", "pool.workers2.chunk1.brood.free", ">=", 0.5),
    Target("spawn from 1 GiB: uv_spawn", "spawn.rate.brood.large_host", "spawn.rate.uv_spawn.large_host", ">=", 30),
    Target("spawn: Python fork", "spawn.rate.brood.small_host", "spawn.rate.python_fork.small_host", ">=", 2),
    Target("spawn: Python spawn", "spawn.rate.brood.small_host", "spawn.rate.python_spawn.small_host", ">=", 30),
    Target("spawn: posix_spawn's rate", "spawn.rate.brood.small_host", "spawn.rate.posix_spawn.small_host", ">=", 1 / 2.5),
    Target("spawn: large host against small", "spawn.rate.brood.large_host", "spawn.rate.brood.small_host", ">=", 0.9),
    Target("pool of 2, first task, cold: Python fork", "start.first_task.cold.brood", "start.first_task.fork.multiprocessing", "<=", 1 / 4),
    Target("pool of 2, first task, warm: Python fork", "start.first_task.warm.brood", "start.first_task.fork.multiprocessing", "<=", 1 / 4),
    Target("worker's own memory: Python fork", "start.worker_private.brood", "start.worker_private.multiprocessing", "<=", 0.65),
    Target("worker's own memory, MiB", "start.worker_private.brood", "", "<=", 1.0),
    Target("100,000 pending, total rate: multiprocessing.Pool", "pending.100k.total.brood", "pending.100k.total.multiprocessing", ">=", 100),
    Target("100,000 pending, memory: multiprocessing.Pool", "pending.100k.memory.brood", "pending.100k.memory.multiprocessing", "<=", 1 / 9),
    Target("1,000,000 pending, submit rate: that of 1,000", "pending.1M.submit.brood", "pending.1k.submit.brood", ">=", 0.7),
    Target("locked value: multiprocessing.Value's time", "value.locked.multiprocessing", "value.locked.brood", ">=", 20),
    Target("locked value: robust mutex's time", "value.locked.brood", "value.locked.robust", "<=", 1.2),
    Target("locked value, contended, packed: multiprocessing.Value", "value.contended.brood.packed", "value.contended.multiprocessing.packed", ">=", 15),
    Target("locked value, contended, apart: multiprocessing.Value", "value.contended.brood.apart", "value.contended.multiprocessing.apart", ">=", 15),
    Target("atomic add: the CPU's", "value.add.brood", "value.add.cpu", "<=", 1.15),
    Target("queue, 64 B, packed: Boost", "queue.64B.rate.brood.packed", "queue.64B.rate.boost.packed", ">=", 1.2),
    Target("queue, 64 B, packed: ZeroMQ", "queue.64B.rate.brood.packed", "queue.64B.rate.zmq.packed", ">=", 4),
    Target("queue, 64 B, packed: Python", "queue.64B.rate.brood.packed", "queue.64B.rate.python.packed", ">=", 75),
    Target("queue, 64 B, packed: CPU time a message, ns", "queue.64B.cpu.brood.packed", "", "<=", 65),
    Target("queue, 64 B, two of each side, packed: Boost", "queue.two_sides.rate.brood.packed", "queue.two_sides.rate.boost.packed", ">=", 1.3),
    Target("queue, batches of 32, packed: one by one", "queue.batch.rate.brood.packed", "queue.64B.rate.brood.packed", ">=", 3),
    Target("queue, 64 B, apart: Boost", "queue.64B.rate.brood.apart", "queue.64B.rate.boost.apart", ">=", 3),
    Target("queue, 64 B, apart: ZeroMQ", "queue.64B.rate.brood.apart", "queue.64B.rate.zmq.apart", ">=", 3),
    Target("queue, 1 KiB, packed: Boost", "queue.1KiB.rate.brood.packed", "queue.1KiB.rate.boost.packed", ">=", 1.1),
    Target("queue, 64 KiB, packed: Boost", "queue.64KiB.rate.brood.packed", "queue.64KiB.rate.boost.packed", ">=", 1.1),
    Target("queue, 1 MiB, packed: Boost", "queue.1MiB.rate.brood.packed", "queue.1MiB.rate.boost.packed", ">=", 1.3),
    Target("queue, 1 KiB, packed: Python", "queue.1KiB.rate.brood.packed", "queue.1KiB.rate.python.packed", ">=", 80),
    Target("queue, 64 KiB, packed: Python", "queue.64KiB.rate.brood.packed", "queue.64KiB.rate.python.packed", ">=", 20),
    Target("queue, 1 MiB, packed: Python", "queue.1MiB.rate.brood.packed", "queue.1MiB.rate.python.packed", ">=", 18),
    Target("queue round trip p50, packed: Boost", "queue.rtt_p50.brood.packed", "queue.rtt_p50.boost.packed", "<=", 0.6),
    Target("queue round trip p50, packed: ZeroMQ", "queue.rtt_p50.brood.packed", "queue.rtt_p50.zmq.packed", "<=", 1 / 8),
    Target("queue round trip p50, packed: Python", "queue.rtt_p50.brood.packed", "queue.rtt_p50.python.packed", "<=", 1 / 6),
    Target("queue round trip p50, packed: raw pipe", "queue.rtt_p50.brood.packed", "queue.rtt_p50.pipe.packed", "<=", 1.25),
    Target("queue round trip p50, apart: Boost", "queue.rtt_p50.brood.apart", "queue.rtt_p50.boost.apart", "<=", 0.6),
    Target("queue round trip p50, apart, us (4 cache lines' ping-pong)", "queue.rtt_p50.brood.apart", "", "<=", 0.56),
    Target("queue, loans of 1 MiB, packed: 64 B rate", "queue.loan.rate.brood.packed", "queue.64B.rate.brood.packed", ">=", 0.8),
    Target("pipe, 64 B, packed: raw pipe", "pipe.64B.rate.brood.packed", "pipe.64B.rate.pipe.packed", ">=", 10),
    Target("pipe, 64 B, packed: Python", "pipe.64B.rate.brood.packed", "pipe.64B.rate.python.packed", ">=", 40),
    Target("pipe, 64 B, apart: raw pipe", "pipe.64B.rate.brood.apart", "pipe.64B.rate.pipe.apart", ">=", 10),
    Target("pipe round trip p50, packed: raw pipe", "pipe.rtt_p50.brood.packed", "pipe.rtt_p50.pipe.packed", "<=", 1.25),
    Target("pipe round trip p50, packed: Python", "pipe.rtt_p50.brood.packed", "pipe.rtt_p50.python.packed", "<=", 1 / 6),
    Target("idle for 10 s: wake-ups", "idle.wakeups.brood", "", "<=", 0),
    Target("idle for 10 s: CPU time, ms", "idle.cpu.brood", "", "<=", 10),
]
