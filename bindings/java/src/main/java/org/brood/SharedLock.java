package org.brood;

import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.Lock;
import org.brood.low.Handle;
import org.brood.low.Low;
import org.brood.low.Out;

/**
 * A lock between threads and processes of any language.
 *
 * <p>A plain lock belongs to the process that took it: any thread of it may unlock it, and none can take it twice. A
 * {@link #reentrant} one belongs to a thread. When a process dies that holds the lock, everybody else gets an {@link
 * OwnerDiedException} until somebody calls {@link #recover}.
 */
public final class SharedLock extends Shared implements Lock {
  private final LockView view;

  /** A plain lock. */
  public SharedLock() {
    this(create(false));
  }

  /** One that its thread may take again. */
  public static SharedLock reentrant() {
    return new SharedLock(create(true));
  }

  SharedLock(Handle handle) {
    super(handle);
    view =
        new LockView(
            ready,
            wait -> Low.lock_acquire(handle, LockView.owner(), wait),
            () -> Low.lock_release(handle, LockView.owner()));
  }

  private static Handle create(boolean recursive) {
    Startup.start();
    Out out = new Out();
    Fields fields = new Fields("lock_options").set("recursive", recursive);
    BroodException.check(Low.lock_create(fields.handle(), out));
    return out.take();
  }

  @Override
  public Handle waitHandle() {
    return handle.part(Low.lock_handle(handle));
  }

  /** Waits for the lock, however long that takes; an interrupt is kept for later. */
  @Override
  public void lock() {
    view.lock();
  }

  @Override
  public void lockInterruptibly() throws InterruptedException {
    view.lockInterruptibly();
  }

  @Override
  public boolean tryLock() {
    return view.tryLock();
  }

  @Override
  public boolean tryLock(long time, TimeUnit unit) throws InterruptedException {
    return view.tryLock(time, unit);
  }

  /** An {@link IllegalStateException}: it is not held. */
  @Override
  public void unlock() {
    view.unlock();
  }

  /** True while somebody holds it, dead holders included. */
  public boolean isLocked() {
    return Low.lock_locked(handle);
  }

  /** Take a lock whose holder died: put right what it guards, then unlock it. */
  public void recover() {
    BroodException.check(Low.lock_recover(handle, LockView.owner()));
  }

  /** A condition that goes with this lock, and travels with it. */
  @Override
  public SharedCondition newCondition() {
    return new SharedCondition(this);
  }
}
