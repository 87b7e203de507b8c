"""Locks and their kin, between threads and processes of any language; they travel inside values."""

from __future__ import annotations

import threading
import time
from typing import Any, Callable, Iterator
from contextlib import contextmanager

from . import _low, _runtime, codec, errors


def _acquired(block: bool, timeout: float | None, acquire: Callable[[int], None]) -> bool:
    try:
        acquire(_runtime.milliseconds(timeout) if block else 0)
    except errors.Timeout:
        return False
    return True


class Lock(codec.Shared):
    """One holder at a time. It belongs to the process that acquired it: any thread of it may release.

    When its holder dies every acquire raises OwnerDied, until somebody has called recover().
    """

    __slots__ = ()
    _recursive = False

    def __init__(self) -> None:
        _runtime.start()
        self._low = _low.lock_create(_runtime.record("lock_options", recursive=self._recursive))

    def _handles(self) -> list[Any]:
        return [_low.lock_handle(self._low)]

    def acquire(self, block: bool = True, timeout: float | None = None) -> bool:
        owner = threading.get_ident()
        return _acquired(block, timeout, lambda wait: _low.lock_acquire(self._low, owner, wait))

    def release(self) -> None:
        """Release it; ValueError when it is not held here."""
        _low.lock_release(self._low, threading.get_ident())

    def recover(self) -> None:
        """Take a lock whose holder died: put right what it guards, then release it."""
        _low.lock_recover(self._low, threading.get_ident())

    def locked(self) -> bool:
        return _low.lock_locked(self._low)

    def __enter__(self) -> bool:
        return self.acquire()

    def __exit__(self, *_: Any) -> None:
        self.release()


class RLock(Lock):
    """A lock that the thread which holds it can acquire again."""

    __slots__ = ()
    _recursive = True


class Semaphore(codec.Shared):
    """A number of permits. `owned`: those of a process that dies are there again."""

    __slots__ = ()
    _bounded = False

    def __init__(self, value: int = 1, *, owned: bool = False):
        _runtime.start()
        if value < 0:
            raise ValueError("a semaphore begins with 0 permits or more")
        options = _runtime.record("semaphore_options", bounded=self._bounded or owned, owned=owned)
        self._low = _low.semaphore_create(value, options)

    def _handles(self) -> list[Any]:
        return [_low.semaphore_handle(self._low)]

    def acquire(self, block: bool = True, timeout: float | None = None) -> bool:
        return _acquired(block, timeout, lambda wait: _low.semaphore_acquire(self._low, wait))

    def release(self, n: int = 1) -> None:
        _low.semaphore_release(self._low, n)

    def get_value(self) -> int:
        return _low.semaphore_value(self._low)

    def __enter__(self) -> bool:
        return self.acquire()

    def __exit__(self, *_: Any) -> None:
        self.release()


class BoundedSemaphore(Semaphore):
    """A semaphore that never has more permits than it began with: a release too many is a ValueError."""

    __slots__ = ()
    _bounded = True


class Condition(codec.Shared):
    """Waiting, without a lock, until somebody notifies. It travels together with its lock, an RLock by default."""

    __slots__ = ("_lock",)

    def __init__(self, lock: Lock | None = None):
        self._lock = lock if lock is not None else RLock()
        self._low = _low.condition_create(None)

    def _handles(self) -> list[Any]:
        return [_low.condition_handle(self._low), *self._lock._handles()]

    def acquire(self, block: bool = True, timeout: float | None = None) -> bool:
        return self._lock.acquire(block, timeout)

    def release(self) -> None:
        self._lock.release()

    def wait(self, timeout: float | None = None) -> bool:
        """Release the lock, wait to be notified, acquire it again. False when the time ran out."""
        owner = threading.get_ident()
        try:
            _low.condition_wait(self._low, self._lock._low, owner, _runtime.milliseconds(timeout))
        except errors.Timeout:
            return False
        return True

    def wait_for(self, predicate: Callable[[], Any], timeout: float | None = None) -> Any:
        """Wait until `predicate()` is true; gives its last value."""
        end = None if timeout is None else time.monotonic() + timeout
        result = predicate()
        while not result:
            left = None if end is None else end - time.monotonic()
            if left is not None and left <= 0:
                break
            self.wait(left)
            result = predicate()
        return result

    def notify(self, n: int = 1) -> None:
        """Wake up to `n` of those who wait: those who wait longest."""
        _low.condition_signal(self._low, n)

    def notify_all(self) -> None:
        _low.condition_broadcast(self._low)

    def __enter__(self) -> bool:
        return self.acquire()

    def __exit__(self, *_: Any) -> None:
        self.release()


