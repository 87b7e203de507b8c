package org.brood;

/** Workers died again and again without finishing a task; or a barrier is broken. */
public final class BrokenException extends BroodException {
  private static final long serialVersionUID = 1L;

  BrokenException(String message) {
    super(message);
  }
}
