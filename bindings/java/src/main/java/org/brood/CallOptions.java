package org.brood;

import java.time.Duration;
import java.util.Objects;
import org.brood.low.Low;

/**
 * How single calls differ from what their pool says. Immutable: {@code CallOptions.DEFAULT.retries(0)} is another one.
 *
 * @param runLimit how long a task may run, then its worker is killed; null: no limit
 * @param retries how often a task whose worker died is run again; null: as the pool says
 * @param roomWait how long to wait for room in a pool with {@code maxPending}; null: for ever
 * @param window how many inputs of a stream may be ahead of the results taken; 0 is chosen
 * @param chunk how many items of a map are sent together; 0 is chosen
 * @param unordered whether results come as they are ready
 * @param progress told how many of a map's items are done
 */
public record CallOptions(
    Duration runLimit, Integer retries, Duration roomWait, long window, int chunk, boolean unordered, Progress progress) {
  /** As the pool says. */
  public static final CallOptions DEFAULT = new CallOptions(null, null, null, 0, 0, false, null);

  /** Is told of a map's progress, in the thread that waits for the map. */
  @FunctionalInterface
  public interface Progress {
    void update(long done, long total);
  }

  /** Checks the values. */
  public CallOptions {
    if (runLimit != null && (runLimit.isZero() || runLimit.isNegative())) {
      throw new IllegalArgumentException("a run limit is above 0; null is none");
    }
    if (retries != null && retries < 0) throw new IllegalArgumentException("retries are 0 or more");
  }

  public CallOptions runLimit(Duration limit) {
    return new CallOptions(Objects.requireNonNull(limit), retries, roomWait, window, chunk, unordered, progress);
  }

  public CallOptions retries(int count) {
    return new CallOptions(runLimit, count, roomWait, window, chunk, unordered, progress);
  }

  public CallOptions roomWait(Duration longest) {
    return new CallOptions(runLimit, retries, longest, window, chunk, unordered, progress);
  }

  public CallOptions window(long inputs) {
    return new CallOptions(runLimit, retries, roomWait, inputs, chunk, unordered, progress);
  }

  public CallOptions chunk(int items) {
    return new CallOptions(runLimit, retries, roomWait, window, items, unordered, progress);
  }

  public CallOptions inAnyOrder() {
    return new CallOptions(runLimit, retries, roomWait, window, chunk, true, progress);
  }

  public CallOptions progress(Progress told) {
    return new CallOptions(runLimit, retries, roomWait, window, chunk, unordered, told);
  }

  Fields forSubmit(Codec codec) {
    return common(new Fields("submit_options"), codec);
  }

  Fields forStream(Codec codec, boolean collect) {
    Fields fields = common(new Fields("stream_options"), codec);
    fields.set("window", window).set("chunk", chunk).set("unordered", unordered);
    return fields.set("on_error", collect ? Low.ON_ERROR_COLLECT : Low.ON_ERROR_FIRST);
  }

  private Fields common(Fields fields, Codec codec) {
    if (runLimit != null) fields.set("run_limit_ms", Waits.millis(runLimit));
    if (retries != null) fields.set("retries", retries == 0 ? Low.NO_RETRIES : retries);
    return fields.set("codec", Message.tag(codec));
  }
}
