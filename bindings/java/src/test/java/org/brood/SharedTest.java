package org.brood;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.nio.ByteBuffer;
import java.nio.DoubleBuffer;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.Lock;
import java.util.stream.IntStream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

@Timeout(60)
class SharedTest {
  private static Pool pool;

  @BeforeAll
  static void start() {
    pool = TestTasks.pool(2);
  }

  @AfterAll
  static void stop() {
    pool.terminate(); // whatever a failed test has left in it
    pool.close();
  }

  @Test
  void aQueueTravelsToWorkers() throws Exception {
    try (SharedQueue<Integer> queue = new SharedQueue<>(Integer.class, 10)) {
      TaskFuture<Void> producer = pool.submit(TestTasks.PRODUCE, Arguments.of(queue, 100));
      TaskFuture<Integer> consumer = pool.submit(TestTasks.DRAIN, queue);
      producer.get();
      queue.shutdown();
      assertEquals(4950, consumer.get());
      assertThrows(ClosedException.class, () -> queue.put(1));
      assertThrows(ClosedException.class, queue::take);
      assertEquals(100, queue.stats().put());
    }
  }

  @Test
  void aQueueHasTheMethodsOfABlockingQueue() throws Exception {
    try (SharedQueue<String> queue = new SharedQueue<>(String.class, 2)) {
      assertNull(queue.poll());
      assertTrue(queue.offer("a"));
      assertTrue(queue.offer("b"));
      assertFalse(queue.offer("c"));
      assertFalse(queue.offer("c", 10, TimeUnit.MILLISECONDS));
      assertEquals(2, queue.size());
      assertEquals(List.of("a", "b"), queue.takeMany(10));
      assertNull(queue.poll(10, TimeUnit.MILLISECONDS));
    }
    SharedQueue.Options options = SharedQueue.Options.DEFAULT.countingTasks();
    try (SharedQueue<Integer> queue = new SharedQueue<>(Integer.class, options)) {
      queue.putAll(List.of(1, 2));
      assertEquals(1, queue.take());
      assertFalse(queue.join(Duration.ofMillis(10)));
      queue.taskDone();
      queue.take();
      queue.taskDone();
      assertTrue(queue.join(Duration.ofSeconds(10)));
    }
  }

  @Test
  void aLeaseOfADeadWorkerComesBack() throws Exception {
    try (SharedQueue<Integer> queue = new SharedQueue<>(Integer.class)) {
      queue.put(7);
      assertThrows(WorkerLostException.class, () -> pool.call(TestTasks.LEASE_AND_DIE, queue));
      try (Lease<Integer> lease = queue.lease(Duration.ofSeconds(30))) {
        assertEquals(7, lease.value());
      }
      try (Lease<Integer> lease = queue.lease()) {
        lease.ack();
      }
      assertNull(queue.lease(Duration.ZERO));
    }
  }

  @Test
  void aPipeCarriesValuesAndHandles() throws Exception {
    try (Pipe.Ends<String> ends = Pipe.duplex(String.class)) {
      TaskFuture<Void> other = pool.submit(TestTasks.ANSWER, ends.second());
      ends.first().send("a question");
      assertEquals("answer to a question", ends.first().receive());
      other.get();
      assertThrows(WaitTimeoutException.class, () -> ends.first().receive(Duration.ofMillis(10)));
    }
    try (Pipe.Ends<SharedLong> ends = Pipe.oneWay(SharedLong.class);
        SharedLong number = new SharedLong(5)) {
      ends.second().send(number);
      try (SharedLong received = ends.first().receive()) {
        received.incrementAndGet();
      }
      assertEquals(6, number.get());
      ends.second().close();
      assertThrows(ClosedException.class, () -> ends.first().receive());
    }
  }

  @Test
  void anArrayIsWrittenInOneProcessAndReadInTheOther() throws Exception {
    try (SharedArray array = new SharedArray(ElementType.DOUBLE, 1000)) {
      DoubleBuffer elements = array.doubles();
      for (int i = 0; i < 1000; ++i) elements.put(i, i);
      assertEquals(999000, pool.call(TestTasks.DOUBLE_ALL, array));
      assertEquals(1998, elements.get(999));
      assertEquals(1998, array.getDouble(999));
      assertThrows(UnsupportedOperationException.class, array::ints);
      assertThrows(IndexOutOfBoundsException.class, () -> array.bytes(999, 2));
      assertTrue(array.readOnlyBytes().isReadOnly());
      assertEquals(1998, array.readOnlyBytes().asDoubleBuffer().get(999));
    }
  }

  @Test
  void aViewOutlivesItsArray() {
    SharedArray array = new SharedArray(ElementType.INT8, 4096);
    ByteBuffer view = array.bytes().slice(100, 10);
    array.close();
    assertThrows(IllegalStateException.class, array::bytes);
    System.gc();
    view.put(0, (byte) 3);
    assertEquals(3, view.get(0));
  }

