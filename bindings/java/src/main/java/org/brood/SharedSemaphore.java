package org.brood;

import java.util.concurrent.TimeUnit;
import org.brood.low.Handle;
import org.brood.low.Low;
import org.brood.low.Out;

/** A number of permits, with the methods of {@link java.util.concurrent.Semaphore}, for all processes. */
public final class SharedSemaphore extends Shared {
  /** Whoever acquires a permit need not be who releases it. */
  public SharedSemaphore(int permits) {
    this(create(permits, false, false));
  }

  /** Never more permits than at first: a release beyond is an {@link IllegalStateException}. */
  public static SharedSemaphore bounded(int permits) {
    return new SharedSemaphore(create(permits, true, false));
  }

  /** Bounded, and the permits of a process that dies come back. */
  public static SharedSemaphore owned(int permits) {
    return new SharedSemaphore(create(permits, true, true));
  }

  SharedSemaphore(Handle handle) {
    super(handle);
  }

  private static Handle create(int permits, boolean bounded, boolean owned) {
    Startup.start();
    Out out = new Out();
    Fields fields = new Fields("semaphore_options").set("bounded", bounded).set("owned", owned);
    BroodException.check(Low.semaphore_create(permits, fields.handle(), out));
    return out.take();
  }

  @Override
  public Handle waitHandle() {
    return handle.part(Low.semaphore_handle(handle));
  }

  public void acquire() throws InterruptedException {
    BroodException.check(acquire(Waits.FOREVER));
  }

  public boolean tryAcquire() {
    int status = Waits.awaitUninterruptibly(0, ready, wait -> Low.semaphore_acquire(handle, wait));
    return status != Low.E_TIMEOUT;
  }

  public boolean tryAcquire(long timeout, TimeUnit unit) throws InterruptedException {
    return acquire(Waits.millis(timeout, unit)) != Low.E_TIMEOUT;
  }

  private int acquire(long millis) throws InterruptedException {
    return Waits.await(millis, ready, wait -> Low.semaphore_acquire(handle, wait));
  }

  public void release() {
    release(1);
  }

  /** Give back several permits, all or none. */
  public void release(int permits) {
    BroodException.check(Low.semaphore_release(handle, permits));
  }

  public int availablePermits() {
    return (int) Low.semaphore_value(handle);
  }
}
