"""Locks and semaphores, between threads and processes of any language; they travel inside values."""

from __future__ import annotations

import threading
from contextlib import contextmanager
from typing import Any, Callable, Iterator

from . import _low, _runtime, codec, errors


def acquired(block: bool, timeout: float | None, acquire: Callable[[int], None]) -> bool:
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
        return acquired(block, timeout, lambda wait: _low.lock_acquire(self._low, owner, wait))

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
        return acquired(block, timeout, lambda wait: _low.semaphore_acquire(self._low, wait))

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


def taker(cls: type[Any], take: Callable[[Any, int], Any]) -> Callable[[Any, bytes], Any]:
    """What makes an object of `cls` of an attached handle."""

    def taken(msg: Any, indexes: bytes) -> Any:
        made = object.__new__(cls)
        made._low = take(msg, indexes[0])
        return made

    return taken


codec.takers[_low.HANDLE_LOCK] = taker(Lock, _low.msg_take_lock)
codec.takers[_low.HANDLE_SEMAPHORE] = taker(Semaphore, _low.msg_take_semaphore)
codec.takers[_low.HANDLE_RWLOCK] = taker(RWLock, _low.msg_take_rwlock)
