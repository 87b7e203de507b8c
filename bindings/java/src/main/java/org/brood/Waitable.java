package org.brood;

import org.brood.low.Handle;

/** What {@link Brood#waitAny} can wait for. */
public sealed interface Waitable permits Shared, ChildProcess, TaskFuture, TaskStream {
  /** For brood itself. */
  Handle waitHandle();
}
