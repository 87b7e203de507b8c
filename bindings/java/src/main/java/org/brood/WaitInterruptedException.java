package org.brood;

/** A wait was interrupted where no {@link InterruptedException} can be thrown. The thread is still interrupted. */
public final class WaitInterruptedException extends BroodException {
  private static final long serialVersionUID = 1L;

  private WaitInterruptedException(String message) {
    super(message);
  }

  static WaitInterruptedException here() {
    Thread.currentThread().interrupt();
    return new WaitInterruptedException("the wait was interrupted");
  }
}
