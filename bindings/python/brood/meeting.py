"""Waiting for each other: conditions, events, barriers, between threads and processes of any language."""

from __future__ import annotations

import threading
import time
from typing import Any, Callable

from . import _low, _runtime, codec, errors
from .sync import Lock, RLock, acquired, taker


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
        return acquired(True, timeout, lambda wait: _low.event_wait(self._low, wait))


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


def _take_barrier(msg: Any, indexes: bytes) -> Barrier:
    barrier = object.__new__(Barrier)
    barrier._low = _low.msg_take_barrier(msg, indexes[0])
    barrier._action, barrier._timeout = None, None
    return barrier


def _take_condition(msg: Any, indexes: bytes) -> Condition:
    if len(indexes) != 2:
        raise ValueError("a condition travels with its lock: two indexes")
    condition = object.__new__(Condition)
    condition._low = _low.msg_take_condition(msg, indexes[0])
    condition._lock = codec.takers[_low.HANDLE_LOCK](msg, indexes[1:])
    return condition


codec.takers[_low.HANDLE_CONDITION] = _take_condition
codec.takers[_low.HANDLE_EVENT] = taker(Event, _low.msg_take_event)
codec.takers[_low.HANDLE_BARRIER] = _take_barrier
