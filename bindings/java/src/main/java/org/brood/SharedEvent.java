package org.brood;

import java.time.Duration;
import org.brood.low.Handle;
import org.brood.low.Low;
import org.brood.low.Out;

/** A flag that processes wait for. Setting it wakes all who wait at that moment, also when it is cleared at once. */
public final class SharedEvent extends Shared {
  public SharedEvent() {
    this(create());
  }

  SharedEvent(Handle handle) {
    super(handle);
  }

  private static Handle create() {
    Startup.start();
    Out out = new Out();
    BroodException.check(Low.event_create(out));
    return out.take();
  }

  @Override
  public Handle waitHandle() {
    return handle.part(Low.event_handle(handle));
  }

  public void set() {
    Low.event_set(handle);
  }

  public void clear() {
    Low.event_clear(handle);
  }

  public boolean isSet() {
    return Low.event_is_set(handle);
  }

  public void await() throws InterruptedException {
    await(null);
  }

  /** False: the time ran out. */
  public boolean await(Duration timeout) throws InterruptedException {
    int status = Waits.await(Waits.millis(timeout), ready, wait -> Low.event_wait(handle, wait));
    if (status == Low.E_TIMEOUT) return false;
    BroodException.check(status);
    return true;
  }
}
