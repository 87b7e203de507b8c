package org.brood;

/** More than could ever fit. */
public final class TooBigException extends BroodException {
  private static final long serialVersionUID = 1L;

  TooBigException(String message) {
    super(message);
  }
}
