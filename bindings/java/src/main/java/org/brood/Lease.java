package org.brood;

import java.lang.reflect.Type;
import org.brood.low.Handle;
import org.brood.low.Low;

/**
 * A value that comes back to its queue unless it is acknowledged.
 *
 * @param <T> the value
 */
public final class Lease<T> implements AutoCloseable {
  private final Handle lease;
  private final T value;

  @SuppressWarnings("unchecked")
  Lease(Handle lease, Type type, Codec codec) {
    this.lease = lease;
    try {
      value = (T) Message.decode(lease.part(Low.lease_msg(lease)), type, codec);
    } catch (RuntimeException error) {
      lease.close();
      throw error;
    }
    Resources.CLEANER.register(this, lease.closer());
  }

  public T value() {
    return value;
  }

  /** The value is handled for good. */
  public void ack() {
    BroodException.check(Low.lease_ack(lease));
    lease.disarm();
  }

  /** Give the value back, unless it was acknowledged. */
  @Override
  public void close() {
    lease.close();
  }
}
