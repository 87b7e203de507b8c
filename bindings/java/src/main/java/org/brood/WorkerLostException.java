package org.brood;

import org.brood.low.Failures.Failure;

/** The worker died while it ran the task. */
public class WorkerLostException extends BroodException {
  private static final long serialVersionUID = 1L;

  /** -1: it did not exit by itself. */
  private final int exitCode;

  /** 0: none. */
  private final int signal;

  WorkerLostException(Failure failure) {
    super(failure.message(), failure.pid());
    exitCode = failure.exitCode();
    signal = failure.signal();
  }

  /** The code that the worker exited with; -1 if a signal ended it. */
  public int exitCode() {
    return exitCode;
  }

  /** The signal that ended the worker; 0 if it exited by itself. */
  public int signal() {
    return signal;
  }
}
