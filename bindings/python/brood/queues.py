"""Queues between any number of processes, of any language."""

from __future__ import annotations

import queue
from typing import Any, Iterable, Iterator

from . import _low, _runtime, codec, errors

Empty = queue.Empty
Full = queue.Full


class Queue(codec.Shared):
    """A queue that any number of processes put values in and take them out of.

    It travels: as an argument of a task, inside another queue's value. What was put is there even if its process
    ends at once; a process may be killed at any moment, and the others go on.

    `maxsize`, `max_bytes`: a put waits while so many items, or bytes, are in it; 0 is no limit.
    """

    __slots__ = ("_codec", "_maxsize")
    _joinable = False

    def __init__(self, maxsize: int = 0, *, max_bytes: int = 0, codec: str = codec.MSGPACK):
        _runtime.start()
        self._low = _low.queue_create(
            _runtime.record(
                "queue_options", capacity_items=max(maxsize, 0), capacity_bytes=max_bytes, joinable=self._joinable
            )
        )
        self._codec, self._maxsize = codec, max(maxsize, 0)

    def _handles(self) -> list[Any]:
        return [_low.queue_handle(self._low)]

    def __repr__(self) -> str:
        return f"<brood.{type(self).__name__} with {self.qsize()} items>"

    def put(self, item: Any, block: bool = True, timeout: float | None = None) -> None:
        """Put a value in; raises Full when there was no room in time, Closed after shutdown()."""
        wait = _runtime.milliseconds(timeout) if block else 0
        data, tag, handles = codec.encode(item, self._codec)
        try:
            if handles:
                _low.queue_put_msg(self._low, codec.message(data, tag, handles), wait)
            else:
                _low.queue_put(self._low, data, tag, wait)
        except errors.Timeout:
            raise Full from None

    def put_nowait(self, item: Any) -> None:
        self.put(item, False)

    def put_many(self, items: Iterable[Any], timeout: float | None = None) -> None:
        """Put many values in, which costs less than one by one. Raises Full; some may be in then."""
        packed = []
        tag = _low.CODEC_MSGPACK
        for item in items:
            data, tag, handles = codec.encode(item, self._codec)
            if handles:
                raise TypeError("objects of brood cannot be among many: put() them one by one")
            packed.append(data)
        while packed:
            try:
                count = _low.queue_put_many(self._low, packed, tag, _runtime.milliseconds(timeout))
            except errors.Timeout:
                raise Full from None
            packed = packed[count:]

    def get(self, block: bool = True, timeout: float | None = None) -> Any:
        """Take the next value; raises Empty when there was none in time, Closed when there will be none."""
        try:
            msg = _low.queue_get(self._low, _runtime.milliseconds(timeout) if block else 0)
        except errors.Timeout:
            raise Empty from None
        return codec.decode(msg, self._codec == codec.PICKLE)

    def get_nowait(self) -> Any:
        return self.get(False)

    def get_many(self, most: int = 256, timeout: float | None = None) -> list[Any]:
        """Take the next value, and with it as many more as are there, up to `most`."""
        batch = _low.batch_create(most)
        try:
            _low.queue_get_batch(self._low, batch, _runtime.milliseconds(timeout))
        except errors.Timeout:
            raise Empty from None
        native = self._codec == codec.PICKLE
        return [codec.decode_parts(msg, parts, native) for _, msg, parts in _low.batch_take_all(batch)]

    def lease(self, block: bool = True, timeout: float | None = None) -> "Lease":
        """Take the next value for the length of a `with` block.

        It is finished when the block ends well. If the block raises, or this process dies in it, the value is
        delivered again, to whoever asks next.
        """
        try:
            low = _low.queue_get_lease(self._low, _runtime.milliseconds(timeout) if block else 0)
        except errors.Timeout:
            raise Empty from None
        return Lease(low, self._codec == codec.PICKLE)

    def __iter__(self) -> Iterator[Any]:
        """Values until the queue is shut down and empty."""
        while True:
            try:
                yield self.get()
            except errors.Closed:
                return

    def qsize(self) -> int:
        return _low.queue_length(self._low)

    def empty(self) -> bool:
        return self.qsize() == 0

    def full(self) -> bool:
        """True if `maxsize` items are in it; only who made the queue knows."""
        return 0 < self._maxsize <= self.qsize()

    def task_done(self) -> None:
        """The oldest value that this object took and that was not finished is."""
        _low.queue_task_done(self._low)

    def join(self, timeout: float | None = None) -> None:
        """Wait until every value that was put is finished."""
        _low.queue_join(self._low, _runtime.milliseconds(timeout))

    def stats(self) -> dict[str, int]:
        """Counts: length, put, taken, finished, lost."""
        counts = _low.record_create("queue_stats")
        _low.queue_get_stats(self._low, counts)
        return _runtime.values(counts)

    def shutdown(self) -> None:
        """End it for everyone: nothing more can be put, what is in it can still be taken, then Closed."""
        _low.queue_shutdown(self._low)

    def close(self) -> None:
        """Here for multiprocessing's sake: nothing is buffered in this process."""

    def join_thread(self) -> None:
        """Here for multiprocessing's sake: there is no such thread."""

    cancel_join_thread = join_thread


class JoinableQueue(Queue):
    """A queue that counts what is finished: `task_done()` and `join()`."""

    __slots__ = ()
    _joinable = True


class SimpleQueue(Queue):
    """A queue; multiprocessing's name for one with fewer methods."""

    __slots__ = ()

    def __init__(self, *, codec: str = codec.MSGPACK):
        super().__init__(codec=codec)


class Lease:
    """A value that comes back to its queue unless it is finished: see Queue.lease()."""

    def __init__(self, low: Any, native: bool):
        self._low: Any = low
        try:
            self.value = codec.decode(_low.lease_msg(low), native)
        except BaseException:
            self._low = None
            raise

    def ack(self) -> None:
        """The value is handled for good."""
        _low.lease_ack(self._low)
        self._low = None

    def give_back(self) -> None:
        """Let the value be delivered again."""
        self._low = None

    def __enter__(self) -> Any:
        return self.value

    def __exit__(self, kind: Any, value: Any, trace: Any) -> None:
        if self._low is not None:
            self.ack() if kind is None else self.give_back()


def _take(msg: Any, indexes: bytes) -> Queue:
    taken = object.__new__(Queue)
    taken._low = _low.msg_take_queue(msg, indexes[0])
    taken._codec, taken._maxsize = codec.MSGPACK, 0
    return taken


codec.takers[_low.HANDLE_QUEUE] = _take
