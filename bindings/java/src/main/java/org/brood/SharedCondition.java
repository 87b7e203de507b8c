package org.brood;

import java.util.Date;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.Condition;
import org.brood.low.Handle;
import org.brood.low.Low;
import org.brood.low.Out;

/**
 * Waiting for a signal, giving up a {@link SharedLock} meanwhile. It travels together with its lock.
 *
 * <p>Hold the lock to wait and to signal; check what you wait for in a loop.
 */
public final class SharedCondition extends Shared implements Condition {
  private final SharedLock lock;

  /** A condition of a lock; several may share one. */
  public SharedCondition(SharedLock lock) {
    this(create(), lock);
  }

  SharedCondition(Handle handle, SharedLock lock) {
    super(handle);
    this.lock = lock;
  }

  private static Handle create() {
    Startup.start();
    Out out = new Out();
    BroodException.check(Low.condition_create(null, out));
    return out.take();
  }

  /** The lock that it goes with. */
  public SharedLock lock() {
    return lock;
  }

  @Override
  public Handle waitHandle() {
    return handle.part(Low.condition_handle(handle));
  }

  @Override
  int[] attachTo(List<Handle> handles) {
    int own = super.attachTo(handles)[0];
    return new int[] {own, lock.attachTo(handles)[0]};
  }

  private int awaitSignal(long millis) throws InterruptedException {
    if (Thread.interrupted()) throw new InterruptedException();
    long owner = LockView.owner();
    return Waits.awaitWhole(
        millis, null, wait -> Low.condition_wait(handle, lock.handle, owner, wait));
  }

  @Override
  public void await() throws InterruptedException {
    BroodException.check(awaitSignal(Waits.FOREVER));
  }

  @Override
  public boolean await(long time, TimeUnit unit) throws InterruptedException {
    int status = awaitSignal(Waits.millis(time, unit));
    if (status == Low.E_TIMEOUT) return false;
    BroodException.check(status);
    return true;
  }

  @Override
  public long awaitNanos(long nanos) throws InterruptedException {
    long deadline = System.nanoTime() + nanos;
    await(nanos, TimeUnit.NANOSECONDS);
    return deadline - System.nanoTime();
  }

  @Override
  public boolean awaitUntil(Date deadline) throws InterruptedException {
    return await(deadline.getTime() - System.currentTimeMillis(), TimeUnit.MILLISECONDS);
  }

  /** An interrupt wakes the wait as a signal would, and is kept: check what you wait for. */
  @Override
  public void awaitUninterruptibly() {
    boolean interrupted = Thread.interrupted();
    try {
      await();
    } catch (InterruptedException error) {
      interrupted = true;
    } finally {
      if (interrupted) Thread.currentThread().interrupt();
    }
  }

  /** Wakes who waits longest. */
  @Override
  public void signal() {
    BroodException.check(Low.condition_signal(handle, 1, null));
  }

  @Override
  public void signalAll() {
    BroodException.check(Low.condition_broadcast(handle));
  }

  /** Closes the condition alone. */
  @Override
  public void close() {
    super.close();
  }
}
