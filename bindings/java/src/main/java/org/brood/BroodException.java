package org.brood;

import org.brood.low.Failures;
import org.brood.low.Failures.Failure;
import org.brood.low.Low;

/**
 * Any failure that is no fault of the calling code. Wrong arguments are {@link IllegalArgumentException}s, calls at
 * the wrong moment {@link IllegalStateException}s, what cannot be done {@link UnsupportedOperationException}s.
 */
public class BroodException extends RuntimeException {
  private static final long serialVersionUID = 1L;

  /** The process that failed; 0 for this one. */
  private final long pid;

  BroodException(String message) {
    this(message, 0);
  }

  BroodException(String message, long pid) {
    super(message);
    this.pid = pid;
  }

  /** The pid of the process that failed; 0 for this one. */
  public long pid() {
    return pid;
  }

  static void install() {
    Failures.setFactory(BroodException::make);
  }

  private static RuntimeException make(Failure failure) {
    String message = failure.message();
    RuntimeException made;
    switch (failure.status()) {
      case Low.E_INVALID -> made = new IllegalArgumentException(message);
      case Low.E_STATE -> made = new IllegalStateException(message);
      case Low.E_UNSUPPORTED -> made = new UnsupportedOperationException(message);
      case Low.E_NO_FUNCTION -> made = new NoSuchTaskException(message);
      case Low.E_TOO_BIG -> made = new TooBigException(message);
      case Low.E_NO_MEMORY, Low.E_NO_SPACE -> made = new NoRoomException(message);
      case Low.E_OS -> made = new SystemCallException(message, failure.osCode());
      case Low.E_REMOTE -> made = new TaskFailedException(failure);
      case Low.E_WORKER_LOST -> made = new WorkerLostException(failure);
      case Low.E_TASK_TIMEOUT -> made = new TaskTimeoutException(failure);
      case Low.E_OWNER_DIED -> made = new OwnerDiedException(message);
      case Low.E_PROTOCOL -> made = new ProtocolException(message);
      case Low.E_INIT_FAILED -> made = new InitializerFailedException(failure);
      case Low.E_BROKEN -> made = new BrokenException(message);
      default -> made = new BroodException(message, failure.pid());
    }
    if (!failure.traceback().isEmpty()) made.initCause(new RemoteTrace(failure.traceback()));
    return made;
  }

  /** For calls that do not wait. */
  static void check(int status) {
    switch (status) {
      case Low.OK -> {}
      case Low.E_CLOSED -> throw new ClosedException("nothing more will arrive, or be accepted");
      case Low.E_CANCELED -> throw new java.util.concurrent.CancellationException("it was cancelled");
      case Low.E_TIMEOUT -> throw new WaitTimeoutException("the time ran out");
      default -> throw new BroodException("an unexpected status: " + status);
    }
  }

  /** Throws what a future failed with, as it is. */
  static RuntimeException rethrow(Throwable error) {
    if (error instanceof Error fatal) throw fatal;
    if (error instanceof RuntimeException plain) return plain;
    return new IllegalStateException(error);
  }
}
