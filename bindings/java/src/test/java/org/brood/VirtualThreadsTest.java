package org.brood;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ThreadFactory;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicReference;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/**
 * Many virtual threads wait at once, and the JVM has one carrier for them, so that a single one that waited in native
 * code would stop all others. See the options that the build gives to this test.
 */
@Timeout(120)
class VirtualThreadsTest {
  private static final int MANY = 200;
  private final ThreadFactory virtual = TestThreads.virtual();
  private final AtomicReference<Throwable> failure = new AtomicReference<>();

  interface Body {
    void run(int number) throws Exception;
  }

  @BeforeEach
  void onlyWhereThereAreSome() {
    Assumptions.assumeTrue(virtual != null, "this JVM has no virtual threads");
  }

  /** Runs the bodies, then {@code whenAllWait} once every one has begun. */
  private void run(Body body, Body whenAllWait) throws Exception {
    CountDownLatch begun = new CountDownLatch(MANY);
    List<Thread> threads = new ArrayList<>();
    for (int i = 0; i < MANY; ++i) {
      int number = i;
      threads.add(
          virtual.newThread(
              () -> {
                begun.countDown();
                try {
                  body.run(number);
                } catch (Throwable error) {
                  failure.compareAndSet(null, error);
                }
              }));
    }
    threads.forEach(Thread::start);
    assertTrue(begun.await(60, TimeUnit.SECONDS), "a virtual thread pinned its carrier");
    whenAllWait.run(0);
    for (Thread thread : threads) thread.join();
    if (failure.get() != null) throw new AssertionError(failure.get());
  }

  @Test
  void queues() throws Exception {
    try (SharedQueue<Integer> queue = new SharedQueue<>(Integer.class)) {
      AtomicInteger sum = new AtomicInteger();
      run(
          number -> sum.addAndGet(queue.take()),
          ignored -> {
            for (int i = 0; i < MANY; ++i) queue.put(i);
          });
      assertEquals(MANY * (MANY - 1) / 2, sum.get());
    }
  }

  @Test
  void locks() throws Exception {
    try (SharedLock lock = SharedLock.reentrant();
        SharedLong counter = new SharedLong(0)) {
      lock.lock();
      run(number -> TestTasks.countUp(lock, counter, 10), ignored -> lock.unlock());
      assertEquals(10 * MANY, counter.get());
    }
  }

  @Test
  void calls() throws Exception {
    try (Pool pool = TestTasks.pool(2)) {
      run(number -> assertEquals(TestTasks.fib(number % 20), pool.call(TestTasks.FIB, number % 20)), ignored -> {});
      run(number -> assertEquals(55, pool.submit(TestTasks.FIB, 10).get()), ignored -> {});
      run(number -> assertEquals(List.of(1L, 1L), pool.map(TestTasks.FIB, List.of(1, 2))), ignored -> {});
    }
  }

  @Test
  void eventsAndConditions() throws Exception {
    try (SharedEvent event = new SharedEvent();
        SharedLock lock = SharedLock.reentrant();
        SharedCondition condition = lock.newCondition();
        SharedLong open = new SharedLong(0)) {
      run(number -> event.await(), ignored -> event.set());
      run(
          number -> {
            if (number >= 100) return; // as many as wait at one condition at most
            lock.lock();
            try {
              while (open.get() == 0) condition.await();
            } finally {
              lock.unlock();
            }
          },
          ignored -> {
            lock.lock();
            open.set(1);
            condition.signalAll();
            lock.unlock();
          });
    }
  }
}
