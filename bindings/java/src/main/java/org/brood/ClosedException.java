package org.brood;

/** Nothing more will arrive, or be accepted: a queue was shut down, the other end of a pipe is gone. */
public final class ClosedException extends BroodException {
  private static final long serialVersionUID = 1L;

  ClosedException(String message) {
    super(message);
  }
}
