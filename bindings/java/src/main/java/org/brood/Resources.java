package org.brood;

import java.lang.ref.Cleaner;

/** Frees what was forgotten. Freeing never waits. */
final class Resources {
  static final Cleaner CLEANER = Cleaner.create();

  private Resources() {}
}
