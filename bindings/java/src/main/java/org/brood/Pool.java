package org.brood;

import java.lang.reflect.Type;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Iterator;
import java.util.List;
import java.util.concurrent.CancellationException;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.stream.LongStream;
import java.util.stream.Stream;
import org.brood.low.Handle;
import org.brood.low.Low;
import org.brood.low.Out;

/**
 * Worker processes that run tasks; also an {@link java.util.concurrent.ExecutorService} for serializable callables.
 *
 * <p>A worker that crashes costs the task that it was running, which fails with a {@link WorkerLostException}, and
 * nothing else: a new one starts.
 *
 * <pre>{@code
 * try (Pool pool = new Pool(4)) {
 *   List<Long> numbers = pool.map(FIB, List.of(10, 20, 30));
 *   TaskFuture<Long> later = pool.submit(FIB, 40);
 *   pool.stream(FIB, List.of(1, 2, 3)).forEach(System.out::println);
 * }
 * }</pre>
 */
public final class Pool extends PoolExecutor implements AutoCloseable {
  static final String INITIALIZE = "brood.initialize";
  static final String CALL = "brood.call";
  private static final int BATCH = 256;
  private static final Type ANY = Object.class;

  private final Handle pool;
  private final Codec codec;
  private final boolean bounded;
  private final Fields submitDefaults;

  /** As many workers as CPUs that this process may use. */
  public Pool() {
    this(new PoolOptions());
  }

  public Pool(int workers) {
    this(new PoolOptions().workers(atLeastOne(workers)));
  }

  public Pool(PoolOptions options) {
    Startup.start();
    codec = options.codec;
    bounded = options.maxPending > 0;
    submitDefaults = CallOptions.DEFAULT.forSubmit(codec);
    Out out = new Out();
    Fields fields = options.toFields();
    BroodException.check(Low.pool_create(fields.handle(), out));
    pool = out.take();
    Resources.CLEANER.register(this, pool.closer());
  }

  private static int atLeastOne(int workers) {
    if (workers < 1) throw new IllegalArgumentException("a pool needs at least 1 worker, not " + workers);
    return workers;
  }

  // ---- one task ----

  /** Runs a task and waits for its result. An interrupt cancels the task. */
  public <A, R> R call(Task<? super A, R> task, A argument) throws InterruptedException {
    return call(task, argument, null, CallOptions.DEFAULT);
  }

  /** Runs a task without arguments. */
  public <R> R call(Task<Void, R> task) throws InterruptedException {
    return call(task, null, null, CallOptions.DEFAULT);
  }

  /**
   * Runs a task and waits for its result.
   *
   * @param timeout how long to wait; then the task is cancelled, and this is a {@link WaitTimeoutException}. Null: for
   *     ever
   */
  @SuppressWarnings("unchecked")
  public <A, R> R call(Task<? super A, R> task, A argument, Duration timeout, CallOptions options)
      throws InterruptedException {
    Message.Encoded encoded = Message.encode(argument, codec);
    long millis = Waits.millis(timeout);
    if (!encoded.handles().isEmpty() || Threads.currentIsVirtual()) {
      return resultOf(this.<R>submit(task, encoded, options), millis);
    }
    Fields fields = options == CallOptions.DEFAULT ? submitDefaults : options.forSubmit(codec);
    Out out = new Out();
    int status =
        Waits.awaitWhole(
            millis,
            null,
            wait -> Low.pool_call(pool, task.name(), encoded.bytes(), fields.handle(), wait, out));
    BroodException.check(status);
    try (Handle msg = out.take()) {
      return (R) Message.decode(msg, task.resultType(), codec);
    }
  }

  private static <R> R resultOf(TaskFuture<R> future, long millis) throws InterruptedException {
    try {
      return millis < 0 ? future.get() : future.get(millis, TimeUnit.MILLISECONDS);
    } catch (ExecutionException error) {
      throw BroodException.rethrow(error.getCause());
    } catch (java.util.concurrent.TimeoutException error) {
      future.cancel(true);
      throw new WaitTimeoutException("the time ran out");
    } catch (InterruptedException error) {
      future.cancel(true);
      throw error;
    }
  }

  /** Has a worker run a task. Waits only while the pool is full, see {@link PoolOptions#maxPending}. */
  public <A, R> TaskFuture<R> submit(Task<? super A, R> task, A argument) throws InterruptedException {
    return submit(task, argument, CallOptions.DEFAULT);
  }

