import java.nio.DoubleBuffer;
import java.time.Duration;
import java.time.Instant;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CancellationException;
import java.util.concurrent.TimeUnit;
import java.util.stream.LongStream;
import org.brood.Arguments;
import org.brood.Brood;
import org.brood.CallOptions;
import org.brood.ElementType;
import org.brood.Pool;
import org.brood.PoolOptions;
import org.brood.SharedArray;
import org.brood.SharedLock;
import org.brood.SharedQueue;
import org.brood.Task;
import org.brood.TaskFailedException;
import org.brood.TaskFuture;
import org.brood.TaskTimeoutException;
import org.brood.WorkerLostException;

/**
 * Java's part of the matrix: the tasks as a worker, the checks as a host. See README.md beside this file.
 *
 * <p>usage: Matrix COMMAND... (the workers' program)
 */
public final class Matrix {
  static final Task<Long, Long> SQUARE = Brood.register("square", (Long n) -> n * n);
  static final Task<Object, Object> ECHO = Brood.register("echo", (Object value) -> value);
  static final Task<String, Void> FAIL = Brood.register("fail", Matrix::fail);
  static final Task<Void, Void> CRASH = Brood.register("crash", Matrix::crash);
  static final Task<SharedQueue<String>, Void> HANG = Brood.register("hang", Matrix::hang);
  static final Task<Arguments, Void> FILL = Brood.register("fill", Matrix::fill);
  static final Task<Arguments, Void> LOCKED_ADD = Brood.register("locked_add", Matrix::lockedAdd);
  static final Task<Arguments, Void> SCALE = Brood.register("scale", Matrix::scale);

  private static final long LONG = 60; // seconds: whoever waits so long waits for nothing

  private Matrix() {}

  static Void fail(String text) {
    throw new IllegalArgumentException(text);
  }

  static Void crash() throws Exception {
    new ProcessBuilder("kill", "-KILL", Long.toString(ProcessHandle.current().pid())).start().waitFor();
    throw new AssertionError("still alive");
  }

  static Void hang(SharedQueue<String> queue) throws InterruptedException {
    queue.put("running");
    Thread.currentThread().join();
    return null;
  }

  static Void fill(SharedQueue<Integer> queue, int count) throws InterruptedException {
    for (int i = 0; i < count; ++i) queue.put(i);
    return null;
  }

  static Void lockedAdd(SharedLock lock, SharedArray array, SharedQueue<Boolean> queue) throws InterruptedException {
    boolean free = lock.tryLock();
    queue.put(free);
    if (!free) lock.lock();
    try {
      array.setLong(0, array.getLong(0) + 1);
    } finally {
      lock.unlock();
    }
    return null;
  }

  static Void scale(SharedArray array, double factor) {
    DoubleBuffer elements = array.doubles();
    for (int i = 0; i < elements.limit(); ++i) elements.put(i, elements.get(i) * factor);
    return null;
  }

  // ---- the host ----

  private interface Check {
    void run(Pool pool) throws Exception;
  }

  private interface Action {
    void run() throws Exception;
  }

  private static void expect(boolean condition, String why) {
    if (!condition) throw new AssertionError(why);
  }

  private static <E extends Exception> E thrown(Class<E> type, Action action) throws Exception {
    try {
      action.run();
    } catch (Exception error) {
      if (type.isInstance(error)) return type.cast(error);
      throw error;
    }
    throw new AssertionError("it did not fail");
  }

  private static void goesOn(Pool pool) throws Exception {
    expect(pool.call(SQUARE, 9L) == 81, "the next task fails");
  }

  private static void checkMap(Pool pool) throws Exception {
    List<Long> squares = pool.map(SQUARE, LongStream.range(0, 100).boxed().toList());
    expect(squares.equals(LongStream.range(0, 100).map(n -> n * n).boxed().toList()), "got " + squares);
  }

  private static void checkValues(Pool pool) throws Exception {
    List<Object> values =
        Arrays.asList(
            null, true, false, -1L, Long.MAX_VALUE, Long.MIN_VALUE, 1.5, -0.1, "", "Größe 日本語 🐦",
            new byte[] {0, -1, -128}, List.of(), List.of(1L, List.of(2.5, Arrays.asList("x", null))),
            Map.of("Maß", Map.of("deep", List.of(1L, Map.of("a", "b")))), Instant.ofEpochMilli(1_700_000_000_250L));
    for (Object value : values) {
      Object back = pool.call(ECHO, value);
      // Arrays of bytes are equal by their contents only.
      expect(Arrays.deepEquals(new Object[] {back}, new Object[] {value}), value + " came back as " + back);
    }
  }

