"""What the rest of the program does meanwhile: children, forks, signals, garbage, sudden ends."""

import gc
import os
import pathlib
import resource
import signal
import subprocess
import threading
import time

import pytest

import brood
import some_tasks as tasks


def test_children_of_the_program_itself(pool):
    future = pool.map_async(tasks.square, range(1000))
    for n in range(20):
        assert subprocess.run(["sh", "-c", f"exit {n}"]).returncode == n
        assert os.system(f"exit {n}") == n << 8
    assert subprocess.check_output(["echo", "x"]) == b"x\n"
    assert future.get(30)[-1] == 999 * 999
    # What is left of the program's children is nobody: brood has none here.
    with pytest.raises(ChildProcessError):
        os.waitpid(-1, os.WNOHANG)
    assert signal.getsignal(signal.SIGCHLD) == signal.SIG_DFL


def in_child(function):
    """Runs a function in a forked child, which answers with a text."""
    read, write = os.pipe()
    child = os.fork()
    if child == 0:
        try:
            answer = function()
        except BaseException as error:
            answer = f"{type(error).__name__}: {error}"
        os.write(write, str(answer).encode())
        os._exit(0)
    os.close(write)
    with os.fdopen(read, "rb") as file:
        answer = file.read().decode()
    assert os.waitpid(child, 0)[1] == 0
    return answer


def test_a_fork_with_live_handles():
    with brood.Pool(1) as pool:
        queue, lock, array = brood.Queue(), brood.Lock(), brood.Array("i", 3)
        started = brood.Event()
        pending = pool.submit(tasks.hang, started)
        assert started.wait(30)
        for attempt in (
            lambda: pool.apply(tasks.square, (3,)),
            lambda: pool.submit(tasks.square, 3),
            lambda: queue.put(1),
            lambda: lock.acquire(),
            lambda: brood.Queue(),
            lambda: pending.result(10),
        ):
            assert in_child(attempt).startswith("Forked: ")

        def forget():
            nonlocal pool, queue, lock, array
            del queue, lock, array
            gc.collect()
            return "alive"

        assert in_child(forget) == "alive"
        # The parent's are as they were.
        queue.put(2)
        assert queue.get() == 2 and not pending.done()
        pending.cancel()
        assert pool.apply(tasks.square, (4,)) == 16


def test_signals_whose_handlers_raise_nothing_change_nothing():
    """Tasks run once, barriers hold and notifications arrive although signals come in the middle of waits."""
    runs, barrier, condition = brood.Value("i"), brood.Barrier(2), brood.Condition()
    handled, enough, over = 0, brood.Event(), threading.Event()

    def handle(*_):
        nonlocal handled
        handled += 1
        if handled % 5 == 0:
            enough.set()  # five of them in this wait, or before it

    def disturb():
        while not over.wait(0.005):
            signal.pthread_kill(threading.main_thread().ident, signal.SIGUSR1)

    def after_signals(act):
        nonlocal handled
        handled = 0
        enough.clear()
        thread = threading.Thread(target=lambda: (enough.wait(), act()))
        thread.start()
        return thread

    def notify():
        with condition:
            condition.notify()

    before = signal.signal(signal.SIGUSR1, handle)
    disturber = threading.Thread(target=disturb)
    disturber.start()
    try:
        with brood.Pool(1) as pool:
            assert pool.apply(tasks.note_run, (runs, enough)) == 1
        assert runs.value == 1
        other = after_signals(barrier.wait)
        assert barrier.wait() in (0, 1) and not barrier.broken
        other.join()
        with condition:
            other = after_signals(notify)
            assert condition.wait(30)
        other.join()
    finally:
        over.set()
        disturber.join()
        signal.signal(signal.SIGUSR1, before)


INTERRUPTED = """
import brood, os, signal, sys, threading, time, some_tasks as tasks
if __name__ == "__main__":
    kind = sys.argv[1]
    pool = brood.Pool(1)
    queue, lock, event = brood.Queue(), brood.Lock(), brood.Event()
    condition, barrier, (a, b) = brood.Condition(), brood.Barrier(2), brood.Pipe()
    semaphore, process = brood.Semaphore(0), brood.Process(target=tasks.hang)
    joinable = brood.JoinableQueue(); joinable.put(1)
    full = brood.Pool(1, max_pending=1)
    pool.apply(tasks.square, (2,))
    if kind == "join": process.start()
    waits = {
        "queue": queue.get, "lock": lambda: (lock.acquire(), lock.acquire()), "event": event.wait,
        "condition": lambda: (condition.acquire(), condition.wait()), "barrier": barrier.wait, "pipe": a.recv,
        "semaphore": semaphore.acquire, "join": process.join, "apply": lambda: pool.apply(tasks.hang),
        "map": lambda: pool.map(tasks.hang, [None, None]), "imap": lambda: next(pool.imap(tasks.hang, [None])),
        "future": pool.submit(tasks.hang).result if kind == "future" else None, "wait": lambda: brood.wait([queue]),
        "submit": lambda: (full.submit(tasks.hang), full.submit(tasks.hang)),
        "task_done": joinable.join, "lease": queue.lease, "timed": lambda: queue.get(timeout=1000),
    }
    print("ready", pool.workers()[0].pid, flush=True)
    try:
        waits[kind]()
    except KeyboardInterrupt:
        print("interrupted", flush=True)
    pool.terminate()
    full.terminate()
    process.kill() if kind == "join" else None
"""


