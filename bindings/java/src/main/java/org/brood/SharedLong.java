package org.brood;

/**
 * A number in shared memory, with the methods of {@link java.util.concurrent.atomic.AtomicLong}, for all processes.
 *
 * @param array where it is: an array of one
 */
public record SharedLong(SharedArray array) implements AutoCloseable {
  public SharedLong(long value) {
    this(new SharedArray(ElementType.INT64, 1));
    set(value);
  }

  public long get() {
    return array.getLong(0);
  }

  public void set(long value) {
    array.setLong(0, value);
  }

  public long getAndAdd(long delta) {
    return array.addLong(0, delta);
  }

  public long addAndGet(long delta) {
    return getAndAdd(delta) + delta;
  }

  public long incrementAndGet() {
    return addAndGet(1);
  }

  public boolean compareAndSet(long expected, long desired) {
    return array.compareAndSet(0, expected, desired);
  }

  @Override
  public void close() {
    array.close();
  }
}
