"""Waiting for any of many things."""

from __future__ import annotations

from typing import Any, Iterable

from . import _low, _runtime, codec, errors
from .futures import Future
from .process import Process


def _handle(thing: Any) -> Any:
    if isinstance(thing, codec.Shared):
        return thing._handles()[0]
    if isinstance(thing, Process):
        return _low.process_handle(thing._started())
    if isinstance(thing, Future):
        return _low.future_handle(thing._low)
    raise TypeError(f"cannot wait for a {type(thing).__name__}")


def wait(object_list: Iterable[Any], timeout: float | None = None) -> list[Any]:
    """Wait until some of the objects are ready, and give those; an empty list when the time ran out.

    A queue or connection is ready when there is something to take, a process when it has ended, a future when it is
    done, an event when it is set, a lock or semaphore when it can be acquired. Nothing is taken by it.
    """
    _runtime.start()
    things = list(object_list)
    handles = [_handle(thing) for thing in things]
    if not handles:
        return []
    try:
        first = _low.wait_any(handles, _runtime.milliseconds(timeout))
    except errors.Timeout:
        return []
    later = zip(things[first + 1 :], handles[first + 1 :])
    return [things[first]] + [thing for thing, handle in later if _ready(handle)]


def _ready(handle: Any) -> bool:
    try:
        _low.wait_any([handle], 0)
    except errors.Timeout:
        return False
    return True
