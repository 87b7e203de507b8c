package org.brood;

/** The process that held a lock died: what the lock guards may be half changed. Its {@code recover()} takes it. */
public final class OwnerDiedException extends BroodException {
  private static final long serialVersionUID = 1L;

  OwnerDiedException(String message) {
    super(message);
  }
}
