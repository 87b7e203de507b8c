package org.brood;

import java.util.concurrent.ThreadFactory;

/** Virtual threads by reflection: the tests are compiled for JDK 17. */
final class TestThreads {
  private TestThreads() {}

  /** Null: this JVM has none. */
  static ThreadFactory virtual() {
    try {
      Object builder = Thread.class.getMethod("ofVirtual").invoke(null);
      Class<?> type = Class.forName("java.lang.Thread$Builder");
      return (ThreadFactory) type.getMethod("factory").invoke(builder);
    } catch (ReflectiveOperationException error) {
      return null;
    }
  }
}
