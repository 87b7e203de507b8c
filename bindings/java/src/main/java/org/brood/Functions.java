package org.brood;

import java.io.Serializable;

/** The shapes that a task's function can have. They are serializable so that their types can be read off them. */
public final class Functions {
  private Functions() {}

  /** Any of them. */
  public interface Function extends Serializable {}

  /** A function without arguments. */
  @FunctionalInterface
  public interface F0<R> extends Function {
    R call() throws Exception;
  }

  /** A function of one argument. */
  @FunctionalInterface
  public interface F1<A, R> extends Function {
    R call(A a) throws Exception;
  }

  /** A function of two arguments. */
  @FunctionalInterface
  public interface F2<A, B, R> extends Function {
    R call(A a, B b) throws Exception;
  }

  /** A function of three arguments. */
  @FunctionalInterface
  public interface F3<A, B, C, R> extends Function {
    R call(A a, B b, C c) throws Exception;
  }

  /** A function of four arguments. */
  @FunctionalInterface
  public interface F4<A, B, C, D, R> extends Function {
    R call(A a, B b, C c, D d) throws Exception;
  }

  /** A function of one argument and no result. */
  @FunctionalInterface
  public interface Action<A> extends Function {
    void call(A a) throws Exception;
  }
}