  /** Has a worker run a task without arguments. */
  public <R> TaskFuture<R> submit(Task<Void, R> task) throws InterruptedException {
    return submit(task, (Void) null, CallOptions.DEFAULT);
  }

  /** Has a worker run a task. A {@link WaitTimeoutException}: the pool stayed full. */
  public <A, R> TaskFuture<R> submit(Task<? super A, R> task, A argument, CallOptions options)
      throws InterruptedException {
    return submit(task, Message.encode(argument, codec), options);
  }

  private <R> TaskFuture<R> submit(Task<?, R> task, Message.Encoded encoded, CallOptions options)
      throws InterruptedException {
    return new TaskFuture<>(begin(task.name(), encoded, options), task.resultType(), codec);
  }

  /** What the ExecutorService's methods submit. */
  @Override
  <T> TaskFuture<T> submitCall(Object call) throws InterruptedException {
    if (codec != Codec.NATIVE) {
      throw new UnsupportedOperationException(
          "functions travel as Java's own serialization, and this pool has not agreed to it: register a task, or make"
              + " the pool with Codec.NATIVE");
    }
    return new TaskFuture<>(begin(CALL, Message.encode(call, codec), CallOptions.DEFAULT), ANY, codec);
  }

  private Handle begin(String name, Message.Encoded encoded, CallOptions options) throws InterruptedException {
    Out out = new Out();
    Fields fields = options == CallOptions.DEFAULT ? submitDefaults : options.forSubmit(codec);
    int status;
    if (encoded.handles().isEmpty()) {
      status = trySubmit(options, fields, record -> Low.pool_submit(pool, name, encoded.bytes(), record, out));
    } else {
      try (Handle msg = encoded.toMessage()) {
        status = trySubmit(options, fields, record -> Low.pool_submit_msg(pool, name, msg, record, out));
        if (status == Low.OK) msg.disarm();
      }
    }
    if (status == Low.E_TIMEOUT) throw new WaitTimeoutException("the pool stayed full");
    BroodException.check(status);
    return out.take();
  }

  private interface Submission {
    int submit(Handle record);
  }

  private int trySubmit(CallOptions options, Fields fields, Submission submission) throws InterruptedException {
    if (!bounded) return submission.submit(fields.handle());
    return Waits.await(
        Waits.millis(options.roomWait()),
        null,
        wait -> {
          Fields own = options.forSubmit(codec).set("wait_ms", wait.timeoutMillis);
          if (wait.cancel() != null) own.setToken("cancel", wait.cancel());
          return submission.submit(own.handle());
        });
  }

  // ---- many tasks ----

  /** Runs a task on each item; the results in the items' order. The first failure is thrown, the rest cancelled. */
  public <A, R> List<R> map(Task<? super A, R> task, Iterable<? extends A> items) throws InterruptedException {
    return map(task, items, CallOptions.DEFAULT);
  }

  /** The same with options: chunk, run limit, retries, progress. */
  public <A, R> List<R> map(Task<? super A, R> task, Iterable<? extends A> items, CallOptions options)
      throws InterruptedException {
    List<byte[]> packed = new ArrayList<>();
    for (A item : items) {
      Message.Encoded encoded = Message.encode(item, codec);
      if (!encoded.handles().isEmpty()) return mapOneByOne(task, items, options);
      packed.add(encoded.bytes());
    }
    if (packed.isEmpty()) return new ArrayList<>();
    Out out = new Out();
    Fields fields = options.forStream(codec, false);
    BroodException.check(Low.pool_map(pool, task.name(), packed.toArray(byte[][]::new), fields.handle(), out));
    try (Handle stream = out.take();
        Handle batch = Low.batch_create(BATCH)) {
      return collect(task, stream, batch, packed.size(), options.progress());
    }
  }

  @SuppressWarnings("unchecked")
  private <R> List<R> collect(
      Task<?, R> task, Handle stream, Handle batch, int total, CallOptions.Progress progress)
      throws InterruptedException {
    Object[] results = new Object[total];
    int done = 0;
    Shared.Ready ready = new Shared.Ready(() -> stream.part(Low.stream_handle(stream)));
    while (done < total) {
      int status = Waits.await(Waits.FOREVER, ready, wait -> Low.stream_next_batch(stream, batch, wait));
      if (status == Low.E_CANCELED) throw new CancellationException("the map was cancelled");
      BroodException.check(status);
      int count = (int) Low.batch_count(batch);
      for (int i = 0; i < count; ++i) {
        int index = (int) Low.batch_index(batch, i);
        try (Handle msg = Low.batch_take(batch, i)) {
          results[index] = Message.decode(msg, task.resultType(), codec);
        }
      }
      done += count;
      if (progress != null) progress.update(done, total);
    }
    return (List<R>) Arrays.asList(results);
  }

