import asyncio
import concurrent.futures

import pytest

import brood
import some_tasks as tasks


def test_futures_are_those_of_concurrent_futures(pool):
    futures = [pool.submit(tasks.square, n) for n in range(20)]
    done, pending = concurrent.futures.wait(futures, 30)
    assert not pending and sorted(f.result() for f in done) == [n * n for n in range(20)]
    assert {f.result() for f in concurrent.futures.as_completed([pool.submit(tasks.square, 3)], 30)} == {9}
    seen = concurrent.futures.Future()
    pool.submit(tasks.square, 4).add_done_callback(lambda f: seen.set_result(f.result()))
    assert seen.result(30) == 16
    hanging = pool.submit(tasks.hang)
    with pytest.raises(concurrent.futures.TimeoutError):
        hanging.result(0.01)
    assert hanging.cancel()


def test_awaiting(pool):
    async def main():
        assert await pool.submit(tasks.square, 5) == 25
        assert await asyncio.gather(*(pool.submit(tasks.square, n) for n in range(10))) == [n * n for n in range(10)]
        with pytest.raises(brood.RemoteError):
            await pool.submit(tasks.fail, "x")
        with pytest.raises(brood.WorkerLost):
            await pool.submit(tasks.crash)
        with pytest.raises(asyncio.TimeoutError):
            await asyncio.wait_for(_awaited(pool.submit(tasks.hang)), 0.01)
        return await asyncio.get_running_loop().run_in_executor(None, pool.apply, tasks.square, (6,))

    async def _awaited(future):
        return await future

    assert asyncio.run(main()) == 36


def test_an_executor():
    with brood.Executor(2) as executor:
        assert list(executor.map(tasks.square, range(10))) == [n * n for n in range(10)]
        assert list(executor.map(tasks.add, [1, 2], [3, 4])) == [4, 6]
        failed, good = executor.submit(tasks.crash), executor.submit(tasks.square, 2)
        assert isinstance(failed.exception(30), brood.WorkerLost) and good.result(30) == 4
        assert executor.submit(tasks.square, 3).result(30) == 9  # nothing is broken
    with pytest.raises(RuntimeError):
        executor.submit(tasks.square, 1)


def test_an_executor_that_gives_up():
    executor = brood.ProcessPoolExecutor(1)
    futures = [executor.submit(tasks.hang) for _ in range(3)]
    executor.shutdown(cancel_futures=True)
    assert all(future.cancelled() for future in futures)


def test_run_in_executor():
    async def main(executor):
        return await asyncio.get_running_loop().run_in_executor(executor, tasks.square, 8)

    with brood.Executor(1) as executor:
        assert asyncio.run(main(executor)) == 64
