package org.brood;

import java.lang.invoke.MethodHandle;
import java.lang.invoke.MethodHandles;
import java.lang.invoke.MethodType;

/** Virtual threads, where the JVM has them. */
final class Threads {
  private static final MethodHandle IS_VIRTUAL = find();

  private Threads() {}

  static boolean currentIsVirtual() {
    if (IS_VIRTUAL == null) return false;
    try {
      return (boolean) IS_VIRTUAL.invokeExact(Thread.currentThread());
    } catch (Throwable error) {
      return false;
    }
  }

  private static MethodHandle find() {
    try {
      return MethodHandles.publicLookup()
          .findVirtual(Thread.class, "isVirtual", MethodType.methodType(boolean.class));
    } catch (ReflectiveOperationException error) {
      return null; // before JDK 21
    }
  }
}
