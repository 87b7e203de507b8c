package org.brood;

import org.brood.low.Failures.Failure;

/** The task ran longer than its limit, and its worker was killed. */
public final class TaskTimeoutException extends WorkerLostException {
  private static final long serialVersionUID = 1L;

  TaskTimeoutException(Failure failure) {
    super(failure);
  }
}
