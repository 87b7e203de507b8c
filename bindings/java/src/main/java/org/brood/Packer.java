package org.brood;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.lang.reflect.Array;
import java.lang.reflect.RecordComponent;
import java.math.BigInteger;
import java.nio.ByteBuffer;
import java.time.Instant;
import java.util.Collection;
import java.util.Date;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.brood.low.Handle;
import org.msgpack.core.MessageBufferPacker;
import org.msgpack.core.MessagePack;

/** Values as MessagePack: see bindings/golden for what every language agrees to. */
final class Packer {
  static final byte EXTENSION_HANDLE = 1;
  static final byte EXTENSION_CALL = 2;

  // Most values are small: the library's own 8 KiB would be most of the work.
  private static final MessagePack.PackerConfig SMALL = new MessagePack.PackerConfig().withBufferSize(256);

  private final List<Handle> handles;
  private final MessageBufferPacker out = SMALL.newBufferPacker();

  /** @param handles receives the handles in the values */
  Packer(List<Handle> handles) {
    this.handles = handles;
  }

  byte[] pack(Object value) {
    try {
      put(value);
      return out.toByteArray();
    } catch (IOException error) {
      throw new UncheckedIOException(error); // there is no input or output
    }
  }

  private void put(Object value) throws IOException {
    if (value == null) {
      out.packNil();
    } else if (value instanceof CharSequence || value instanceof Character) {
      out.packString(value.toString());
    } else if (value instanceof Number number) {
      putNumber(number);
    } else if (value instanceof Boolean bool) {
      out.packBoolean(bool);
    } else if (value instanceof byte[] bytes) {
      out.packBinaryHeader(bytes.length).writePayload(bytes);
    } else if (value instanceof Collection<?> items) {
      out.packArrayHeader(items.size());
      for (Object item : items) put(item);
    } else if (value instanceof Map<?, ?> map) {
      putMap(map);
    } else if (value instanceof Arguments arguments) {
      put(arguments.values());
    } else if (value instanceof Shared shared) {
      putHandles(shared.attachTo(handles));
    } else if (value instanceof SharedLong number) {
      put(number.array());
    } else if (value instanceof SharedDouble number) {
      put(number.array());
    } else if (value instanceof Record object) {
      putRecord(object);
    } else {
      putOther(value);
    }
  }

  private void putOther(Object value) throws IOException {
    if (value.getClass().isArray()) {
      int length = Array.getLength(value);
      out.packArrayHeader(length);
      for (int i = 0; i < length; ++i) put(Array.get(value, i));
    } else if (value instanceof ByteBuffer buffer) {
      byte[] bytes = new byte[buffer.remaining()];
      buffer.duplicate().get(bytes);
      out.packBinaryHeader(bytes.length).writePayload(bytes);
    } else if (value instanceof Instant instant) {
      out.packTimestamp(instant);
    } else if (value instanceof Date date) {
      out.packTimestamp(date.toInstant());
    } else if (value instanceof Enum<?> constant) {
      out.packString(constant.name());
    } else if (value instanceof Optional<?> optional) {
      put(optional.orElse(null));
    } else {
      throw new IllegalArgumentException(
          "a " + value.getClass().getName() + " cannot travel as MessagePack: send numbers, text, byte[], lists, maps,"
              + " arrays, records, enums, instants and objects of brood, or agree to Codec.NATIVE");
    }
  }

  private void putNumber(Number number) throws IOException {
    if (number instanceof Double || number instanceof Float) {
      out.packDouble(number.doubleValue());
    } else if (number instanceof BigInteger big) {
      if (big.bitLength() > 64 || (big.bitLength() == 64 && big.signum() < 0)) {
        throw new IllegalArgumentException("MessagePack has integers of 64 bits, and this one has more: " + big);
      }
      out.packBigInteger(big);
    } else if (number instanceof Long || number instanceof Integer || number instanceof Short || number instanceof Byte) {
      out.packLong(number.longValue());
    } else {
      throw new IllegalArgumentException(
          "a " + number.getClass().getName() + " cannot travel as MessagePack: send it as text");
    }
  }

  private void putMap(Map<?, ?> map) throws IOException {
    out.packMapHeader(map.size());
    for (Map.Entry<?, ?> entry : map.entrySet()) {
      put(entry.getKey());
      put(entry.getValue());
    }
  }

  // A map from the components' names: what other languages understand.
  private void putRecord(Record object) throws IOException {
    RecordComponent[] components = object.getClass().getRecordComponents();
    out.packMapHeader(components.length);
    for (RecordComponent component : components) {
      out.packString(component.getName());
      put(Convert.component(object, component));
    }
  }

  private void putHandles(int[] indexes) throws IOException {
    out.packExtensionTypeHeader(EXTENSION_HANDLE, indexes.length);
    for (int index : indexes) out.writePayload(new byte[] {(byte) index});
  }
}