  @Test
  void elementsAreAtomic() {
    try (SharedArray array = new SharedArray(ElementType.UINT16, 3)) {
      array.setLong(2, 65535);
      assertEquals(65535, array.addLong(2, 2));
      assertEquals(1, array.getLong(2));
      assertTrue(array.compareAndSet(2, 1, 9));
      assertFalse(array.compareAndSet(2, 1, 9));
      assertThrows(IllegalArgumentException.class, () -> array.setLong(0, 65536));
      Lock lock = array.lock();
      lock.lock();
      lock.lock();
      lock.unlock();
      lock.unlock();
      assertThrows(IllegalStateException.class, lock::unlock);
    }
    try (SharedDouble number = new SharedDouble(1.5)) {
      assertEquals(1.5, number.getAndAdd(1));
      assertEquals(2.5, number.get());
    }
  }

  @Test
  void aLockIsHeldByOneAtATime() throws Exception {
    try (SharedLock lock = new SharedLock();
        SharedLong counter = new SharedLong(0)) {
      List<TaskFuture<Void>> workers = new ArrayList<>();
      for (int i = 0; i < 2; ++i) workers.add(pool.submit(TestTasks.COUNT_UP, Arguments.of(lock, counter, 1000)));
      TestTasks.countUp(lock, counter, 1000);
      for (TaskFuture<Void> worker : workers) worker.get();
      assertEquals(3000, counter.get());
      assertTrue(lock.tryLock());
      assertFalse(lock.tryLock(10, TimeUnit.MILLISECONDS));
      lock.unlock();
      assertThrows(IllegalStateException.class, lock::unlock);
    }
  }

  @Test
  void aDeadHolderIsTold() {
    try (SharedLock lock = new SharedLock()) {
      assertThrows(WorkerLostException.class, () -> pool.call(TestTasks.LOCK_AND_DIE, lock));
      assertThrows(OwnerDiedException.class, lock::lock);
      lock.recover();
      lock.unlock();
      assertTrue(lock.tryLock());
    }
  }

  @Test
  void aConditionTravelsWithItsLock() throws Exception {
    try (SharedLock lock = SharedLock.reentrant();
        SharedCondition condition = lock.newCondition();
        SharedLong flag = new SharedLong(0)) {
      lock.lock();
      TaskFuture<Void> worker = pool.submit(TestTasks.SIGNAL, Arguments.of(condition, flag));
      while (flag.get() == 0) condition.await();
      assertFalse(condition.await(10, TimeUnit.MILLISECONDS));
      lock.unlock();
      worker.get();
      assertThrows(IllegalStateException.class, condition::await);
    }
  }

  @Test
  void partiesMeetAtABarrier() throws Exception {
    try (SharedBarrier barrier = new SharedBarrier(3)) {
      TaskFuture<Integer> first = pool.submit(TestTasks.MEET, barrier);
      TaskFuture<Integer> second = pool.submit(TestTasks.MEET, barrier);
      int own = barrier.await();
      assertEquals(List.of(0, 1, 2), IntStream.of(own, first.get(), second.get()).sorted().boxed().toList());
      assertThrows(WaitTimeoutException.class, () -> barrier.await(Duration.ofMillis(10)));
      assertTrue(barrier.isBroken());
      assertThrows(BrokenException.class, () -> barrier.await());
    }
    try (SharedBarrier alone = new SharedBarrier(1)) {
      boolean[] ran = {false};
      assertEquals(0, alone.await(() -> ran[0] = true));
      assertTrue(ran[0]);
    }
  }

  @Test
  void theOthersOfTheFamily() throws Exception {
    try (SharedSemaphore semaphore = SharedSemaphore.bounded(1);
        SharedEvent event = new SharedEvent();
        SharedReadWriteLock both = new SharedReadWriteLock()) {
      semaphore.acquire();
      assertFalse(semaphore.tryAcquire());
      assertFalse(semaphore.tryAcquire(10, TimeUnit.MILLISECONDS));
      semaphore.release();
      assertThrows(IllegalStateException.class, semaphore::release);
      assertEquals(1, semaphore.availablePermits());
      assertFalse(event.await(Duration.ofMillis(10)));
      assertEquals(-1, Brood.waitAny(List.of(event), Duration.ofMillis(10)));
      event.set();
      event.await();
      assertEquals(1, Brood.waitAny(List.of(new SharedEvent(), event), null));
      both.readLock().lock();
      assertFalse(both.writeLock().tryLock());
      both.readLock().unlock();
      both.writeLock().lock();
      assertFalse(both.readLock().tryLock());
      both.writeLock().unlock();
    }
  }
}
