package org.brood;

import org.brood.low.Failures.Failure;

/** The task ran and reported a failure: its cause is the stack trace of the other process. */
public final class TaskFailedException extends BroodException {
  private static final long serialVersionUID = 1L;

  /** The class of the failure, in the task's own language. */
  private final String kind;

  /** What the failure itself said. */
  private final String remoteMessage;

  TaskFailedException(Failure failure) {
    super(failure.kind().isEmpty() ? failure.message() : failure.kind() + ": " + failure.message(), failure.pid());
    kind = failure.kind();
    remoteMessage = failure.message();
  }

  /** The class of the failure in the task's own language, such as {@code java.io.IOException}. */
  public String kind() {
    return kind;
  }

  /** What the failure itself said. */
  public String remoteMessage() {
    return remoteMessage;
  }
}
