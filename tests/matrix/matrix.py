"""Python's part of the matrix: the tasks as a worker, the checks as a host. See README.md beside this file.

usage: matrix.py COMMAND...   (the workers' program)
"""

import concurrent.futures
import datetime
import os
import signal
import sys

import brood


@brood.task
def square(n):
    return n * n


@brood.task
def echo(value):
    return value


@brood.task
def fail(text):
    raise LookupError(text)


@brood.task
def crash():
    os.kill(os.getpid(), signal.SIGKILL)


@brood.task
def hang(queue):
    queue.put("running")
    signal.pause()


@brood.task
def fill(queue, n):
    for i in range(n):
        queue.put(i)


@brood.task
def locked_add(lock, array, queue):
    free = lock.acquire(block=False)
    queue.put(free)
    if not free:
        lock.acquire()
    array[0] += 1
    lock.release()


@brood.task
def scale(array, factor):
    for i, value in enumerate(array):
        array[i] = value * factor


# ---- the host ------------------------------------------------------------------------------------


LONG = 60  # seconds: whoever waits so long waits for nothing


def expect(condition, why):
    if not condition:
        raise AssertionError(why)


def goes_on(pool):
    expect(pool.submit(square, 9).result() == 81, "the next task fails")


def check_map(pool):
    squares = pool.map(square, range(100))
    expect(squares == [n * n for n in range(100)], f"got {squares}")


VALUES = [
    None, True, False, -1, 2**63 - 1, -(2**63), 1.5, -0.1, "", "Größe 日本語 🐦", b"\x00\xff\x80", [], [1, [2.5, ["x", None]]],
    {"Maß": {"deep": [1, {"a": b"\x01"}]}}, datetime.datetime.fromtimestamp(1700000000.25, datetime.timezone.utc),
]  # fmt: skip


def check_values(pool):
    for value in VALUES:
        back = pool.submit(echo, value).result()
        expect(back == value and type(back) is type(value), f"{value!r} came back as {back!r}")


def check_error(pool):
    try:
        pool.submit(fail, "Größe 7 fehlt").result()
    except brood.RemoteError as error:
        expect("Größe 7 fehlt" in str(error), f"its message is {error}")
        expect(error.kind != "", "its kind is empty")
        expect(error.pid not in (0, os.getpid()), f"its pid is {error.pid}")
    else:
        raise AssertionError("it did not fail")


def check_crash(pool):
    try:
        pool.submit(crash).result()
    except brood.WorkerLost as error:
        expect(error.signal == signal.SIGKILL and error.pid != 0, f"got signal {error.signal}, pid {error.pid}")
    else:
        raise AssertionError("it did not fail")
    goes_on(pool)


def check_timeout(pool):
    try:
        pool.with_options(run_limit=0.2).submit(hang, brood.Queue()).result()
    except brood.TaskTimeout:
        pass
    else:
        raise AssertionError("it did not fail")
    goes_on(pool)


def check_cancel(pool):
    queue = brood.Queue()
    future = pool.submit(hang, queue)
    expect(queue.get(timeout=LONG) == "running", "it does not run")
    expect(future.cancel(), "it was done already")
    try:
        future.result()
    except concurrent.futures.CancelledError:
        pass
    else:
        raise AssertionError("it did not fail")
    goes_on(pool)


def check_queue(pool):
    queue = brood.Queue()
    future = pool.submit(fill, queue, 1000)
    numbers = [queue.get(timeout=LONG) for _ in range(1000)]
    future.result()
    expect(numbers == list(range(1000)) and queue.empty(), f"got {numbers}")


def check_lock(pool):
    lock, array, queue = brood.Lock(), brood.Array("q", 1), brood.Queue()
    with lock:
        future = pool.submit(locked_add, lock, array, queue)
        expect(queue.get(timeout=LONG) is False, "the worker got the lock")
        expect(not future.done() and array[0] == 0, "the worker did not wait for the lock")
    future.result()
    expect(array[0] == 1, f"the element is {array[0]}")


def check_array(pool):
    array = brood.Array("d", [i + 0.5 for i in range(1000)])
    pool.submit(scale, array, 2.5).result()
    expect(list(array) == [(i + 0.5) * 2.5 for i in range(1000)], "its elements are wrong")


CHECKS = [check_map, check_values, check_error, check_crash, check_timeout, check_cancel, check_queue, check_lock, check_array]


def main():
    failed = 0
    with brood.Pool(1, command=sys.argv[1:]) as pool:
        for check in CHECKS:
            name = check.__name__.removeprefix("check_")
            try:
                check(pool)
                print(f"ok {name}", flush=True)
            except Exception as error:
                print(f"failed {name}: {type(error).__name__}: {error}", flush=True)
                failed += 1
    print(f"{len(CHECKS)} checks, {failed} failed")
    return 1 if failed else 0


brood.main()  # a worker does not come back from here
if __name__ == "__main__":
    sys.exit(main())
