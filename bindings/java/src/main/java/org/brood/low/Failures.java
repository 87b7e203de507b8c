package org.brood.low;

import java.nio.charset.StandardCharsets;

/** Makes the exception for a failed call. The storey above says how. */
public final class Failures {
  private Failures() {}

  /** Everything that C knows of a failure. */
  public record Failure(
      int status, String message, String kind, String traceback, long pid, int exitCode, int signal, int osCode) {}

  /** Makes exceptions. */
  public interface Factory {
    Throwable make(Failure failure);
  }

  private static volatile Factory factory = failure -> new IllegalStateException(failure.message());

  public static void setFactory(Factory made) {
    factory = made;
  }

  // Called by the native code.
  static Throwable make(
      int status, byte[] message, byte[] kind, byte[] traceback, long pid, int exitCode, int signal, int osCode) {
    return factory.make(
        new Failure(status, text(message), text(kind), text(traceback), pid, exitCode, signal, osCode));
  }

  // Called by the native code.
  static Throwable closed() {
    return new IllegalStateException("this object has been closed");
  }

  private static String text(byte[] utf8) {
    return new String(utf8, StandardCharsets.UTF_8);
  }
}
