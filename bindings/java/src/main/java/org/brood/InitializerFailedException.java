package org.brood;

import org.brood.low.Failures.Failure;

/** A worker could not be made ready: its program, or the pool's initializer, failed. */
public final class InitializerFailedException extends BroodException {
  private static final long serialVersionUID = 1L;

  InitializerFailedException(Failure failure) {
    super(failure.message(), failure.pid());
  }
}
