package org.brood;

/** The worker registered no task of that name. */
public final class NoSuchTaskException extends BroodException {
  private static final long serialVersionUID = 1L;

  NoSuchTaskException(String message) {
    super(message);
  }
}
