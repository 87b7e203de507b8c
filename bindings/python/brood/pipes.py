"""Pipes for messages between two ends."""

from __future__ import annotations

from typing import Any

from . import _low, _runtime, codec, errors


class Connection(codec.Shared):
    """One end of a pipe. Several processes may hold the same end; it travels inside values."""

    __slots__ = ("_codec",)

    def __init__(self, low: Any, codec_name: str = codec.MSGPACK):
        self._low, self._codec = low, codec_name

    def _open(self) -> Any:
        if self._low is None:
            raise OSError("handle is closed")
        return self._low

    def _handles(self) -> list[Any]:
        return [_low.pipe_handle(self._open())]

    def send(self, obj: Any, timeout: float | None = None) -> None:
        """Send a value; waits while 1 MiB is on its way. BrokenPipeError when the other end is gone."""
        data, tag, handles = codec.encode(obj, self._codec)
        wait = _runtime.milliseconds(timeout)
        try:
            if handles:
                _low.pipe_send_msg(self._open(), codec.message(data, tag, handles), wait)
            else:
                _low.pipe_send(self._open(), data, tag, wait)
        except errors.Closed as error:
            raise BrokenPipeError(str(error)) from None

    def recv(self, timeout: float | None = None) -> Any:
        """Receive the next value; EOFError when the other end is gone and all was received."""
        return codec.decode(self._receive(timeout), self._codec == codec.PICKLE)

    def _receive(self, timeout: float | None) -> Any:
        try:
            return _low.pipe_recv(self._open(), _runtime.milliseconds(timeout))
        except errors.Closed as error:
            raise EOFError(str(error)) from None

    def send_bytes(self, buf: Any, offset: int = 0, size: int | None = None, timeout: float | None = None) -> None:
        """Send bytes as they are."""
        view = memoryview(buf).cast("B")
        end = len(view) if size is None else offset + size
        if offset < 0 or end < offset or end > len(view):
            raise ValueError("offset and size are not within the buffer")
        try:
            _low.pipe_send(self._open(), view[offset:end], _low.CODEC_RAW, _runtime.milliseconds(timeout))
        except errors.Closed as error:
            raise BrokenPipeError(str(error)) from None

    def recv_bytes(self, maxlength: int | None = None, timeout: float | None = None) -> bytes:
        """Receive a message's bytes, whatever they are. OSError if there are more than `maxlength`; it stays."""
        if maxlength is not None:
            try:
                size = _low.pipe_peek(self._open(), _runtime.milliseconds(timeout))
            except errors.Closed as error:
                raise EOFError(str(error)) from None
            if size > maxlength:
                raise OSError(f"the message has {size} bytes, more than {maxlength}")
        return bytes(_low.msg_data(self._receive(timeout)))

    def recv_bytes_into(self, buf: Any, offset: int = 0, timeout: float | None = None) -> int:
        """Receive a message's bytes into a buffer; returns how many."""
        try:
            size, _ = _low.pipe_recv_into(
                self._open(), memoryview(buf).cast("B")[offset:], _runtime.milliseconds(timeout)
            )
        except errors.Closed as error:
            raise EOFError(str(error)) from None
        return size

    def poll(self, timeout: float | None = 0.0) -> bool:
        """True once recv() has an answer; waits `timeout` seconds for that, None for ever."""
        try:
            _low.pipe_poll(self._open(), _runtime.milliseconds(timeout))
        except errors.Timeout:
            return False
        return True

    def fileno(self) -> int:
        """An fd that can be read once recv() has an answer; for event loops, call it before each wait."""
        return _low.handle_fd(_low.pipe_handle(self._open()))

    def shutdown(self) -> None:
        """End both directions for everyone; what was sent can still be received."""
        _low.pipe_shutdown(self._open())

    def close(self) -> None:
        """Give this end back; when nobody holds it any more, the other end hears of it."""
        self._low = None

    @property
    def closed(self) -> bool:
        return self._low is None

    def __enter__(self) -> "Connection":
        return self

    def __exit__(self, *_: Any) -> None:
        self.close()


def Pipe(duplex: bool = True, *, codec: str = codec.MSGPACK) -> tuple[Connection, Connection]:
    """Two connected ends. Without `duplex` the first one only receives and the second one only sends."""
    _runtime.start()
    a, b = _low.pipe_create(duplex)
    return Connection(a, codec), Connection(b, codec)


codec.takers[_low.HANDLE_PIPE] = lambda msg, indexes: Connection(_low.msg_take_pipe(msg, indexes[0]))
