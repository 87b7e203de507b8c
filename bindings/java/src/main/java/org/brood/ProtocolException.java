package org.brood;

/** The other side sent bytes that mean nothing. */
public final class ProtocolException extends BroodException {
  private static final long serialVersionUID = 1L;

  ProtocolException(String message) {
    super(message);
  }
}
