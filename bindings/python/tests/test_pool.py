import functools
import math
import os

import pytest

import brood
import some_tasks as tasks


def test_map_keeps_the_order(pool):
    assert pool.map(tasks.square, range(1000)) == [n * n for n in range(1000)]
    assert pool.map(tasks.square, []) == []
    assert pool.map(tasks.square, (n for n in range(5)), chunksize=1) == [0, 1, 4, 9, 16]


def test_starmap_and_apply(pool):
    assert pool.starmap(tasks.add, [(1, 2), (3, 4, 10)]) == [3, 70]
    assert pool.apply(tasks.add, (1, 2), {"scale": 5}) == 15
    assert pool.apply(tasks.nothing) is None


def test_arguments_arrive_as_they_were_given(pool):
    for value in (None, [1, 2], (), [], {"a": [1]}, "text", b"bytes", 1.5, -7, True, [None]):
        expected = list(value) if isinstance(value, tuple) else value
        assert pool.apply(tasks.echo, (value,)) == expected
    assert pool.apply(tasks.count, ([1, 2, 3],)) == [1, []]
    assert pool.apply(tasks.count, (None,)) == [1, []]
    assert pool.apply(tasks.count, (1, 2, 3)) == [3, []]
    assert pool.apply(tasks.count, (), {"b": 1, "a": 2}) == [0, ["a", "b"]]
    assert pool.apply(tasks.count) == [0, []]


def test_functions_that_are_no_tasks_are_found_by_import(pool):
    assert pool.map(math.sqrt, [4, 9]) == [2, 3]
    assert pool.map(tasks.undecorated, [1]) == [2]
    with pytest.raises(ValueError, match="no name that a worker could import"):
        pool.map(lambda n: n, [1])


def test_tasks_are_functions_still():
    assert tasks.square(3) == 9 and tasks.square.__name__ == "square"
    with pytest.raises(ValueError, match="is there already"):
        brood.task(name="square")(lambda n: n)


def test_asynchronous_names(pool):
    seen, wrong = [], []
    assert pool.apply_async(tasks.square, (4,), callback=seen.append).get(30) == 16
    result = pool.map_async(tasks.square, range(3), callback=seen.append)
    result.wait(30)
    assert result.ready() and result.successful() and result.get() == [0, 1, 4]
    failed = pool.starmap_async(tasks.fail, [("x",)], error_callback=wrong.append)
    with pytest.raises(ValueError):
        failed.get(30)
    assert not failed.successful()
    assert seen == [16, [0, 1, 4]] and isinstance(wrong[0], brood.RemoteError)
    assert pool.map_async(tasks.square, []).get(30) == []


def test_imap_draws_no_more_than_its_window(pool):
    drawn = 0

    def endless():
        nonlocal drawn
        while True:
            drawn += 1
            yield drawn

    results = pool.imap(tasks.square, endless(), window=8)
    for n in range(1, 101):
        assert next(results) == n * n
        assert drawn <= n + 9
    unordered = pool.imap_unordered(tasks.square, range(50))
    assert sorted(unordered) == [n * n for n in range(50)]


def test_imap_goes_on_after_a_failure(pool):
    results = pool.imap(tasks.fail, ["a", "b"])
    for text in ("a", "b"):
        with pytest.raises(ValueError, match=text):
            next(results)
    with pytest.raises(StopIteration):
        next(results)


def test_imap_with_a_time_limit(pool):
    results = pool.imap(tasks.hang, [None])
    with pytest.raises(TimeoutError):
        results.next(timeout=0.01)


def test_progress(pool):
    steps = []
    pool.map(tasks.square, range(100), progress=lambda done, total: steps.append((done, total)))
    assert steps[-1] == (100, 100) and steps == sorted(steps)


def test_initializer_and_finalizer():
    with brood.Pool(2, tasks.prepare, ("a", [1])) as pool:
        assert pool.map(tasks.echo, range(3)) == [0, 1, 2]
        assert pool.apply(tasks.prepared) == ["a", [1]]
    queue = brood.Queue()
    with brood.Pool(1, tasks.prepare, (queue,)) as pool:
        pool.apply(tasks.prepared)[0].put("from the pool's worker")
        assert queue.get(timeout=30) == "from the pool's worker"
    pool = brood.Pool(1, tasks.refuse)
    with pytest.raises(brood.InitializerFailed, match="not today"):
        pool.apply(tasks.pid)
    pool.terminate()


def test_stats_and_workers():
    with brood.Pool(2, name="counted") as pool:
        pool.map(tasks.square, range(10))
        counts = pool.stats()
        assert counts["done"] == 10 and counts["failed"] == 0
        assert {worker.pid for worker in pool.workers()} >= {pool.apply(tasks.pid)}
        assert all(worker.state in ("starting", "idle", "busy") for worker in pool.workers())


def test_workers_are_replaced_after_their_tasks():
    with brood.Pool(1, maxtasksperchild=2) as pool:
        pids = [pool.apply(tasks.pid) for _ in range(6)]
    assert len(set(pids)) == 3


def test_nested_pools(pool):
    pids = pool.apply(tasks.nest, (3,))
    assert len(set(pids)) == 4


def test_a_pool_that_is_closed_takes_nothing():
    pool = brood.Pool(1)
    future = pool.submit(tasks.square, 3)
    pool.close()
    pool.join(30)
    assert future.result(0) == 9
    with pytest.raises(brood.Closed):
        pool.submit(tasks.square, 3)


def test_bad_options_are_refused():
    with pytest.raises(ValueError):
        brood.Pool(0)
    with pytest.raises(TypeError, match="no option"):
        brood.Pool(1, limits={"wings": 2})
    with pytest.raises(brood.Error):
        brood.Pool(1, command=["/nowhere/at/all"]).apply(tasks.pid)


def test_workers_with_environment_folder_and_limits(tmp_path):
    with brood.Pool(1, env={"SHADE": "blue"}, cwd=str(tmp_path), limits={"open_files": 64}) as pool:
        assert pool.apply(os.getenv, ("SHADE",)) == "blue"
        assert pool.apply(os.getcwd) == str(tmp_path)
        import resource

        assert pool.apply(resource.getrlimit, (resource.RLIMIT_NOFILE,))[0] == 64


def test_pickle_is_for_those_who_agree():
    with brood.Pool(2, codec="pickle") as pool:
        assert pool.apply(functools.partial(tasks.undecorated, 4)) == 5
        assert pool.apply(tasks.add, (1, 2), {"scale": 3}) == 9
        assert list(pool.imap(functools.partial(tasks.add, 1), [1, 2])) == [2, 3]
        assert pool.map(tasks.echo, [{1, 2}, 3 + 4j]) == [{1, 2}, 3 + 4j]
        queue = brood.Queue()
        pool.apply(queue_put, (queue, 5))
        assert queue.get() == 5
    with brood.Pool(1) as pool:
        queue = brood.Queue(codec="pickle")
        queue.put({1})
        with pytest.raises(ValueError, match="not told to accept"):
            pool.apply(get_from, (queue,))


def queue_put(queue, value):
    queue.put(value)


def get_from(queue):
    queue.get()
