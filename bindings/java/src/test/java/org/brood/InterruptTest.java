package org.brood;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.LinkedHashMap;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ThreadFactory;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicReference;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestFactory;
import org.junit.jupiter.api.Timeout;

/** Every wait ends by an interrupt, in platform threads and, where the JVM has them, in virtual ones. */
@Timeout(60)
class InterruptTest {
  private static Pool pool;
  private static final SharedQueue<Integer> EMPTY = new SharedQueue<>(Integer.class);
  private static final SharedQueue<Integer> FULL = new SharedQueue<>(Integer.class, 1);
  private static final SharedLock HELD = new SharedLock();
  private static final SharedLock FREE = SharedLock.reentrant();
  private static final Pipe.Ends<Integer> PIPE = Pipe.duplex(Integer.class);

  interface Waiting {
    void run() throws Exception;
  }

  @BeforeAll
  static void start() {
    pool = TestTasks.pool(2);
    FULL.offer(1);
    HELD.lock();
  }

  @AfterAll
  static void stop() {
    pool.terminate();
    pool.close();
  }

  private static Map<String, Waiting> waits() {
    Map<String, Waiting> waits = new LinkedHashMap<>();
    waits.put("a queue's take", EMPTY::take);
    waits.put("a queue's put", () -> FULL.put(2));
    waits.put("a lease", EMPTY::lease);
    waits.put("a pipe", () -> PIPE.first().receive());
    waits.put("a lock", HELD::lockInterruptibly);
    waits.put("an event", () -> new SharedEvent().await());
    waits.put("a semaphore", () -> new SharedSemaphore(0).acquire());
    waits.put("a barrier", () -> new SharedBarrier(2).await());
    waits.put("a condition", InterruptTest::awaitCondition);
    waits.put("a call", () -> pool.call(TestTasks.HANG, 1));
    waits.put("a map", () -> pool.map(TestTasks.HANG, java.util.List.of(1)));
    waits.put("a future", InterruptTest::awaitFuture);
    waits.put("any of many", () -> Brood.waitAny(java.util.List.of(EMPTY, HELD), null));
    return waits;
  }

  private static void awaitCondition() throws InterruptedException {
    FREE.lock();
    try {
      FREE.newCondition().await();
    } finally {
      FREE.unlock(); // it is held again, whatever ended the wait
    }
  }

  private static void awaitFuture() throws Exception {
    TaskFuture<Object> future = pool.submit(TestTasks.HANG, 1);
    try {
      future.get();
    } finally {
      future.cancel(true);
    }
  }

  @TestFactory
  Stream<DynamicTest> platformThreads() {
    return waits().entrySet().stream().map(wait -> test(wait, Thread::new));
  }

  @TestFactory
  Stream<DynamicTest> virtualThreads() {
    ThreadFactory virtual = TestThreads.virtual();
    if (virtual == null) return Stream.empty();
    return waits().entrySet().stream().map(wait -> test(wait, virtual));
  }

  private static DynamicTest test(Map.Entry<String, Waiting> wait, ThreadFactory threads) {
    return DynamicTest.dynamicTest(
        wait.getKey(),
        () -> {
          // Before the wait, and at whatever moment of it.
          for (int spins : new int[] {0, 10_000, 10_000_000}) interrupt(wait.getValue(), threads, spins);
        });
  }

  private static void interrupt(Waiting wait, ThreadFactory threads, int spins) throws Exception {
    AtomicReference<Throwable> thrown = new AtomicReference<>();
    CompletableFuture<Void> begun = new CompletableFuture<>();
    Thread thread =
        threads.newThread(
            () -> {
              begun.complete(null);
              try {
                wait.run();
              } catch (Throwable error) {
                thrown.set(error);
              }
            });
    thread.start();
    begun.get();
    for (int i = 0; i < spins; ++i) Thread.onSpinWait();
    thread.interrupt();
    thread.join(30_000);
    assertFalse(thread.isAlive());
    assertTrue(thrown.get() instanceof InterruptedException, () -> "it threw " + thrown.get());
  }

  @Test
  void aResultThatIsThereIsNotLost() throws Exception {
    try (SharedQueue<Integer> queue = new SharedQueue<>(Integer.class)) {
      for (int i = 0; i < 200; ++i) {
        AtomicReference<Integer> got = new AtomicReference<>();
        Thread thread =
            new Thread(
                () -> {
                  try {
                    got.set(queue.take());
                  } catch (InterruptedException error) {
                    // Then it is still in the queue.
                  }
                });
        thread.start();
        queue.put(i);
        thread.interrupt();
        thread.join();
        Integer left = queue.poll();
        assertEquals(i, got.get() != null ? got.get() : left);
        assertTrue(got.get() == null || left == null);
      }
    }
  }

  @Test
  void anInterruptIsKeptWhereItCannotBeThrown() {
    Thread.currentThread().interrupt();
    FREE.lock();
    FREE.unlock();
    assertTrue(Thread.interrupted());
    assertFalse(HELD.tryLock());
    assertFalse(Thread.interrupted());
  }

  @Test
  void aThreadCanWaitAgainAfterAnInterrupt() throws Exception {
    Thread.currentThread().interrupt();
    try {
      EMPTY.take();
    } catch (InterruptedException error) {
      assertFalse(EMPTY.poll(20, TimeUnit.MILLISECONDS) != null);
      assertEquals(55, pool.call(TestTasks.FIB, 10));
      return;
    }
    throw new AssertionError("it was not interrupted");
  }
}