  private static void checkError(Pool pool) throws Exception {
    TaskFailedException error = thrown(TaskFailedException.class, () -> pool.call(FAIL, "Größe 7 fehlt"));
    expect(error.getMessage().contains("Größe 7 fehlt"), "its message is " + error.getMessage());
    expect(!error.kind().isEmpty(), "its kind is empty");
    expect(error.pid() != 0 && error.pid() != ProcessHandle.current().pid(), "its pid is " + error.pid());
  }

  private static void checkCrash(Pool pool) throws Exception {
    WorkerLostException error = thrown(WorkerLostException.class, () -> pool.call(CRASH));
    expect(error.signal() == 9 && error.pid() != 0, "got signal " + error.signal() + ", pid " + error.pid());
    goesOn(pool);
  }

  private static void checkTimeout(Pool pool) throws Exception {
    CallOptions limited = CallOptions.DEFAULT.runLimit(Duration.ofMillis(200));
    try (SharedQueue<String> queue = new SharedQueue<>(String.class)) {
      thrown(TaskTimeoutException.class, () -> pool.call(HANG, queue, null, limited));
    }
    goesOn(pool);
  }

  private static void checkCancel(Pool pool) throws Exception {
    try (SharedQueue<String> queue = new SharedQueue<>(String.class)) {
      TaskFuture<Void> future = pool.submit(HANG, queue);
      expect("running".equals(queue.poll(LONG, TimeUnit.SECONDS)), "it does not run");
      expect(future.cancel(true), "it was done already");
      thrown(CancellationException.class, future::get);
    }
    goesOn(pool);
  }

  private static void checkQueue(Pool pool) throws Exception {
    try (SharedQueue<Integer> queue = new SharedQueue<>(Integer.class)) {
      TaskFuture<Void> future = pool.submit(FILL, Arguments.of(queue, 1000));
      for (Integer i = 0; i < 1000; ++i) {
        Integer number = queue.poll(LONG, TimeUnit.SECONDS);
        expect(i.equals(number), "number " + i + " is " + number);
      }
      future.get();
      expect(queue.isEmpty(), "something is left");
    }
  }

  private static void checkLock(Pool pool) throws Exception {
    try (SharedLock lock = new SharedLock();
        SharedArray array = new SharedArray(ElementType.INT64, 1);
        SharedQueue<Boolean> queue = new SharedQueue<>(Boolean.class)) {
      TaskFuture<Void> future;
      lock.lock();
      try {
        future = pool.submit(LOCKED_ADD, Arguments.of(lock, array, queue));
        expect(Boolean.FALSE.equals(queue.poll(LONG, TimeUnit.SECONDS)), "the worker got the lock");
        expect(!future.isDone() && array.getLong(0) == 0, "the worker did not wait for the lock");
      } finally {
        lock.unlock();
      }
      future.get();
      expect(array.getLong(0) == 1, "the element is " + array.getLong(0));
    }
  }

  private static void checkArray(Pool pool) throws Exception {
    try (SharedArray array = new SharedArray(ElementType.DOUBLE, 1000)) {
      DoubleBuffer elements = array.doubles();
      for (int i = 0; i < 1000; ++i) elements.put(i, i + 0.5);
      pool.call(SCALE, Arguments.of(array, 2.5));
      for (int i = 0; i < 1000; ++i) expect(elements.get(i) == (i + 0.5) * 2.5, "an element is " + elements.get(i));
    }
  }

  private static boolean passes(String name, Check check, Pool pool) {
    try {
      check.run(pool);
      System.out.println("ok " + name);
      return true;
    } catch (Exception | AssertionError error) {
      System.out.println("failed " + name + ": " + error);
      return false;
    }
  }

  public static void main(String[] args) {
    Brood.main(args);
    List<Map.Entry<String, Check>> checks =
        List.of(
            Map.entry("map", Matrix::checkMap),
            Map.entry("values", Matrix::checkValues),
            Map.entry("error", Matrix::checkError),
            Map.entry("crash", Matrix::checkCrash),
            Map.entry("timeout", Matrix::checkTimeout),
            Map.entry("cancel", Matrix::checkCancel),
            Map.entry("queue", Matrix::checkQueue),
            Map.entry("lock", Matrix::checkLock),
            Map.entry("array", Matrix::checkArray));
    int failed = 0;
    try (Pool pool = new Pool(new PoolOptions().workers(1).command(args))) {
      for (Map.Entry<String, Check> check : checks) {
        if (!passes(check.getKey(), check.getValue(), pool)) ++failed;
      }
    }
    System.out.println(checks.size() + " checks, " + failed + " failed");
    System.exit(failed == 0 ? 0 : 1);
  }
}
