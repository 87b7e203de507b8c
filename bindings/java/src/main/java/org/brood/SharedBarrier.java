package org.brood;

import java.time.Duration;
import org.brood.low.Handle;
import org.brood.low.Low;
import org.brood.low.Out;

/**
 * A number of parties, in any processes, that wait for each other, round after round.
 *
 * <p>It breaks when one of them gives up, by timeout or interrupt, and when a process that holds it is killed: the
 * others get a {@link BrokenException}.
 */
public final class SharedBarrier extends Shared {
  public SharedBarrier(int parties) {
    this(create(parties));
  }

  SharedBarrier(Handle handle) {
    super(handle);
  }

  private static Handle create(int parties) {
    Startup.start();
    Out out = new Out();
    BroodException.check(Low.barrier_create(parties, out));
    return out.take();
  }

  @Override
  public Handle waitHandle() {
    return handle.part(Low.barrier_handle(handle));
  }

  /** Wait for all parties; gives the place of this one in the order of arrival. */
  public int await() throws InterruptedException {
    return await((Duration) null);
  }

  /** Wait for all parties. A {@link WaitTimeoutException}, which breaks the barrier: they did not come in time. */
  public int await(Duration timeout) throws InterruptedException {
    Out out = new Out();
    BroodException.check(
        Waits.awaitWhole(Waits.millis(timeout), null, wait -> Low.barrier_wait(handle, wait, out)));
    return (int) out.number;
  }

  /** Wait for all parties; the last to arrive runs {@code action} while the others still wait. */
  public int await(Runnable action) throws InterruptedException {
    Out out = new Out();
    BroodException.check(
        Waits.awaitWhole(Waits.FOREVER, null, wait -> Low.barrier_arrive(handle, wait, out)));
    if (out.number != parties() - 1) return (int) out.number;
    boolean done = false;
    try {
      action.run();
      done = true;
    } finally {
      if (!done) abort();
    }
    BroodException.check(Low.barrier_open(handle));
    return (int) out.number;
  }

  /** Break it. */
  public void abort() {
    Low.barrier_abort(handle);
  }

  /** Make it new. */
  public void reset() {
    Low.barrier_reset(handle);
  }

  public int parties() {
    return (int) Low.barrier_parties(handle);
  }

  /** How many wait in this round. */
  public int waiting() {
    return (int) Low.barrier_waiting(handle);
  }

  public boolean isBroken() {
    return Low.barrier_broken(handle);
  }
}
