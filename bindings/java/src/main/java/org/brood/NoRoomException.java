package org.brood;

/** Memory is out: the machine's, a limit's, or brood's own; or a fixed table is full. */
public final class NoRoomException extends BroodException {
  private static final long serialVersionUID = 1L;

  NoRoomException(String message) {
    super(message);
  }
}
