package org.brood;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Stream;

/** Programs of their own: the hosts that the tests start, each with an eye on something else. */
final class Programs {
  private Programs() {}

  public static void main(String[] args) throws Exception {
    switch (args[0]) {
      case "busy" -> busy();
      case "stroll" -> stroll();
      case "pools" -> pools(args[1], Integer.parseInt(args[2]));
      case "garbage" -> garbage();
      case "unguarded" -> unguarded();
      default -> throw new IllegalArgumentException(args[0]);
    }
    System.out.println("done");
  }

  /** Workers that are busy for ever; whose pids are printed. */
  private static void busy() throws Exception {
    try (Pool pool = TestTasks.pool(2)) {
      List<TaskFuture<Integer>> futures = new ArrayList<>();
      for (int i = 0; i < 2; ++i) futures.add(pool.submit(TestTasks.BUSY, i));
      while (pool.workers().stream().filter(worker -> worker.state() == WorkerInfo.State.BUSY).count() < 2) {
        Thread.onSpinWait();
      }
      pool.workers().forEach(worker -> System.out.println(worker.pid()));
      futures.get(0).get();
    }
  }

  /** A little of everything, for who watches the JNI calls. */
  private static void stroll() throws Exception {
    try (Pool pool = TestTasks.pool(2);
        SharedQueue<Object> queue = new SharedQueue<>(Object.class, 2);
        SharedArray array = new SharedArray(ElementType.DOUBLE, 100);
        SharedLock lock = SharedLock.reentrant();
        SharedCondition condition = lock.newCondition();
        SharedLong flag = new SharedLong(0)) {
      pool.map(TestTasks.FIB, List.of(1, 2, 3));
      pool.submit(TestTasks.FIB, 5).thenApply(n -> n + 1).get();
      expect(TaskFailedException.class, () -> pool.call(TestTasks.FAIL, "x"));
      expect(WorkerLostException.class, () -> pool.call(TestTasks.EXIT, 1));
      queue.put(lock);
      queue.putAll(List.of("b"));
      if (queue.offer("c")) throw new AssertionError("it is full");
      ((SharedLock) queue.take()).close();
      queue.takeMany(5);
      array.doubles().put(0, 1);
      pool.call(TestTasks.DOUBLE_ALL, array);
      lock.lock();
      TaskFuture<Void> signal = pool.submit(TestTasks.SIGNAL, Arguments.of(condition, flag));
      while (flag.get() == 0) condition.await();
      lock.unlock();
      signal.get();
      Thread main = Thread.currentThread();
      new Thread(main::interrupt).start();
      expect(InterruptedException.class, queue::take);
      pool.workers();
      pool.stats();
      expect(IllegalStateException.class, lock::unlock);
      Brood.waitAny(List.of(lock), null);
    }
  }

  private static void expect(Class<?> type, InterruptTest.Waiting body) throws Exception {
    try {
      body.run();
    } catch (Exception error) {
      if (type.isInstance(error)) return;
      throw error;
    }
    throw new AssertionError("there was no " + type);
  }

  /** Many pools, one after the other, of another program's workers; nothing may grow. */
  private static void pools(String worker, int count) throws Exception {
    long before = 0;
    for (int i = 0; i < count; ++i) {
      try (Pool pool = new Pool(new PoolOptions().workers(1).command(worker).codec(Codec.RAW))) {
        byte[] argument = ByteBuffer.allocate(4).order(ByteOrder.nativeOrder()).putInt(20).array();
        byte[] result = pool.submit(Brood.<byte[]>task("fib", byte[].class), argument).get();
        long value = ByteBuffer.wrap(result).order(ByteOrder.nativeOrder()).getLong();
        if (value != 6765) throw new AssertionError("fib(20) is not " + value);
      }
      // What is made once is there by now.
      if (i == 9) before = descriptors();
    }
    long after = descriptors();
    if (after > before) throw new AssertionError(before + " descriptors have become " + after);
  }

  private static long descriptors() throws Exception {
    try (Stream<Path> open = Files.list(Path.of("/proc/self/fd"))) {
      return open.count();
    }
  }

  /** Objects that nobody closes, while the collector runs. */
  private static void garbage() throws Exception {
    Brood.init(1L << 28);
    try (Pool pool = TestTasks.pool(1)) {
      List<ByteBuffer> views = new ArrayList<>();
      for (int i = 0; i < 2000; ++i) {
        SharedQueue<Integer> queue = new SharedQueue<>(Integer.class);
        queue.put(i);
        // 2000 of them are more than the arena has room for.
        SharedArray array = new SharedArray(ElementType.INT64, 1 << 16);
        array.setLong(7, i);
        if (i % 100 == 0) views.add(array.bytes().slice(56, 8).order(ByteOrder.nativeOrder()));
        pool.submit(TestTasks.ECHO, i);
        if (i % 50 == 0) System.gc();
        if (i % 50 == 0) pool.call(TestTasks.ECHO, queue);
      }
      for (int i = 0; i < views.size(); ++i) {
        if (views.get(i).getLong(0) != 100L * i) throw new AssertionError("a view has lost its memory");
      }
    }
  }

  /** A program whose main has no guard: its workers run it again, and must be told. */
  private static void unguarded() throws Exception {
    try (Pool pool = new Pool(1)) {
      expect(InitializerFailedException.class, () -> pool.call(TestTasks.FIB, 1));
    }
  }
}