  // Objects of brood in the items travel in messages of their own.
  private <A, R> List<R> mapOneByOne(Task<? super A, R> task, Iterable<? extends A> items, CallOptions options)
      throws InterruptedException {
    List<TaskFuture<R>> futures = new ArrayList<>();
    List<R> results = new ArrayList<>();
    try {
      for (A item : items) futures.add(submit(task, item, options));
      for (TaskFuture<R> future : futures) {
        results.add(resultOf(future, Waits.FOREVER));
        if (options.progress() != null) options.progress().update(results.size(), futures.size());
      }
      return results;
    } finally {
      if (results.size() < futures.size()) futures.forEach(future -> future.cancel(true));
    }
  }

  /**
   * Runs a task on inputs that are drawn as results are taken; they may be without end. An item's failure is thrown in
   * its place, and ends nothing.
   */
  public <A, R> TaskStream<R> results(Task<? super A, R> task, Iterator<? extends A> inputs, CallOptions options) {
    Out out = new Out();
    Fields fields = options.forStream(codec, true);
    BroodException.check(Low.stream_create(pool, task.name(), fields.handle(), out));
    Iterator<byte[]> packed =
        new Iterator<>() {
          @Override
          public boolean hasNext() {
            return inputs.hasNext();
          }

          @Override
          public byte[] next() {
            Message.Encoded encoded = Message.encode(inputs.next(), codec);
            if (encoded.handles().isEmpty()) return encoded.bytes();
            throw new IllegalArgumentException("objects of brood cannot travel in a stream's items: use submit or map");
          }
        };
    return new TaskStream<>(out.take(), task.resultType(), codec, packed);
  }

  /** Results as a stream, in the order of the inputs. Close it if you do not take all. */
  public <A, R> Stream<R> stream(Task<? super A, R> task, Iterable<? extends A> inputs) {
    return results(task, inputs.iterator(), CallOptions.DEFAULT).stream();
  }

  /** Results as a stream, in the order of the inputs, which are drawn as results are taken. */
  public <A, R> Stream<R> stream(Task<? super A, R> task, Stream<? extends A> inputs) {
    return results(task, inputs.iterator(), CallOptions.DEFAULT).stream().onClose(inputs::close);
  }

  // ---- the pool itself ----

  /** Accept no more tasks; what was submitted is finished, then the workers end. */
  @Override
  public void shutdown() {
    super.shutdown();
    BroodException.check(Low.pool_shutdown(pool));
  }

  /** Cancel everything and kill the workers; does not wait. */
  public void terminate() {
    super.shutdown();
    BroodException.check(Low.pool_terminate(pool));
  }

  /** Wait until the last worker has ended. False: the time ran out first. */
  @Override
  public boolean awaitTermination(long timeout, TimeUnit unit) throws InterruptedException {
    return join(Waits.millis(timeout, unit));
  }

  @Override
  boolean join(long millis) throws InterruptedException {
    int status = Waits.await(millis, null, wait -> Low.pool_join(pool, wait));
    if (status == Low.E_TIMEOUT) return false;
    BroodException.check(status);
    return true;
  }

  /** Finish what was submitted, and wait until the workers have ended. An interrupt terminates the pool. */
  @Override
  public void close() {
    if (pool.isClosed()) return;
    boolean interrupted = false;
    try {
      shutdown();
      for (; ; ) {
        try {
          join(Waits.FOREVER);
          break;
        } catch (InterruptedException error) {
          interrupted = true;
          terminate();
        }
      }
    } finally {
      pool.close();
      if (interrupted) Thread.currentThread().interrupt();
    }
  }

  /** What the pool has done so far. */
  public PoolStats stats() {
    Fields counts = new Fields("pool_stats");
    BroodException.check(Low.pool_get_stats(pool, counts.handle()));
    return PoolStats.of(counts);
  }

  /** Who works here right now. */
  public List<WorkerInfo> workers() {
    Out out = new Out();
    BroodException.check(Low.pool_worker_list(pool, out));
    try (Handle numbers = out.take()) {
      // Four numbers for each: id, state, pid, tasks.
      return LongStream.range(0, Low.numbers_count(numbers) / 4)
          .mapToObj(i -> WorkerInfo.of(numbers, 4 * i))
          .toList();
    }
  }

  @Override
  public String toString() {
    return pool.isClosed() ? "Pool, closed" : "Pool" + stats();
  }
}
