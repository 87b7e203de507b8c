"""Values as bytes: MessagePack, which every language reads; pickle where both sides agreed to it.

Everything of brood that lives in shared memory (queues, locks, arrays, ...) may stand anywhere inside a value.
"""

from __future__ import annotations

import datetime
import io
import pickle
import threading
from typing import Any, Callable

import msgpack  # type: ignore[import-untyped]

from . import _low

MSGPACK = "msgpack"
PICKLE = "pickle"

_HANDLE = 1  # extension: indexes of attached handles
_CALL = 2  # extension: positional arguments and keywords
_MSGPACK_TAG = _low.CODEC_MSGPACK

# Type of an attached handle -> the function that makes an object of a message and indexes in it.
takers: dict[int, Callable[[Any, bytes], Any]] = {}
# Does this process unpickle what others send?
_native_allowed = False


def enable_pickle() -> None:
    """Let this process unpickle what others send: only among programs that may run code here."""
    global _native_allowed
    _native_allowed = True


class Shared:
    """Base of everything that lives in shared memory and can travel inside a value."""

    __slots__ = ("_low", "__weakref__")

    def _handles(self) -> list[Any]:
        """The native handles that travel: most types have one."""
        raise NotImplementedError

    def __reduce__(self) -> Any:
        raise TypeError(f"a {type(self).__name__} travels inside brood's messages only: pass it as an argument")


class Call:
    """Arguments that need more than a plain value: keywords, or one argument that is a list."""

    __slots__ = ("arguments", "keywords")

    def __init__(self, arguments: Any, keywords: dict[str, Any]):
        self.arguments, self.keywords = arguments, keywords


class _Encoder(threading.local):
    """Each thread's packer, and the handles that it met in the value at hand."""

    def __init__(self) -> None:
        self.handles: list[Any] = []
        self.packer = msgpack.Packer(default=self.default, datetime=True)

    def attach(self, shared: Shared) -> bytes:
        indexes = []
        for handle in shared._handles():
            indexes.append(len(self.handles))
            self.handles.append(handle)
        return bytes(indexes)

    def default(self, value: Any) -> Any:
        if isinstance(value, Shared):
            return msgpack.ExtType(_HANDLE, self.attach(value))
        if isinstance(value, Call):
            packer = msgpack.Packer(default=self.default, datetime=True)
            return msgpack.ExtType(_CALL, packer.pack([value.arguments, value.keywords]))
        if hasattr(value, "dtype") and getattr(value, "shape", None) == ():
            return value.item()  # a number of NumPy's
        if isinstance(value, datetime.datetime):
            raise TypeError("a time needs a time zone to travel: datetime.now(timezone.utc)")
        raise TypeError(
            f"a {type(value).__name__} cannot travel as MessagePack: send numbers, text, bytes, lists, dicts and "
            f'objects of brood, or agree to codec="pickle"'
        )


_encoder = _Encoder()


class _Pickler(pickle.Pickler):
    def __init__(self, file: io.BytesIO, encoder: _Encoder):
        super().__init__(file, protocol=pickle.HIGHEST_PROTOCOL)
        self._encoder = encoder

    def persistent_id(self, value: Any) -> Any:
        return self._encoder.attach(value) if isinstance(value, Shared) else None


class _Unpickler(pickle.Unpickler):
    def __init__(self, file: io.BytesIO, msg: Any):
        super().__init__(file)
        self._msg = msg

    def persistent_load(self, indexes: bytes) -> Any:
        return _take(self._msg, indexes)


def encode(value: Any, codec: str = MSGPACK) -> tuple[bytes, int, list[Any]]:
    """The bytes of a value, their codec tag, and the handles in it."""
    encoder = _encoder
    encoder.handles = []
    if codec == MSGPACK:
        try:
            return encoder.packer.pack(value), _MSGPACK_TAG, encoder.handles
        except BaseException:
            encoder.packer.reset()
            raise
    if codec == PICKLE:
        file = io.BytesIO()
        _Pickler(file, encoder).dump(value)
        return file.getvalue(), _low.CODEC_NATIVE, encoder.handles
    raise ValueError(f'codec is {codec!r}; give "msgpack" or "pickle"')