@pytest.mark.parametrize(
    "kind",
    "queue lock event condition barrier pipe semaphore join apply map imap future wait task_done lease timed submit".split(),
)
def test_ctrl_c_ends_a_wait(program, kind):
    process = program(INTERRUPTED, kind)
    word, worker = process.stdout.readline().split()
    assert word == "ready"
    # Sleeping, that is, in the wait; a signal before that would be no different but prove less.
    status = pathlib.Path(f"/proc/{process.pid}/stat")
    while status.read_text().rsplit(")", 1)[1].split()[0] != "S":
        pass
    process.send_signal(signal.SIGINT)
    assert process.stdout.readline() == "interrupted\n"
    out, err = process.communicate(timeout=30)
    assert process.returncode == 0 and err == ""


def test_a_signal_whose_handler_is_content():
    seen = []
    before = signal.signal(signal.SIGUSR1, lambda *_: seen.append(1))
    queue = brood.Queue()

    def disturb():
        for _ in range(5):
            os.kill(os.getpid(), signal.SIGUSR1)
            while not seen:
                time.sleep(0)
            seen.clear()
        queue.put("at last")

    thread = threading.Thread(target=disturb)
    thread.start()
    assert queue.get(timeout=30) == "at last"
    thread.join()
    signal.signal(signal.SIGUSR1, before)


def test_other_owners_of_the_wakeup_fd():
    read, write = os.pipe()
    os.set_blocking(write, False)
    os.set_blocking(read, True)
    before = signal.set_wakeup_fd(write)
    handler = signal.signal(signal.SIGUSR1, lambda *_: None)
    queue = brood.Queue()
    thread = threading.Timer(0.05, lambda: (os.kill(os.getpid(), signal.SIGUSR1), queue.put(1)))
    thread.start()
    assert queue.get(timeout=30) == 1
    assert os.read(read, 1) == bytes([signal.SIGUSR1])
    assert signal.set_wakeup_fd(before) == write
    signal.signal(signal.SIGUSR1, handler)
    os.close(read)
    os.close(write)


def test_garbage_collection_under_load(pool):
    threshold = gc.get_threshold()
    gc.set_threshold(1)
    try:
        for n in range(200):
            queue = brood.Queue()
            cycle = [queue]
            cycle.append(cycle)
            queue.put([brood.Lock(), brood.Array("i", 3), {"n": n}])
            futures = [pool.submit(tasks.echo, [brood.Event()]) for _ in range(3)]
            assert queue.get()[2]["n"] == n
            del queue, cycle
            assert all(isinstance(future.result(30)[0], brood.Event) for future in futures)
    finally:
        gc.set_threshold(*threshold)


KILLED = """
import brood, os, sys, some_tasks as tasks
if __name__ == "__main__":
    pool, started = brood.Pool(3), brood.Event()
    busy = pool.submit(tasks.hang, started)
    child = brood.Process(target=os.system, args=("setsid sleep 1000",))
    child.start()
    started.wait()
    pool.map(tasks.square, range(10))
    print(*(worker.pid for worker in pool.workers()), child.pid, flush=True)
    busy.result()
"""


def test_a_killed_host_leaves_nothing(program):
    process = program(KILLED)
    pids = [int(word) for word in process.stdout.readline().split()]
    assert len(pids) == 4
    process.kill()
    process.wait()
    until = time.monotonic() + 20
    while any(alive(pid) for pid in pids) and time.monotonic() < until:
        os.sched_yield()
    assert not [pid for pid in pids if alive(pid)]


def alive(pid):
    try:
        return pathlib.Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] != "Z"
    except OSError:
        return False


def test_a_thousand_pools():
    def state():
        gc.collect()
        return len(os.listdir("/proc/self/fd")), len(os.listdir("/proc/self/task"))

    def one(number):
        pool = brood.Pool(1)
        if number % 50 == 0:  # the others end while their worker starts
            assert pool.apply(tasks.square, (number,)) == number * number
        pool.terminate()
        pool.join(30)

    for number in range(100):
        one(number)
    before, memory = state(), resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    for number in range(900):
        one(number)
    assert state() == before
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - memory < 8 * 1024


def test_the_programs_of_the_pages(program):
    page = pathlib.Path(__file__).parents[1] / "README.md"
    source = page.read_text().split("```python\n", 1)[1].split("```", 1)[0]
    assert len(source.splitlines()) <= 12
    out, err = program(source).communicate(timeout=30)
    assert out == "[0, 1, 4, 9, 16, 25, 36, 49, 64, 81]\n", err
