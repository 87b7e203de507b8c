package org.brood;

/**
 * What a pool has done so far.
 *
 * @param workers alive and ready
 * @param idle of these, without a task
 * @param starting being started
 * @param pending submitted and not done
 * @param done with a result
 * @param failed with an error
 * @param canceled given up
 * @param lost runs that ended with their worker
 * @param timedOut runs that passed their limit
 * @param retried runs begun again
 * @param moved unstarted tasks that went to another worker
 * @param workersStarted since the pool was made
 */
public record PoolStats(
    int workers,
    int idle,
    int starting,
    long pending,
    long done,
    long failed,
    long canceled,
    long lost,
    long timedOut,
    long retried,
    long moved,
    long workersStarted) {
  static PoolStats of(Fields counts) {
    return new PoolStats(
        (int) counts.get("workers"),
        (int) counts.get("idle"),
        (int) counts.get("starting"),
        counts.get("pending"),
        counts.get("done"),
        counts.get("failed"),
        counts.get("canceled"),
        counts.get("lost"),
        counts.get("timed_out"),
        counts.get("retried"),
        counts.get("moved"),
        counts.get("workers_started"));
  }
}
