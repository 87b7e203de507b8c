package org.brood;

/** The operating system refused. */
public final class SystemCallException extends BroodException {
  private static final long serialVersionUID = 1L;

  /** The system's own number for the reason. */
  private final int errno;

  SystemCallException(String message, int errno) {
    super(message);
    this.errno = errno;
  }

  /** The system's own number for the reason. */
  public int errno() {
    return errno;
  }
}
