package org.brood;

import java.lang.reflect.Type;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collection;
import java.util.Iterator;
import java.util.List;
import java.util.NoSuchElementException;
import java.util.concurrent.TimeUnit;
import org.brood.low.Handle;
import org.brood.low.Low;
import org.brood.low.Out;

/**
 * A queue between any number of processes, of any language.
 *
 * <p>What was put is there even if its process ends at once; a process may be killed at any moment, and the others go
 * on. The methods are those of {@link java.util.concurrent.BlockingQueue}, as far as they make sense between
 * processes. Iterating takes values until the queue is shut down and empty.
 *
 * @param <T> the values
 */
public final class SharedQueue<T> extends Shared implements Iterable<T> {
  private final Type type;
  private final Codec codec;

  /** How a queue is made; zero is no limit. */
  public record Options(long capacity, long capacityBytes, boolean joinable, Codec codec) {
    /** No limits, and not joinable. */
    public static final Options DEFAULT = new Options(0, 0, false, Codec.MESSAGE_PACK);

    public Options capacity(long items) {
      return new Options(items, capacityBytes, joinable, codec);
    }

    public Options capacityBytes(long bytes) {
      return new Options(capacity, bytes, joinable, codec);
    }

    /** Counts what is finished, for {@link SharedQueue#join}. */
    public Options countingTasks() {
      return new Options(capacity, capacityBytes, true, codec);
    }

    public Options codec(Codec value) {
      return new Options(capacity, capacityBytes, joinable, value);
    }
  }

  /** A queue without limits. */
  public SharedQueue(Class<T> type) {
    this(type, Options.DEFAULT);
  }

  /** A put waits while so many values are in it. */
  public SharedQueue(Class<T> type, long capacity) {
    this(type, Options.DEFAULT.capacity(capacity));
  }

  public SharedQueue(Class<T> type, Options options) {
    this(create(options), type, options.codec());
  }

  SharedQueue(Handle handle, Type type) {
    this(handle, type, Codec.MESSAGE_PACK);
  }

  private SharedQueue(Handle handle, Type type, Codec codec) {
    super(handle);
    this.type = type;
    this.codec = codec;
  }

  private SharedQueue(SharedQueue<?> origin, Type type) {
    super(origin);
    this.type = type;
    this.codec = origin.codec;
  }

  private static Handle create(Options options) {
    Startup.start();
    Fields fields = new Fields("queue_options").set("joinable", options.joinable());
    fields.set("capacity_items", options.capacity()).set("capacity_bytes", options.capacityBytes());
    Out out = new Out();
    BroodException.check(Low.queue_create(fields.handle(), out));
    return out.take();
  }

  /** This queue, with values of that type: for one that came out of a message. */
  public <U> SharedQueue<U> as(Class<U> other) {
    return new SharedQueue<>(this, other);
  }

  SharedQueue<?> as(Type other) {
    return new SharedQueue<>(this, other);
  }

  @Override
  public Handle waitHandle() {
    return handle.part(Low.queue_handle(handle));
  }

  // ---- in ----

  /** Put a value in; waits while the queue is full. A {@link ClosedException} after {@link #shutdown}. */
  public void put(T value) throws InterruptedException {
    put(value, Waits.FOREVER);
  }

  /** Put a value in, if there is room now. */
  public boolean offer(T value) {
    try {
      return put(value, 0);
    } catch (InterruptedException error) {
      throw WaitInterruptedException.here();
    }
  }

  /** Put a value in, if there is room in time. */
  public boolean offer(T value, long timeout, TimeUnit unit) throws InterruptedException {
    return put(value, Waits.millis(timeout, unit));
  }

  private boolean put(T value, long millis) throws InterruptedException {
    Message.Encoded encoded = Message.encode(value, codec);
    int status;
    if (encoded.handles().isEmpty()) {
      status = Waits.await(millis, null, wait -> Low.queue_put(handle, encoded.bytes(), encoded.tag(), wait));
    } else {
      try (Handle msg = encoded.toMessage()) {
        status = Waits.await(millis, null, wait -> Low.queue_put_msg(handle, msg, wait));
        if (status == Low.OK) msg.disarm();
      }
    }
    if (status == Low.E_TIMEOUT) return false;
    BroodException.check(status);
    return true;
  }

  /** Put many values in, which costs less than one by one; waits for room. */
  public void putAll(Collection<? extends T> values) throws InterruptedException {
    byte[][] packed = new byte[values.size()][];
    int count = 0;
    for (T value : values) {
      Message.Encoded encoded = Message.encode(value, codec);
      if (!encoded.handles().isEmpty()) {
        throw new IllegalArgumentException("objects of brood cannot be among many: put them one by one");
      }
      packed[count++] = encoded.bytes();
    }
    Out out = new Out();
    while (packed.length > 0) {
      byte[][] rest = packed;
      int tag = Message.tag(codec);
      BroodException.check(
          Waits.await(Waits.FOREVER, null, wait -> Low.queue_put_many(handle, rest, tag, wait, out)));
      packed = java.util.Arrays.copyOfRange(packed, (int) out.number, packed.length);
    }
  }

