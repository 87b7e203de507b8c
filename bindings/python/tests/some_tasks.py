"""Tasks of the tests. Workers import this module by the tasks' addresses."""

import os
import signal
import sys

import brood

state = []


@brood.task
def square(n):
    return n * n


@brood.task
def add(a, b, scale=1):
    return (a + b) * scale


@brood.task
def echo(value):
    return value


@brood.task
def count(*values, **named):
    return [len(values), sorted(named)]


@brood.task
def note_run(runs, end):
    """Counts how often it ran, and goes on until the event is set."""
    with runs:
        runs.value += 1
    end.wait()
    return runs.value


@brood.task
def nothing():
    return None


@brood.task
def fail(text):
    raise ValueError(text)


@brood.task
def fail_oddly():
    raise UnicodeDecodeError("utf-8", b"\xff", 0, 1, "odd")


@brood.task
def crash(signal_number=signal.SIGKILL):
    os.kill(os.getpid(), signal_number)


@brood.task
def crash_at(n, bad):
    if n == bad:
        os.kill(os.getpid(), signal.SIGSEGV)
    return n


@brood.task
def leave(code):
    sys.exit(code)


@brood.task
def crash_once(flag):
    """Kills its worker, unless somebody did so before."""
    if flag.add(1) == 0:
        os.kill(os.getpid(), signal.SIGKILL)
    return os.getpid()


@brood.task
def hang(started=None):
    if started is not None:
        started.set()
    signal.pause()


@brood.task
def pid():
    return os.getpid()


@brood.task
def unpackable():
    return object()


@brood.task
def prepare(*values):
    state.extend(values)


@brood.task
def refuse():
    raise RuntimeError("not today")


@brood.task
def prepared():
    return state


@brood.task
def drain(queue, results):
    for item in queue:
        results.put([os.getpid(), item])


@brood.task
def pump(connection):
    """Answers each number with its double, until the other end is gone."""
    while True:
        try:
            connection.send(connection.recv() * 2)
        except EOFError:
            return


@brood.task
def fill(array, value):
    for index in range(len(array)):
        array[index] = value + index
    return len(array)


@brood.task
def bump(value, times):
    for _ in range(times):
        with value.get_lock():
            value.value += 1


@brood.task
def hold(lock, held):
    lock.acquire()
    held.set()
    signal.pause()


@brood.task
def meet(barrier, results):
    results.put(barrier.wait(30))


@brood.task
def wait_for_notice(condition, waiting, results):
    with condition:
        waiting.set()
        results.put(condition.wait(30))


@brood.task
def take_lease_and_die(queue):
    with queue.lease():
        os.kill(os.getpid(), signal.SIGKILL)


@brood.task
def nest(depth):
    """A pool inside a worker."""
    if depth == 0:
        return [os.getpid()]
    with brood.Pool(1) as pool:
        return [os.getpid(), *pool.apply(nest, (depth - 1,))]


@brood.task
def family():
    parent = brood.parent_process()
    return [brood.current_process().name, parent.pid, parent.is_alive()]


@brood.task
def say(text):
    print(text, flush=True)


def undecorated(n):
    return n + 1


@brood.task
def bump_and_tell(queue, word):
    queue.put([word, brood.current_process().name, brood.parent_process().pid])
