package org.brood;

/** The stack trace of a failure in another process, as the cause of what is thrown here. */
public final class RemoteTrace extends Exception {
  private static final long serialVersionUID = 1L;

  RemoteTrace(String trace) {
    super(trace.stripTrailing(), null, false, false);
  }

  /** The trace alone. */
  @Override
  public String toString() {
    return "remote trace\n" + getMessage();
  }
}
