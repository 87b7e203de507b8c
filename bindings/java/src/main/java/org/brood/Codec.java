package org.brood;

/** How values become bytes. */
public enum Codec {
  /** MessagePack, which workers of every language read. */
  MESSAGE_PACK,
  /** A {@code byte[]}, as it is. */
  RAW,
  /**
   * Java's own serialization: anything {@link java.io.Serializable}, between Java programs that agreed to it. Who
   * can write such bytes can have any class of the class path made: use it within one program.
   */
  NATIVE;

  /** Does this process accept what others serialized? Its host says so by this property. */
  private static volatile boolean nativeAccepted = Boolean.getBoolean("brood.native");

  /** Let this process read values in Java's own serialization, whoever sent them. */
  public static void acceptNative() {
    nativeAccepted = true;
  }

  static boolean acceptsNative() {
    return nativeAccepted;
  }

  static Codec forAnswers() {
    return Boolean.getBoolean("brood.native") ? NATIVE : MESSAGE_PACK;
  }
}
