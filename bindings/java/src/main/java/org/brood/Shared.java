package org.brood;

import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.function.Supplier;
import org.brood.low.Handle;
import org.brood.low.Low;
import org.brood.low.Out;

/**
 * What lives in the shared memory of a program and its workers, and travels inside values: as a task's argument, in a
 * queue, wherever.
 *
 * <p>Closing gives this process's share back; the object goes with its last holder. What is forgotten is closed by
 * the garbage collector.
 */
public abstract sealed class Shared implements Waitable, AutoCloseable
    permits SharedQueue, Pipe, SharedArray, SharedLock, SharedReadWriteLock, SharedSemaphore, SharedCondition,
        SharedEvent, SharedBarrier {
  final Handle handle;

  /** What tells a virtual thread that a try is worth while. */
  final Ready ready = new Ready(this::waitHandle);

  /** Who owns the handle, if it is not this object. */
  private final Shared origin;

  Shared(Handle handle) {
    this.handle = handle;
    origin = null;
    Resources.CLEANER.register(this, handle.closer());
  }

  /** The same object in another guise: it goes when both are forgotten, or either is closed. */
  Shared(Shared origin) {
    this.handle = origin.handle;
    this.origin = origin;
  }

  /** Adds the native handles that travel with this object, and gives their places. */
  int[] attachTo(List<Handle> handles) {
    handles.add(waitHandle());
    return new int[] {handles.size() - 1};
  }

  @Override
  public void close() {
    handle.close();
    if (origin != null) origin.close();
  }

  /** Takes what was attached to a message. */
  static Shared take(Handle msg, int[] indexes) {
    Out out = new Out();
    int index = indexes[0];
    switch (Low.msg_handle_type(msg, index)) {
      case Low.HANDLE_QUEUE -> {
        BroodException.check(Low.msg_take_queue(msg, index, out));
        return new SharedQueue<>(out.take(), Object.class);
      }
      case Low.HANDLE_PIPE -> {
        BroodException.check(Low.msg_take_pipe(msg, index, out));
        return new Pipe<>(out.take(), Object.class);
      }
      case Low.HANDLE_SHARED -> {
        BroodException.check(Low.msg_take_shared(msg, index, out));
        return new SharedArray(out.take());
      }
      case Low.HANDLE_LOCK -> {
        BroodException.check(Low.msg_take_lock(msg, index, out));
        return new SharedLock(out.take());
      }
      case Low.HANDLE_RWLOCK -> {
        BroodException.check(Low.msg_take_rwlock(msg, index, out));
        return new SharedReadWriteLock(out.take());
      }
      case Low.HANDLE_SEMAPHORE -> {
        BroodException.check(Low.msg_take_semaphore(msg, index, out));
        return new SharedSemaphore(out.take());
      }
      case Low.HANDLE_EVENT -> {
        BroodException.check(Low.msg_take_event(msg, index, out));
        return new SharedEvent(out.take());
      }
      case Low.HANDLE_BARRIER -> {
        BroodException.check(Low.msg_take_barrier(msg, index, out));
        return new SharedBarrier(out.take());
      }
      case Low.HANDLE_CONDITION -> {
        return takeCondition(msg, indexes, out);
      }
      default -> throw new ProtocolException("the value names a handle that is not there");
    }
  }

  private static Shared takeCondition(Handle msg, int[] indexes, Out out) {
    if (indexes.length != 2) throw new ProtocolException("a condition comes with its lock");
    BroodException.check(Low.msg_take_condition(msg, indexes[0], out));
    Handle condition = out.take();
    try {
      BroodException.check(Low.msg_take_lock(msg, indexes[1], out));
    } catch (RuntimeException error) {
      condition.close();
      throw error;
    }
    return new SharedCondition(condition, new SharedLock(out.take()));
  }

  /** At most one question to the completion thread is under way for one object. */
  static final class Ready implements Waits.Readiness {
    private final Supplier<Handle> handle;
    private CompletableFuture<Void> asked;

    Ready(Supplier<Handle> handle) {
      this.handle = handle;
    }

    @Override
    public synchronized CompletableFuture<?> whenReady() {
      if (asked == null || asked.isDone()) {
        CompletableFuture<Void> answer = new CompletableFuture<>();
        // Waking the waiters is no work for the thread that tells everybody.
        Completions.add(handle.get(), () -> answer.completeAsync(() -> null, Completions.CALLBACKS));
        asked = answer;
      }
      return asked;
    }
  }
}
