package org.brood;

/** The time for a wait ran out. */
public final class WaitTimeoutException extends BroodException {
  private static final long serialVersionUID = 1L;

  WaitTimeoutException(String message) {
    super(message);
  }
}