class Event(codec.Shared):
    """A flag. Setting it wakes all who wait at that moment."""

    __slots__ = ()

    def __init__(self) -> None:
        _runtime.start()
        self._low = _low.event_create()

    def _handles(self) -> list[Any]:
        return [_low.event_handle(self._low)]

    def set(self) -> None:
        _low.event_set(self._low)

    def clear(self) -> None:
        _low.event_clear(self._low)

    def is_set(self) -> bool:
        return _low.event_is_set(self._low)

    def wait(self, timeout: float | None = None) -> bool:
        """Wait until it is set; False when the time ran out."""
        return _acquired(True, timeout, lambda wait: _low.event_wait(self._low, wait))


class Barrier(codec.Shared):
    """A number of parties that wait for each other, round after round.

    It breaks (`Broken`, a threading.BrokenBarrierError) when one of them gives up, or a process that has a handle
    to it is killed. `action` is called by the last to arrive, if that is where the barrier was made.
    """

    __slots__ = ("_action", "_timeout")

    def __init__(self, parties: int, action: Callable[[], Any] | None = None, timeout: float | None = None):
        _runtime.start()
        self._low = _low.barrier_create(parties)
        self._action, self._timeout = action, timeout

    def _handles(self) -> list[Any]:
        return [_low.barrier_handle(self._low)]

    def wait(self, timeout: float | None = None) -> int:
        """Wait for all parties; gives each another number, from 0. Broken when the time runs out."""
        wait = _runtime.milliseconds(self._timeout if timeout is None else timeout)
        try:
            if self._action is None:
                return _low.barrier_wait(self._low, wait)
            index = _low.barrier_arrive(self._low, wait)
        except errors.Timeout as error:
            raise errors.Broken(str(error)) from None
        if index == self.parties - 1:
            try:
                self._action()
            except BaseException:
                self.abort()
                raise
            _low.barrier_open(self._low)
        return index

    def abort(self) -> None:
        _low.barrier_abort(self._low)

    def reset(self) -> None:
        _low.barrier_reset(self._low)

    @property
    def parties(self) -> int:
        return _low.barrier_parties(self._low)

    @property
    def n_waiting(self) -> int:
        return _low.barrier_waiting(self._low)

    @property
    def broken(self) -> bool:
        return _low.barrier_broken(self._low)


class RWLock(codec.Shared):
    """Many may read, or one may write; who wants to write goes first."""

    __slots__ = ()

    def __init__(self) -> None:
        _runtime.start()
        self._low = _low.rwlock_create(None)

    def _handles(self) -> list[Any]:
        return [_low.rwlock_handle(self._low)]

    @contextmanager
    def read(self, timeout: float | None = None) -> Iterator[None]:
        """`with lock.read():`"""
        _low.rwlock_acquire_read(self._low, _runtime.milliseconds(timeout))
        try:
            yield
        finally:
            _low.rwlock_release_read(self._low)

    @contextmanager
    def write(self, timeout: float | None = None) -> Iterator[None]:
        """`with lock.write():`"""
        _low.rwlock_acquire_write(self._low, _runtime.milliseconds(timeout))
        try:
            yield
        finally:
            _low.rwlock_release_write(self._low)

    def recover(self) -> None:
        """Take a lock whose writer died, for writing."""
        _low.rwlock_recover(self._low)

    def release_write(self) -> None:
        """Release what recover() took."""
        _low.rwlock_release_write(self._low)


def _taker(cls: type[Any], take: Callable[[Any, int], Any]) -> Callable[[Any, int], Any]:
    def taken(msg: Any, index: int) -> Any:
        made = object.__new__(cls)
        made._low = take(msg, index)
        return made

    return taken


def _take_barrier(msg: Any, index: int) -> Barrier:
    barrier = object.__new__(Barrier)
    barrier._low = _low.msg_take_barrier(msg, index)
    barrier._action, barrier._timeout = None, None
    return barrier


def _take_condition(msg: Any, indexes: bytes) -> Condition:
    if len(indexes) != 2:
        raise ValueError("a condition travels with its lock: two indexes")
    condition = object.__new__(Condition)
    condition._low = _low.msg_take_condition(msg, indexes[0])
    condition._lock = codec.takers[_low.HANDLE_LOCK](msg, indexes[1])
    return condition


codec.takers[_low.HANDLE_LOCK] = _taker(Lock, _low.msg_take_lock)
codec.takers[_low.HANDLE_SEMAPHORE] = _taker(Semaphore, _low.msg_take_semaphore)
codec.takers[_low.HANDLE_CONDITION] = _take_condition
codec.takers[_low.HANDLE_EVENT] = _taker(Event, _low.msg_take_event)
codec.takers[_low.HANDLE_BARRIER] = _take_barrier
codec.takers[_low.HANDLE_RWLOCK] = _taker(RWLock, _low.msg_take_rwlock)