def message(data: Any, tag: int, handles: list[Any]) -> Any:
    """A native message of its own, with its handles attached."""
    msg = _low.msg_create(data, tag)
    for handle in handles:
        _low.msg_attach(msg, handle)
    return msg


def _take(msg: Any, indexes: bytes) -> Any:
    if not indexes or indexes[0] >= _low.msg_handle_count(msg):
        raise ValueError("the value names a handle that did not come with it")
    kind = _low.msg_handle_type(msg, indexes[0])
    if kind not in takers:
        raise ValueError("the value names a handle that was taken already")
    return takers[kind](msg, indexes)


def _decode_msgpack(data: Any, msg: Any) -> Any:
    def extension(code: int, payload: bytes) -> Any:
        if code == _HANDLE:
            key = bytes(payload)
            if key not in taken:
                taken[key] = _take(msg, key)
            return taken[key]
        if code == _CALL:
            arguments, keywords = _unpack(payload, extension)
            return Call(arguments, keywords)
        return msgpack.ExtType(code, payload)

    taken: dict[bytes, Any] = {}
    return _unpack(data, extension)


def _unpack(data: Any, extension: Callable[[int, bytes], Any]) -> Any:
    return msgpack.unpackb(data, strict_map_key=False, ext_hook=extension, timestamp=3)


def _plain_extension(code: int, payload: bytes) -> Any:
    if code == _HANDLE:
        raise ValueError("the value names a handle that did not come with it")
    if code == _CALL:
        return Call(*_unpack(payload, _plain_extension))
    return msgpack.ExtType(code, payload)


class _Decoder(threading.local):
    """Each thread's unpacker: using one again costs a third of making one."""

    def __init__(self) -> None:
        self.renew()

    def renew(self) -> None:
        self.unpacker = msgpack.Unpacker(strict_map_key=False, ext_hook=_plain_extension, timestamp=3)
        self.end = 0
        self.busy = False

    def unpack(self, data: bytes) -> Any:
        if self.busy:  # a finaliser that ran inside the call below
            return _unpack(data, _plain_extension)
        self.busy = True
        try:
            self.unpacker.feed(data)
            value = self.unpacker.unpack()
            self.end += len(data)
            if self.unpacker.tell() != self.end:
                raise ValueError("bytes follow the value")
        except BaseException:
            self.renew()
            raise
        self.busy = False
        return value


_decoder = _Decoder()


def decode(msg: Any, native: bool = False) -> Any:
    """The value in a native message. `native`: pickled ones are welcome here."""
    return decode_parts(msg, _low.msg_parts(msg), native)


def decode_parts(msg: Any, parts: tuple[int, Any, int], native: bool = False) -> Any:
    """The same for a message that was taken apart; what has no handles needs no message."""
    tag, data, handle_count = parts
    if tag == _MSGPACK_TAG:
        if handle_count == 0:
            return _decoder.unpack(data) if type(data) is bytes else _unpack(data, _plain_extension)
        return _decode_msgpack(data, msg)
    if tag == _low.CODEC_RAW:
        return bytes(data)
    if tag == _low.CODEC_TEXT:
        return bytes(data).decode()
    if not (native or _native_allowed):
        raise ValueError("a pickled value came in, and this process was not told to accept them: brood.enable_pickle()")
    data = bytes(data)
    if not data.startswith(b"\x80"):
        raise ValueError("the value is in another language's own serialisation")
    return _Unpickler(io.BytesIO(data), msg).load()


def encode_all(values: list[Any], codec: str) -> tuple[list[bytes], bool]:
    """The bytes of many values, and whether there are handles in any."""
    encoder = _encoder
    if codec != MSGPACK:
        encoded = [encode(value, codec) for value in values]
        return [data for data, _, _ in encoded], any(handles for _, _, handles in encoded)
    encoder.handles = []
    try:
        pack = encoder.packer.pack
        items = [pack(value) for value in values]
    except BaseException:
        encoder.packer.reset()
        raise
    return items, bool(encoder.handles)
