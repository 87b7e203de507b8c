"""The golden values: who reads and writes these understands every other language."""

import datetime
import json
import math
import pathlib

import msgpack
import pytest

import brood
from brood import _low, codec

VALUES = json.loads((pathlib.Path(__file__).parents[2] / "golden" / "values.json").read_text())


def described(entry):
    kind, value = entry["type"], entry["value"]
    if kind == "int":
        return int(value)
    if kind == "float":
        return float(value)
    if kind == "binary":
        return bytes.fromhex(value)
    if kind == "array":
        return [described(item) for item in value]
    if kind == "map":
        return {described(key): described(item) for key, item in value}
    if kind == "timestamp":
        return msgpack.Timestamp(value["seconds"], value["nanoseconds"])
    if kind == "handles":
        return msgpack.ExtType(1, bytes(value))
    if kind == "call":
        return codec.Call(described(value["arguments"]), described(value["keywords"]))
    return value


def same(value, entry):
    expected = described(entry)
    if isinstance(expected, msgpack.Timestamp):  # Python's datetime ends at microseconds
        return value == datetime.datetime.fromtimestamp(0, datetime.timezone.utc) + datetime.timedelta(
            seconds=expected.seconds, microseconds=expected.nanoseconds // 1000
        )
    if isinstance(expected, codec.Call):
        return (value.arguments, value.keywords) == (expected.arguments, expected.keywords)
    if isinstance(expected, float) and math.isnan(expected):
        return math.isnan(value)
    if isinstance(expected, float):
        return math.copysign(1, value) == math.copysign(1, expected) and value == expected
    return type(value) is type(expected) and value == expected


def extension(code, payload):
    # Handles stay what they are on their way: the real ones need a message round them.
    return msgpack.ExtType(code, payload) if code == 1 else codec._plain_extension(code, payload)


@pytest.mark.parametrize("entry", VALUES, ids=lambda entry: entry["name"])
def test_golden(entry):
    data = bytes.fromhex(entry["hex"])
    assert same(codec._unpack(data, extension), entry)
    if not entry.get("read_only"):
        assert codec.encode(described(entry))[0] == data


def test_handles_are_written_as_golden_ones_are():
    lock = brood.Lock()
    condition = brood.Condition(lock)
    assert codec.encode({"queue": brood.Queue()})[0] == bytes.fromhex("81a57175657565d40100")
    data, tag, handles = codec.encode([lock, condition])
    assert data == bytes.fromhex("92d40100d5010102") and len(handles) == 3
    back = codec.decode(codec.message(data, tag, handles))
    assert isinstance(back[0], brood.Lock) and isinstance(back[1], brood.Condition)


@pytest.mark.parametrize("data", ["d40100", "d40105", "d5010000", "c1", "dd7fffffff", "d9ff61", "", "0102"])
def test_what_means_nothing_is_refused(data):
    with pytest.raises((ValueError, brood.Error, msgpack.UnpackException)):
        codec.decode(_low.msg_create(bytes.fromhex(data), _low.CODEC_MSGPACK))


def test_other_codecs():
    assert codec.decode(_low.msg_create(b"raw", _low.CODEC_RAW)) == b"raw"
    assert codec.decode(_low.msg_create("Ä".encode(), _low.CODEC_TEXT)) == "Ä"
    with pytest.raises(ValueError, match="not told to accept"):
        codec.decode(_low.msg_create(b"\x80\x04N.", _low.CODEC_NATIVE))
    assert codec.decode(_low.msg_create(b"\x80\x04N.", _low.CODEC_NATIVE), native=True) is None
    with pytest.raises(ValueError, match="another language's"):
        codec.decode(_low.msg_create(b"\x04\x08i\x06", _low.CODEC_NATIVE), native=True)
    with pytest.raises(ValueError):
        codec.encode(1, "xml")


def test_times_and_numbers_of_numpy():
    numpy = pytest.importorskip("numpy")
    now = datetime.datetime(2026, 1, 2, 3, 4, 5, 678, datetime.timezone.utc)
    data, tag, _ = codec.encode([now, numpy.int16(3), numpy.float32(0.5)])
    assert codec.decode(_low.msg_create(data, tag)) == [now, 3, 0.5]
    with pytest.raises(TypeError, match="a time zone"):
        codec.encode(datetime.datetime(2026, 1, 2))


def test_large_values():
    queue = brood.Queue()
    queue.put({"big": b"x" * 5_000_000, "text": "y" * 100_000})
    value = queue.get()
    assert len(value["big"]) == 5_000_000 and value["text"] == "y" * 100_000
