package org.brood;

import org.brood.low.Handle;
import org.brood.low.Low;

/**
 * One worker of a pool.
 *
 * @param id its number in the pool
 * @param state what it does
 * @param pid its process; 0 while it is being started
 * @param tasks results that it gave
 */
public record WorkerInfo(int id, State state, long pid, long tasks) {
  /** What a worker does. */
  public enum State {
    STARTING,
    IDLE,
    BUSY,
    ENDING
  }

  static WorkerInfo of(Handle numbers, long at) {
    State state = State.values()[(int) Low.numbers_at(numbers, at + 1) - Low.WORKER_STARTING];
    return new WorkerInfo(
        (int) Low.numbers_at(numbers, at), state, Low.numbers_at(numbers, at + 2), Low.numbers_at(numbers, at + 3));
  }
}
