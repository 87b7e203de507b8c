package org.brood;

import java.io.IOException;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.brood.low.Handle;
import org.msgpack.core.ExtensionTypeHeader;
import org.msgpack.core.MessageFormat;
import org.msgpack.core.MessagePack;
import org.msgpack.core.MessagePackException;
import org.msgpack.core.MessageUnpacker;

/** MessagePack as values: Long, BigInteger, Double, String, byte[], List, Map, Instant, and brood's own objects. */
final class Unpacker {
  private static final int MOST_TRUSTED = 1024;
  private static final int DEEPEST = 512;

  private final Handle msg;
  private Map<Integer, Object> taken;
  private int depth;

  /** @param msg the message that handles are attached to; null: there is none */
  Unpacker(Handle msg) {
    this.msg = msg;
  }

  Object unpack(byte[] bytes) {
    try (MessageUnpacker in = MessagePack.newDefaultUnpacker(bytes)) {
      Object value = next(in);
      if (in.getTotalReadBytes() != bytes.length) throw new ProtocolException("bytes follow the MessagePack value");
      return value;
    } catch (IOException | MessagePackException error) {
      ProtocolException failure = new ProtocolException("the bytes are no MessagePack value: " + error.getMessage());
      failure.initCause(error);
      throw failure;
    }
  }

  private Object next(MessageUnpacker in) throws IOException {
    MessageFormat format = in.getNextFormat();
    switch (format.getValueType()) {
      case NIL:
        in.unpackNil();
        return null;
      case BOOLEAN:
        return in.unpackBoolean();
      case INTEGER:
        if (format != MessageFormat.UINT64) return in.unpackLong();
        var big = in.unpackBigInteger();
        return big.bitLength() < 64 ? (Object) big.longValue() : big;
      case FLOAT:
        return in.unpackDouble();
      case STRING:
        return in.unpackString();
      case BINARY:
        return in.readPayload(in.unpackBinaryHeader());
      case ARRAY:
        return array(in);
      case MAP:
        return map(in);
      default:
        return extension(in);
    }
  }

  private List<Object> array(MessageUnpacker in) throws IOException {
    enter();
    int count = in.unpackArrayHeader();
    List<Object> items = new ArrayList<>(Math.min(count, MOST_TRUSTED));
    for (int i = 0; i < count; ++i) items.add(next(in));
    --depth;
    return items;
  }

  private Map<Object, Object> map(MessageUnpacker in) throws IOException {
    enter();
    int count = in.unpackMapHeader();
    Map<Object, Object> map = new LinkedHashMap<>();
    for (int i = 0; i < count; ++i) {
      Object key = next(in);
      map.put(key, next(in));
    }
    --depth;
    return map;
  }

  private void enter() {
    if (++depth > DEEPEST) throw new ProtocolException("the value is nested deeper than " + DEEPEST);
  }

  private Object extension(MessageUnpacker in) throws IOException {
    ExtensionTypeHeader header = in.unpackExtensionTypeHeader();
    if (header.getType() == -1) return in.unpackTimestamp(header);
    byte[] payload = in.readPayload(header.getLength());
    if (header.getType() == Packer.EXTENSION_HANDLE) return handle(payload);
    if (header.getType() == Packer.EXTENSION_CALL) return call(payload);
    throw new ProtocolException("MessagePack extension " + header.getType() + " is not known here");
  }

  // One object for one handle, however often it stands in the value.
  private Object handle(byte[] payload) {
    if (msg == null || payload.length == 0) throw new ProtocolException("the value names a handle that is not there");
    if (taken == null) taken = new HashMap<>();
    int[] indexes = new int[payload.length];
    for (int i = 0; i < payload.length; ++i) indexes[i] = payload[i] & 0xff;
    return taken.computeIfAbsent(java.util.Arrays.hashCode(indexes), key -> Shared.take(msg, indexes));
  }

  private Object call(byte[] payload) {
    Unpacker inner = new Unpacker(msg);
    inner.depth = depth + 1;
    inner.taken = taken == null ? taken = new HashMap<>() : taken;
    if (!(inner.unpack(payload) instanceof List<?> parts)
        || parts.size() != 2
        || !(parts.get(0) instanceof List<?> arguments)
        || !(parts.get(1) instanceof Map<?, ?> keywords)) {
      throw new ProtocolException("a call is its arguments and its keywords");
    }
    if (!keywords.isEmpty()) {
      throw new UnsupportedOperationException("a task in Java has no keywords, and was called with " + keywords.keySet());
    }
    return new Arguments(arguments);
  }
}
