package org.brood;

import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.ObjectInputStream;
import java.io.ObjectOutputStream;
import java.io.ObjectStreamClass;
import java.io.OutputStream;
import java.io.Serializable;
import java.lang.reflect.Type;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import org.brood.low.Handle;
import org.brood.low.Low;
import org.brood.low.Out;

/** Values as native messages, and back. */
final class Message {
  private Message() {}

  /** A value's bytes, their codec tag, and the handles in it. */
  record Encoded(byte[] bytes, int tag, List<Handle> handles) {
    /** A native message of its own. */
    Handle toMessage() {
      Out out = new Out();
      BroodException.check(Low.msg_create(bytes, tag, out));
      Handle msg = out.take();
      try {
        for (Handle handle : handles) BroodException.check(Low.msg_attach(msg, handle));
        return msg;
      } catch (RuntimeException error) {
        msg.close();
        throw error;
      }
    }
  }

  static Encoded encode(Object value, Codec codec) {
    List<Handle> handles = new ArrayList<>(0);
    return switch (codec) {
      case MESSAGE_PACK -> new Encoded(new Packer(handles).pack(value), Low.CODEC_MSGPACK, handles);
      case NATIVE -> new Encoded(serialize(value, handles), Low.CODEC_NATIVE, handles);
      case RAW -> {
        if (value instanceof byte[] bytes) yield new Encoded(bytes, Low.CODEC_RAW, handles);
        if (value == null) yield new Encoded(new byte[0], Low.CODEC_RAW, handles);
        throw new IllegalArgumentException("with Codec.RAW a value is a byte[], not a " + value.getClass().getName());
      }
    };
  }

  static int tag(Codec codec) {
    return switch (codec) {
      case MESSAGE_PACK -> Low.CODEC_MSGPACK;
      case NATIVE -> Low.CODEC_NATIVE;
      case RAW -> Low.CODEC_RAW;
    };
  }

  /** The value in a message, as one of {@code type}. The message stays the caller's. */
  static Object decode(Handle msg, Type type, Codec agreed) {
    return Convert.to(decode(msg, agreed), type);
  }

  static Object decode(Handle msg) {
    return decode(msg, Codec.MESSAGE_PACK);
  }

  /** The value in a message, in the types that it came in. */
  static Object decode(Handle msg, Codec agreed) {
    byte[] bytes = Low.msg_copy(msg);
    int tag = Low.msg_codec(msg);
    if (tag == Low.CODEC_MSGPACK) return new Unpacker(msg).unpack(bytes);
    if (tag == Low.CODEC_RAW) return bytes;
    if (tag == Low.CODEC_TEXT) return new String(bytes, StandardCharsets.UTF_8);
    if (agreed != Codec.NATIVE && !Codec.acceptsNative()) {
      throw new IllegalStateException(
          "a value in a language's own serialization came in, and this process was not told to accept it: see"
              + " Codec.acceptNative()");
    }
    return deserialize(bytes, msg);
  }

  // ---- Java's own serialization: handles are replaced by their indexes ----

  private record Attached(int[] indexes) implements Serializable {}

  private static byte[] serialize(Object value, List<Handle> handles) {
    ByteArrayOutputStream bytes = new ByteArrayOutputStream();
    try (ObjectOutputStream out = new Serializer(bytes, handles)) {
      out.writeObject(value);
    } catch (IOException error) {
      throw new IllegalArgumentException("the value cannot be serialized: " + error.getMessage(), error);
    }
    return bytes.toByteArray();
  }

  private static Object deserialize(byte[] bytes, Handle msg) {
    try (ObjectInputStream in = new Deserializer(new ByteArrayInputStream(bytes), msg)) {
      return in.readObject();
    } catch (IOException | ClassNotFoundException error) {
      throw new IllegalArgumentException("the value cannot be read: " + error.getMessage(), error);
    }
  }

  private static final class Serializer extends ObjectOutputStream {
    private final List<Handle> handles;

    Serializer(OutputStream out, List<Handle> handles) throws IOException {
      super(out);
      this.handles = handles;
      enableReplaceObject(true);
    }

    @Override
    protected Object replaceObject(Object value) {
      return value instanceof Shared shared ? new Attached(shared.attachTo(handles)) : value;
    }
  }

  private static final class Deserializer extends ObjectInputStream {
    private final Handle msg;

    Deserializer(InputStream in, Handle msg) throws IOException {
      super(in);
      this.msg = msg;
      enableResolveObject(true);
    }

    @Override
    protected Object resolveObject(Object value) {
      return value instanceof Attached attached ? Shared.take(msg, attached.indexes()) : value;
    }

    // The program's own classes, wherever a framework has put them.
    @Override
    protected Class<?> resolveClass(ObjectStreamClass description) throws IOException, ClassNotFoundException {
      ClassLoader loader = Thread.currentThread().getContextClassLoader();
      try {
        return Class.forName(description.getName(), false, loader);
      } catch (ClassNotFoundException error) {
        return super.resolveClass(description);
      }
    }
  }
}
