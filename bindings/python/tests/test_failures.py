import os
import signal
import time

import pytest

import brood
import some_tasks as tasks


def test_an_exception_comes_with_its_class_and_traceback(pool):
    with pytest.raises(brood.RemoteError) as caught:
        pool.apply(tasks.fail, ("wrong",))
    error = caught.value
    assert isinstance(error, ValueError) and error.kind == "ValueError" and str(error) == "wrong"
    assert isinstance(error.__cause__, brood.RemoteTraceback) and "in fail" in str(error.__cause__)
    assert error.pid in {worker.pid for worker in pool.workers()}
    with pytest.raises(brood.RemoteError, match="UnicodeDecodeError"):
        pool.apply(tasks.fail_oddly)


def test_a_crash_costs_one_task(pool):
    with pytest.raises(brood.WorkerLost) as caught:
        pool.apply(tasks.crash)
    assert caught.value.signal == signal.SIGKILL and caught.value.exit_code == -1 and caught.value.pid > 0
    with pytest.raises(brood.WorkerLost) as caught:
        pool.apply(tasks.leave, (3,))
    assert caught.value.exit_code == 3 and caught.value.signal == 0
    assert pool.map(tasks.square, range(20)) == [n * n for n in range(20)]


def test_one_of_many_crashes(pool):
    futures = [pool.submit(tasks.crash_at, n, 7) for n in range(30)]
    for n, future in enumerate(futures):
        if n == 7:
            assert isinstance(future.exception(30), brood.WorkerLost)
        else:
            assert future.result(30) == n


def test_retries():
    with brood.Pool(1, retries=1) as pool:
        flag = brood.Value("i")
        assert pool.apply(tasks.crash_once, (flag,)) > 0
        assert flag.value == 2 and pool.stats()["retried"] == 1
        flag.value = 0
        with pytest.raises(brood.WorkerLost):
            pool.with_options(retries=0).apply(tasks.crash_once, (flag,))


def test_unknown_names_and_values_that_cannot_travel(pool):
    with pytest.raises(brood.RemoteError, match="no task 'unheard_of' is registered"):
        pool.apply("unheard_of")
    with pytest.raises(TypeError, match="cannot travel as MessagePack"):
        pool.apply(tasks.echo, ({1, 2},))
    with pytest.raises(brood.RemoteError, match="cannot travel as MessagePack"):
        pool.apply(tasks.unpackable)


def test_a_run_limit_kills_the_worker(pool):
    limited = pool.with_options(run_limit=0.1)
    with pytest.raises(brood.TaskTimeout) as caught:
        limited.apply(tasks.hang)
    assert isinstance(caught.value, TimeoutError)
    assert limited.apply(tasks.square, (3,)) == 9
    with pytest.raises(ValueError):
        pool.with_options(run_limit=0)


def test_cancelling_a_running_task_and_a_queued_one():
    with brood.Pool(1) as pool:
        started = brood.Event()
        running, queued = pool.submit(tasks.hang, started), pool.submit(tasks.square, 2)
        assert started.wait(30)
        assert queued.cancel() and running.cancel()
        assert running.cancelled() and queued.cancelled() and not running.running()
        assert pool.submit(tasks.square, 3).result(30) == 9


def test_a_full_pool():
    with brood.Pool(1, max_pending=1) as pool:
        started = brood.Event()
        running = pool.submit(tasks.hang, started)
        with pytest.raises(brood.Timeout):
            pool.with_options(wait=0).submit(tasks.square, 1)
        with pytest.raises(brood.Timeout):
            pool.with_options(wait=0.01).submit(tasks.square, 1)
        running.cancel()
        assert pool.submit(tasks.square, 3).result(30) == 9


def test_a_failure_that_nobody_saw_is_told_at_the_end():
    pool = brood.Pool(1)
    from brood import _low

    name, value = pool._call(tasks.fail, ("unseen",), {})
    low = pool._submit(name, value)
    _low.future_wait(low, _low.FOREVER)
    del low
    pool.close()
    with pytest.raises(ValueError, match="unseen"):
        pool.join(30)


def test_terminating_resolves_every_future():
    pool = brood.Pool(2)
    futures = [pool.submit(tasks.hang) for _ in range(10)]
    pool.terminate()
    pool.join(30)
    for future in futures:
        assert isinstance(future.exception(30), (brood.Cancelled, brood.WorkerLost, brood.Closed))


def test_a_main_program_that_cannot_be_imported(program):
    process = program(
        "import brood, os, sys\n"
        "if __name__ != '__main__': raise KeyError('only once')\n"
        "if __name__ == '__main__':\n"
        "    pool = brood.Pool(1)\n"
        "    try: pool.apply(os.getpid)\n"
        "    except brood.Error as error: print('failed:', 'only once' in str(error))\n"
        "    pool.terminate()\n"
    )
    out, err = process.communicate(timeout=30)
    assert "failed: True" in out, err


def test_an_unguarded_program_is_no_fork_bomb(program):
    process = program(
        "import brood, os\n"
        "pool = brood.Pool(1)\n"
        "try: pool.apply(os.getpid)\n"
        "except brood.Error as error: print(error)\n"
        "pool.terminate()\n"
    )
    out, err = process.communicate(timeout=30)
    assert "__main__" in out, err


def test_a_lock_whose_holder_died():
    lock, held = brood.Lock(), brood.Event()
    holder = brood.Process(target=tasks.hold, args=(lock, held))
    holder.start()
    assert held.wait(30) and not lock.acquire(block=False)
    holder.kill()
    holder.join(30)
    with pytest.raises(brood.OwnerDied):
        lock.acquire(timeout=30)
    lock.recover()
    lock.release()
    with lock:
        assert lock.locked()


def test_what_a_killed_consumer_had_leased_comes_back(pool):
    queue = brood.Queue()
    queue.put("precious")
    with pytest.raises(brood.WorkerLost):
        pool.apply(tasks.take_lease_and_die, (queue,))
    with queue.lease(timeout=30) as item:
        assert item == "precious"
    assert queue.empty()
    queue.put("again")
    with pytest.raises(KeyError):
        with queue.lease():
            raise KeyError
    assert queue.get(timeout=30) == "again"
