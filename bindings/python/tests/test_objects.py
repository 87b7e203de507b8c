"""Queues, pipes, locks and arrays: here, in workers, and inside values."""

import ctypes
import select
import threading

import numpy
import pytest

import brood
import some_tasks as tasks


def test_queues_between_processes(pool):
    queue, results = brood.Queue(), brood.Queue()
    futures = [pool.submit(tasks.drain, queue, results) for _ in range(2)]
    for n in range(200):
        queue.put({"n": n})
    queue.shutdown()
    for future in futures:
        future.result(30)
    assert sorted(item["n"] for _, item in results.get_many(1000)) == list(range(200))
    assert results.empty() and queue.stats()["taken"] == 200


def test_queue_names_of_multiprocessing():
    queue = brood.Queue(2)
    queue.put(1)
    queue.put_nowait(2)
    assert queue.full() and queue.qsize() == 2
    with pytest.raises(brood.Full):
        queue.put(3, timeout=0.01)
    assert [queue.get(), queue.get_nowait()] == [1, 2]
    with pytest.raises(brood.Empty):
        queue.get(timeout=0.01)
    with pytest.raises(brood.Empty):
        queue.get_nowait()
    joinable = brood.JoinableQueue()
    joinable.put_many(range(3))
    for _ in range(3):
        joinable.get()
        joinable.task_done()
    joinable.join(30)
    with pytest.raises(ValueError):
        joinable.task_done()
    simple = brood.SimpleQueue()
    simple.put(None)
    assert simple.get() is None and simple.empty()


def test_handles_anywhere_in_a_value(pool):
    queue, lock, array = brood.Queue(), brood.Lock(), brood.Array("i", [1, 2, 3])
    back = pool.apply(tasks.echo, ({"deep": [{"queue": queue}, lock], "array": array, "again": array},))
    back["deep"][0]["queue"].put("through another handle")
    assert queue.get(timeout=30) == "through another handle"
    back["array"][0] = 7
    assert array[:] == [7, 2, 3]
    with back["deep"][1]:
        assert lock.locked()
    inner = brood.Queue()
    queue.put([inner])
    queue.get()[0].put(5)
    assert inner.get() == 5
    assert pool.map(tasks.echo, [[inner], [inner]])[1][0].qsize() == 0
    with pytest.raises(TypeError, match="cannot travel in the items of imap"):
        pool.imap(tasks.echo, [inner])


def test_pipes():
    here, there = brood.Pipe()
    process = brood.Process(target=tasks.pump, args=(there,))
    process.start()
    there.close()
    for n in range(100):
        here.send(n)
        assert here.recv(30) == 2 * n
    assert not here.poll()
    here.close()
    process.join(30)
    assert process.exitcode == 0
    with pytest.raises(OSError):
        here.send(1)


def test_pipe_bytes_and_ends():
    receiver, sender = brood.Pipe(duplex=False)
    sender.send_bytes(b"0123456789", 2, 5)
    assert receiver.poll(30) and select.select([receiver.fileno()], [], [], 30)[0]
    with pytest.raises(OSError):
        receiver.recv_bytes(4)
    assert receiver.recv_bytes(5) == b"23456"
    sender.send_bytes(b"abc")
    room = bytearray(8)
    assert receiver.recv_bytes_into(room, 2) == 3 and room == b"\0\0abc\0\0\0"
    sender.close()
    with pytest.raises(EOFError):
        receiver.recv(30)
    a, b = brood.Pipe()
    b.close()
    with pytest.raises(BrokenPipeError):
        a.send(1)


def test_shared_arrays(pool):
    array = brood.Array("d", 1000)
    assert pool.apply(tasks.fill, (array, 0.5)) == 1000
    assert array[999] == 999.5 and len(array) == 1000 and sum(array) == 1000 * 0.5 + 499500
    array[1:3] = [8, 9]
    assert array[:4] == [0.5, 8.0, 9.0, 3.5]
    assert brood.Array("u", "abc")[:] == "abc" and brood.Array("c", 2)[0] == b"\0"
    assert brood.Array(ctypes.c_short, [-1])[0] == -1
    with pytest.raises(TypeError):
        array.view(read_only=True)[0] = 1.0
    with pytest.raises(ValueError):
        brood.Array("x", 1)
    with pytest.raises(IndexError):
        array[1000]


def test_numpy_sees_the_same_memory():
    array = brood.Array("d", 10)
    seen = numpy.asarray(array)
    seen[3] = 2.5
    assert array[3] == 2.5 and seen.dtype == numpy.float64 and seen.shape == (10,)
    del array
    assert seen[3] == 2.5  # the view keeps the memory