  // ---- out ----

  /** Take the next value. A {@link ClosedException} when there will be none. */
  public T take() throws InterruptedException {
    return value(get(Waits.FOREVER));
  }

  /** Take the next value; null: there is none now. */
  public T poll() {
    try {
      return value(get(0));
    } catch (InterruptedException error) {
      throw WaitInterruptedException.here();
    }
  }

  /** Take the next value; null: none came in time. */
  public T poll(long timeout, TimeUnit unit) throws InterruptedException {
    return value(get(Waits.millis(timeout, unit)));
  }

  private Handle get(long millis) throws InterruptedException {
    Out out = new Out();
    int status = Waits.await(millis, ready, wait -> Low.queue_get(handle, wait, out));
    if (status == Low.E_TIMEOUT) return null;
    BroodException.check(status);
    return out.take();
  }

  @SuppressWarnings("unchecked")
  private T value(Handle msg) {
    if (msg == null) return null;
    try (msg) {
      return (T) Message.decode(msg, type, codec);
    }
  }

  /** Take the next value, waiting for it, and with it as many more as are there, up to {@code most}. */
  @SuppressWarnings("unchecked")
  public List<T> takeMany(int most) throws InterruptedException {
    List<T> values = new ArrayList<>();
    try (Handle batch = Low.batch_create(most)) {
      BroodException.check(
          Waits.await(Waits.FOREVER, ready, wait -> Low.queue_get_batch(handle, batch, wait)));
      long count = Low.batch_count(batch);
      for (long i = 0; i < count; ++i) {
        try (Handle msg = Low.batch_take(batch, i)) {
          values.add((T) Message.decode(msg, type, codec));
        }
      }
    }
    return values;
  }

  /**
   * Take the next value for as long as it takes to handle it. Closing the lease without {@link Lease#ack} delivers the
   * value again, and so does the end of this process.
   *
   * @return null: none came in time
   */
  public Lease<T> lease(Duration timeout) throws InterruptedException {
    Out out = new Out();
    int status = Waits.await(Waits.millis(timeout), ready, wait -> Low.queue_get_lease(handle, wait, out));
    if (status == Low.E_TIMEOUT) return null;
    BroodException.check(status);
    return new Lease<>(out.take(), type, codec);
  }

  /** Take the next value for as long as it takes to handle it; waits for it. */
  public Lease<T> lease() throws InterruptedException {
    return lease(null);
  }

  /** Values until the queue is shut down and empty. */
  @Override
  public Iterator<T> iterator() {
    return new Iterator<>() {
      private Handle next;

      @Override
      public boolean hasNext() {
        try {
          if (next == null) next = get(Waits.FOREVER);
          return true;
        } catch (ClosedException error) {
          return false;
        } catch (InterruptedException error) {
          throw WaitInterruptedException.here();
        }
      }

      @Override
      public T next() {
        if (!hasNext()) throw new NoSuchElementException();
        Handle msg = next;
        next = null;
        return value(msg);
      }
    };
  }

  // ---- counting ----

  /** How many values can be taken now. */
  public int size() {
    return (int) Math.min(Low.queue_length(handle), Integer.MAX_VALUE);
  }

  public boolean isEmpty() {
    return size() == 0;
  }

  /** The oldest value that this object took from a joinable queue is handled. */
  public void taskDone() {
    BroodException.check(Low.queue_task_done(handle));
  }

  /** Wait until every value that was put is handled. False: the time ran out. */
  public boolean join(Duration timeout) throws InterruptedException {
    int status = Waits.await(Waits.millis(timeout), null, wait -> Low.queue_join(handle, wait));
    if (status == Low.E_TIMEOUT) return false;
    BroodException.check(status);
    return true;
  }

  /** What went through a queue: {@code lost} were in the hands of processes that died. */
  public record Stats(long length, long put, long taken, long finished, long lost) {}

  public Stats stats() {
    Fields counts = new Fields("queue_stats");
    BroodException.check(Low.queue_get_stats(handle, counts.handle()));
    return new Stats(
        counts.get("length"), counts.get("put"), counts.get("taken"), counts.get("finished"), counts.get("lost"));
  }

  /** End it for everyone: nothing more can be put, what is in it can still be taken. */
  public void shutdown() {
    BroodException.check(Low.queue_shutdown(handle));
  }
}
