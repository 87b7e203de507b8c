package org.brood.low;

/** How long a native call may wait, and the token that ends the wait. */
public final class Wait {
  public long timeoutMillis;
  private long token;
  private Handle cancel;

  public Wait(long timeoutMillis) {
    this.timeoutMillis = timeoutMillis;
  }

  /** A wait that ends when {@code cancel} is fired; it must not be closed meanwhile. */
  public Wait(Handle cancel) {
    this.cancel = cancel;
    this.token = cancel.pointer();
  }

  public Handle cancel() {
    return cancel;
  }
}