def test_a_large_array_is_not_copied(pool):
    array = brood.Array("B", 64 << 20)
    assert pool.apply(touch, (array,)) == 64 << 20
    assert array[5] == 77


def touch(array):
    array[5] = 77
    return len(array)


def test_values(pool):
    value = brood.Value("i", 5)
    futures = [pool.submit(tasks.bump, value, 100) for _ in range(4)]
    for future in futures:
        future.result(30)
    assert value.value == 405
    assert value.add(5) == 405 and value.compare_exchange(410, 1) == (True, 410)
    assert value.compare_exchange(9, 3) == (False, 1)
    assert brood.Value("d", 1.5).add(1.0) == 1.5
    assert not brood.RawValue("i", 3).view().readonly


def test_locks():
    lock, again = brood.Lock(), brood.RLock()
    assert lock.acquire() and not lock.acquire(timeout=0.01)
    lock.release()
    with pytest.raises(ValueError):
        lock.release()
    with again, again:
        other = threading.Thread(target=lambda: results.append(again.acquire(block=False)))
        results = []
        other.start()
        other.join()
    assert results == [False]


def test_semaphores():
    semaphore, bounded = brood.Semaphore(2), brood.BoundedSemaphore(1)
    with semaphore:
        assert semaphore.get_value() == 1
    semaphore.release(3)
    assert semaphore.get_value() == 5
    with pytest.raises(ValueError):
        bounded.release()
    assert bounded.acquire() and not bounded.acquire(block=False)


def test_conditions(pool):
    condition, waiting, results = brood.Condition(), brood.Event(), brood.Queue()
    future = pool.submit(tasks.wait_for_notice, condition, waiting, results)
    assert waiting.wait(30)
    with condition:  # acquired only once the other one waits
        condition.notify()
    assert results.get(timeout=30) is True
    future.result(30)
    with condition:
        assert not condition.wait(0.01)
        assert condition.wait_for(lambda: 7) == 7
        assert condition.wait_for(lambda: 0, timeout=0.01) == 0
        condition.notify_all()


def test_events_and_barriers(pool):
    event = brood.Event()
    assert not event.wait(0.01) and not event.is_set()
    event.set()
    assert event.wait() and event.is_set()
    event.clear()
    assert not event.is_set()
    acted = []
    barrier, results = brood.Barrier(1, action=lambda: acted.append(1)), brood.Queue()
    assert barrier.wait() == 0 and acted == [1]
    barrier = brood.Barrier(3)
    futures = [pool.submit(tasks.meet, barrier, results) for _ in range(2)]
    indexes = [barrier.wait(30), results.get(timeout=30), results.get(timeout=30)]
    assert sorted(indexes) == [0, 1, 2] and barrier.parties == 3 and barrier.n_waiting == 0
    for future in futures:
        future.result(30)
    with pytest.raises(threading.BrokenBarrierError):
        barrier.wait(0.01)
    assert barrier.broken
    barrier.reset()
    assert not barrier.broken


def test_read_write_locks():
    lock = brood.RWLock()
    with lock.read(), lock.read():
        with pytest.raises(brood.Timeout):
            with lock.write(0.01):
                pass
    with lock.write():
        pass


def test_wait_for_any(pool):
    queue, event, other = brood.Queue(), brood.Event(), brood.Event()
    assert brood.wait([queue, event], 0.01) == [] and brood.wait([]) == []
    event.set()
    queue.put(1)
    assert brood.wait([other, queue, event], 30) == [queue, event]
    future = pool.submit(tasks.square, 2)
    assert brood.wait([other, future], 30) == [future] and future.result(30) == 4


def test_an_object_of_another_type_is_refused():
    from brood import _low

    with pytest.raises(TypeError):
        _low.queue_length(brood.Lock()._low)
    import pickle

    with pytest.raises(TypeError, match="travels inside brood's messages"):
        pickle.dumps(brood.Queue())


def test_closing_under_a_waiting_thread():
    queue, outcome = brood.Queue(), []
    low = queue._low
    thread = threading.Thread(target=lambda q: outcome.append(q.get()), args=(queue,))
    thread.start()
    del queue  # whoever is inside a call holds the handle
    from brood import _low

    _low.queue_put(low, b"\x07", _low.CODEC_MSGPACK, 0)
    thread.join(30)
    assert outcome == [7]
