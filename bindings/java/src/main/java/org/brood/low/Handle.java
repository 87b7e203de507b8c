package org.brood.low;

import java.util.concurrent.atomic.AtomicInteger;

/**
 * A native object, and who is inside a call with it.
 *
 * <p>{@link #close} frees it at once, or with the end of the last call that uses it: one thread may close what
 * another one waits for. What is made after that call began fails with an {@link IllegalStateException}.
 */
public final class Handle implements AutoCloseable {
  private static final int CLOSED = 1 << 30;
  private static final int FREED = 1 << 29;
  private static final int FLAGS = CLOSED | FREED;

  /** What is freed, and when. Knows nothing of the Handle, so that a Cleaner may hold it. */
  private static final class State extends AtomicInteger implements Runnable {
    private static final long serialVersionUID = 1L;
    private final long pointer;
    private final long free; // 0: not ours to free, or not any more
    private volatile boolean disarmed;

    State(long pointer, long free) {
      this.pointer = pointer;
      this.free = free;
    }

    boolean enter() {
      return (getAndIncrement() & FLAGS) == 0;
    }

    void leave() {
      freeIfLast(decrementAndGet());
    }

    @Override
    public void run() {
      int before = getAndUpdate(state -> state | CLOSED);
      freeIfLast(before | CLOSED);
    }

    private void freeIfLast(int state) {
      if (state == CLOSED && compareAndSet(CLOSED, FLAGS) && free != 0 && !disarmed) {
        Low.free_handle(free, pointer);
      }
    }
  }

  private final long pointer;
  private final State state;

  private Handle(long pointer, State state) {
    this.pointer = pointer;
    this.state = state;
  }

  /** Null for 0. The native code calls it. {@code free} 0: the object belongs to somebody else. */
  static Handle owned(long pointer, long free) {
    return pointer == 0 ? null : new Handle(pointer, new State(pointer, free));
  }

  /** A part of this object: whoever uses it keeps this one from being freed. */
  public Handle part(Handle unowned) {
    return unowned == null ? null : new Handle(unowned.pointer, state);
  }

  /** A native call has taken over what this handle owned. */
  public void disarm() {
    state.disarmed = true;
    close();
  }

  @Override
  public void close() {
    state.run();
  }

  public boolean isClosed() {
    return (state.get() & FLAGS) != 0;
  }

  /** Frees the object; holds no reference to this handle. */
  public Runnable closer() {
    return state;
  }

  /** Keeps the object from being freed until what it returns is run, once. */
  public Runnable hold() {
    if (!state.enter()) {
      state.leave();
      throw (IllegalStateException) Failures.closed();
    }
    State held = state;
    return held::leave;
  }

  // ---- what the generated code calls round each call; null is NULL ----

  static long enter(Handle handle) {
    if (handle == null) return 0;
    return handle.state.enter() ? handle.pointer : -1;
  }

  static void leave(Handle handle) {
    if (handle != null) handle.state.leave();
  }

  static long[] enterAll(Handle[] handles) {
    long[] pointers = new long[handles.length];
    for (int i = 0; i < handles.length; ++i) pointers[i] = enter(handles[i]);
    return pointers;
  }

  static void leaveAll(Handle[] handles) {
    for (Handle handle : handles) leave(handle);
  }

  /** The address itself, for a token that a Wait carries. */
  long pointer() {
    return pointer;
  }
}
