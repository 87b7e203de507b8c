package org.brood;

import java.util.concurrent.locks.Lock;
import java.util.concurrent.locks.ReadWriteLock;
import org.brood.low.Handle;
import org.brood.low.Low;
import org.brood.low.Out;

/** Many may read, or one may write; who wants to write goes first. Holds belong to processes. */
public final class SharedReadWriteLock extends Shared implements ReadWriteLock {
  private final Lock readLock;
  private final Lock writeLock;

  public SharedReadWriteLock() {
    this(create(0));
  }

  /** @param maxReaders how many may read at once; at most 4096 */
  public SharedReadWriteLock(int maxReaders) {
    this(create(maxReaders));
  }

  SharedReadWriteLock(Handle handle) {
    super(handle);
    readLock =
        new LockView(
            ready, wait -> Low.rwlock_acquire_read(handle, wait), () -> Low.rwlock_release_read(handle));
    // Its readiness speaks of reading.
    writeLock =
        new LockView(
            null, wait -> Low.rwlock_acquire_write(handle, wait), () -> Low.rwlock_release_write(handle));
  }

  private static Handle create(int maxReaders) {
    Startup.start();
    Out out = new Out();
    Fields fields = new Fields("rwlock_options").set("max_readers", maxReaders);
    BroodException.check(Low.rwlock_create(fields.handle(), out));
    return out.take();
  }

  @Override
  public Handle waitHandle() {
    return handle.part(Low.rwlock_handle(handle));
  }

  @Override
  public Lock readLock() {
    return readLock;
  }

  @Override
  public Lock writeLock() {
    return writeLock;
  }

  /** Take a lock whose writer died, for writing. */
  public void recover() {
    BroodException.check(Low.rwlock_recover(handle));
  }
}
