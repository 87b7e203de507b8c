package org.brood;

import java.io.IOException;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;

/** The tasks of the tests, and the main of their workers. */
public final class TestTasks {
  record Point(int x, int y, List<String> names) {}

  enum Colour {
    RED,
    GREEN
  }

  static final Task<Integer, Long> FIB = Brood.register("fib", TestTasks::fib);
  static final Task<Arguments, Integer> ADD = Brood.register("add", (Integer a, Integer b) -> a + b);
  static final Task<Void, Long> PID = Brood.register("pid", () -> ProcessHandle.current().pid());
  static final Task<Object, Object> ECHO = Brood.register("echo", (Object value) -> value);
  static final Task<Point, Point> SWAP = Brood.register("swap", TestTasks::swap);
  static final Task<List<Integer>, Integer> SUM = Brood.register("sum", TestTasks::sum);
  static final Task<Map<String, Colour>, List<Colour>> COLOURS = Brood.register("colours", TestTasks::colours);
  static final Task<String, String> FAIL = Brood.register("fail", TestTasks::fail);
  static final Task<Integer, Integer> EXIT = Brood.register("exit", TestTasks::exit);
  static final Task<Integer, Integer> DIE = Brood.register("die", TestTasks::die);
  static final Task<Object, Object> HANG = Brood.register("hang", TestTasks::hang);
  static final Task<String, String> GETENV = Brood.register("getenv", (String name) -> System.getenv(name));
  static final Task<Arguments, Void> PRODUCE = Brood.register("produce", TestTasks::produce);
  static final Task<SharedQueue<Integer>, Integer> DRAIN = Brood.register("drain", TestTasks::drain);
  static final Task<SharedQueue<Integer>, Integer> LEASE_AND_DIE =
      Brood.register("lease_and_die", TestTasks::leaseAndDie);
  static final Task<SharedArray, Double> DOUBLE_ALL = Brood.register("double_all", TestTasks::doubleAll);
  static final Task<Arguments, Void> COUNT_UP = Brood.register("count_up", TestTasks::countUp);
  static final Task<SharedLock, Void> LOCK_AND_DIE = Brood.register("lock_and_die", TestTasks::lockAndDie);
  static final Task<SharedBarrier, Integer> MEET = Brood.register("meet", (SharedBarrier barrier) -> barrier.await());
  static final Task<Arguments, Void> SIGNAL = Brood.register("signal", TestTasks::signal);
  static final Task<Pipe<String>, Void> ANSWER = Brood.register("answer", TestTasks::answer);
  static final Task<Integer, Void> REMEMBER = Brood.registerAction("remember", TestTasks::remember);
  static final Task<Void, Integer> RECALL = Brood.register("recall", TestTasks::recall);
  static final Task<String, Void> SHOUT = Brood.registerAction("shout", TestTasks::shout);
  static final Task<String, Integer> BACKTICKS = Brood.register("backticks", TestTasks::backticks);
  static final Task<Integer, Integer> BUSY = Brood.register("busy", TestTasks::busy);

  private static int remembered = -1; // by the initializer

  private TestTasks() {}

  public static void main(String[] args) {
    Brood.main(args);
    throw new AssertionError("this program is for workers");
  }

  /** A pool of these workers. */
  static PoolOptions options(int workers) {
    return new PoolOptions().workers(workers).workerClass(TestTasks.class);
  }

  static Pool pool(int workers) {
    return new Pool(options(workers));
  }

  static long fib(int n) {
    return n < 2 ? n : fib(n - 1) + fib(n - 2);
  }

  static Point swap(Point point) {
    List<String> names = new ArrayList<>(point.names());
    Collections.reverse(names);
    return new Point(point.y(), point.x(), names);
  }

  static int sum(List<Integer> numbers) {
    int sum = 0;
    for (Integer number : numbers) sum += number;
    return sum;
  }

  static List<Colour> colours(Map<String, Colour> named) {
    return List.copyOf(named.values());
  }

  static String fail(String message) throws IOException {
    throw new IOException(message);
  }

  static int exit(int code) {
    System.exit(code);
    return code;
  }

  static int die(int signal) throws Exception {
    new ProcessBuilder("kill", "-" + signal, Long.toString(ProcessHandle.current().pid())).start().waitFor();
    return (Integer) hang(signal);
  }

  static Object hang(Object value) throws InterruptedException {
    new SharedEvent().await();
    return value;
  }

  static Void produce(SharedQueue<Integer> queue, int count) throws InterruptedException {
    for (int i = 0; i < count; ++i) queue.put(i);
    return null;
  }

  static int drain(SharedQueue<Integer> queue) {
    int sum = 0;
    for (Integer number : queue) sum += number;
    return sum;
  }

  static int leaseAndDie(SharedQueue<Integer> queue) throws Exception {
    queue.lease();
    return die(9);
  }

  static double doubleAll(SharedArray array) {
    var elements = array.doubles();
    double sum = 0;
    for (int i = 0; i < elements.limit(); ++i) {
      elements.put(i, elements.get(i) * 2);
      sum += elements.get(i);
    }
    return sum;
  }

  static Void countUp(SharedLock lock, SharedLong counter, int times) {
    for (int i = 0; i < times; ++i) {
      lock.lock();
      try {
        counter.set(counter.get() + 1);
      } finally {
        lock.unlock();
      }
    }
    return null;
  }

  static Void lockAndDie(SharedLock lock) throws Exception {
    lock.lock();
    die(9);
    return null;
  }

  static Void signal(SharedCondition condition, SharedLong flag) {
    condition.lock().lock();
    try {
      flag.set(1);
      condition.signal();
    } finally {
      condition.lock().unlock();
    }
    return null;
  }

  static Void answer(Pipe<String> pipe) throws InterruptedException {
    pipe.send("answer to " + pipe.receive());
    return null;
  }

  static void remember(int number) {
    remembered = number;
  }

  static int recall() {
    return remembered;
  }

  static void shout(String text) {
    System.out.println(text.toUpperCase(java.util.Locale.ROOT));
  }

  static int backticks(String word) throws Exception {
    Process process = new ProcessBuilder("echo", word).start();
    int length = process.inputReader().readLine().length();
    process.waitFor(1, TimeUnit.MINUTES);
    return length;
  }

  static int busy(int pid) {
    for (; ; ) Thread.onSpinWait();
  }
}
