package org.brood;

import java.lang.reflect.Type;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.concurrent.atomic.AtomicBoolean;
import org.brood.low.Handle;
import org.brood.low.Low;
import org.brood.low.Out;
import org.brood.low.Wait;

/**
 * The outcome of one task.
 *
 * <p>{@link #cancel} also stops a task that runs: its worker is killed, and a new one starts. So does everything that
 * completes the future from outside, such as {@link #orTimeout}. A failure is the future's exception as it is: a
 * {@link TaskFailedException}, a {@link WorkerLostException}, ...
 *
 * @param <T> the result
 */
public final class TaskFuture<T> extends CompletableFuture<T> implements Waitable {
  private final Handle future;
  private final Type type;
  private final Codec codec;
  private final AtomicBoolean taken = new AtomicBoolean();

  TaskFuture(Handle future, Type type, Codec codec) {
    this.future = future;
    this.type = type;
    this.codec = codec;
    Completions.add(waitHandle(), () -> Completions.CALLBACKS.execute(this::finish));
  }

  @Override
  public Handle waitHandle() {
    return future.part(Low.future_handle(future));
  }

  /** Takes the result, which is there: whoever comes first does. */
  private void finish() {
    if (!taken.compareAndSet(false, true)) return;
    try (future) {
      if (isDone()) return;
      Out out = new Out();
      int status = Low.future_result(future, new Wait(0), out);
      if (status == Low.E_CANCELED) {
        super.cancel(false);
        return;
      }
      BroodException.check(status);
      try (Handle msg = out.take()) {
        @SuppressWarnings("unchecked")
        T value = (T) Message.decode(msg, type, codec);
        super.complete(value);
      }
    } catch (Throwable error) {
      super.completeExceptionally(error);
    }
  }

  // A platform thread waits for the task itself: one thread less has to be woken.
  private void waitHere(long timeoutMillis) throws InterruptedException {
    if (isDone() || Threads.currentIsVirtual()) return;
    try {
      if (Waits.await(timeoutMillis, null, wait -> Low.future_wait(future, wait)) == Low.OK) finish();
    } catch (IllegalStateException error) {
      // Somebody else took the result meanwhile.
    }
  }

  @Override
  public T get() throws InterruptedException, ExecutionException {
    waitHere(Waits.FOREVER);
    return super.get();
  }

  @Override
  public T get(long timeout, TimeUnit unit) throws InterruptedException, ExecutionException, TimeoutException {
    long deadline = System.nanoTime() + unit.toNanos(timeout);
    waitHere(Waits.millis(timeout, unit));
    return super.get(Math.max(deadline - System.nanoTime(), 0), TimeUnit.NANOSECONDS);
  }

  @Override
  public boolean cancel(boolean mayInterruptIfRunning) {
    if (!super.cancel(mayInterruptIfRunning)) return isCancelled();
    giveUp();
    return true;
  }

  @Override
  public boolean complete(T value) {
    boolean first = super.complete(value);
    if (first) giveUp();
    return first;
  }

  @Override
  public boolean completeExceptionally(Throwable error) {
    boolean first = super.completeExceptionally(error);
    if (first) giveUp();
    return first;
  }

  private void giveUp() {
    try {
      Low.future_cancel(future);
    } catch (IllegalStateException error) {
      // It was done in this very moment: its result is dropped.
    }
  }
}
