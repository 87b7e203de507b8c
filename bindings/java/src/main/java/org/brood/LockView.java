package org.brood;

import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.Condition;
import java.util.concurrent.locks.Lock;
import java.util.function.IntSupplier;
import org.brood.low.Low;

/** A native lock as a {@link Lock} of Java's. */
final class LockView implements Lock {
  private final Waits.Readiness readiness;
  private final Waits.Call acquire;
  private final IntSupplier release;

  LockView(Waits.Readiness readiness, Waits.Call acquire, IntSupplier release) {
    this.readiness = readiness;
    this.acquire = acquire;
    this.release = release;
  }

  /** Who holds a recursive lock: this thread, virtual or not. */
  @SuppressWarnings("deprecation") // threadId() came with JDK 19
  static long owner() {
    return Thread.currentThread().getId();
  }

  @Override
  public void lock() {
    BroodException.check(Waits.awaitUninterruptibly(Waits.FOREVER, readiness, acquire));
  }

  @Override
  public void lockInterruptibly() throws InterruptedException {
    BroodException.check(Waits.await(Waits.FOREVER, readiness, acquire));
  }

  @Override
  public boolean tryLock() {
    return taken(Waits.awaitUninterruptibly(0, readiness, acquire));
  }

  @Override
  public boolean tryLock(long time, TimeUnit unit) throws InterruptedException {
    return taken(Waits.await(Waits.millis(time, unit), readiness, acquire));
  }

  private static boolean taken(int status) {
    if (status == Low.E_TIMEOUT) return false;
    BroodException.check(status);
    return true;
  }

  @Override
  public void unlock() {
    BroodException.check(release.getAsInt());
  }

  @Override
  public Condition newCondition() {
    throw new UnsupportedOperationException("this lock has no conditions: use a SharedLock");
  }
}
