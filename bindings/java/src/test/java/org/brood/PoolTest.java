package org.brood;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.concurrent.Callable;
import java.util.concurrent.CancellationException;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

@Timeout(60)
class PoolTest {
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
  void mapKeepsTheOrder() throws Exception {
    List<Integer> inputs = IntStream.range(0, 1000).map(i -> i % 15).boxed().toList();
    List<Long> results = pool.map(TestTasks.FIB, inputs);
    for (int i = 0; i < 1000; ++i) assertEquals(TestTasks.fib(i % 15), results.get(i));
    assertEquals(List.of(), pool.map(TestTasks.FIB, List.of()));
  }

  @Test
  void mapTellsItsProgress() throws Exception {
    List<Long> told = new ArrayList<>();
    pool.map(
        TestTasks.FIB,
        Collections.nCopies(100, 1),
        CallOptions.DEFAULT.chunk(1).progress((done, total) -> told.add(done)));
    assertEquals(100, told.get(told.size() - 1));
  }

  @Test
  void valuesHaveTheTypesThatTheFunctionSays() throws Exception {
    assertEquals(3, pool.call(TestTasks.ADD, Arguments.of(1, 2)));
    assertEquals(
        new TestTasks.Point(2, 1, List.of("b", "a")),
        pool.call(TestTasks.SWAP, new TestTasks.Point(1, 2, List.of("a", "b"))));
    assertEquals(6, pool.call(TestTasks.SUM, List.of(1, 2, 3)));
    assertEquals(
        List.of(TestTasks.Colour.GREEN), pool.call(TestTasks.COLOURS, Map.of("grass", TestTasks.Colour.GREEN)));
    Instant now = Instant.ofEpochSecond(1_700_000_000, 5);
    assertEquals(List.of("text", 1.5, true, now), pool.call(TestTasks.ECHO, List.of("text", 1.5, true, now)));
    assertArrayEquals(new byte[] {1, 2}, (byte[]) pool.call(TestTasks.ECHO, new byte[] {1, 2}));
    assertNull(pool.call(TestTasks.ECHO, null));
    assertThrows(IllegalArgumentException.class, () -> pool.call(TestTasks.ECHO, new Object()));
  }

  @Test
  void aFutureIsACompletableFuture() throws Exception {
    TaskFuture<Long> future = pool.submit(TestTasks.FIB, 20);
    assertEquals(6766, future.thenApply(n -> n + 1).get());
    assertEquals(6765, future.get(1, TimeUnit.MINUTES));
    List<TaskFuture<Long>> many = new ArrayList<>();
    for (int i = 0; i < 20; ++i) many.add(pool.submit(TestTasks.FIB, i));
    CompletableFuture.allOf(many.toArray(CompletableFuture[]::new)).get();
    for (int i = 0; i < 20; ++i) assertEquals(TestTasks.fib(i), many.get(i).join());
  }

  @Test
  void streamsAreLazy() throws Exception {
    try (Stream<Long> results = pool.stream(TestTasks.FIB, Stream.iterate(0, i -> (i + 1) % 20))) {
      assertEquals(IntStream.range(0, 10).mapToObj(TestTasks::fib).toList(), results.limit(10).toList());
    }
    List<Integer> inputs = IntStream.range(0, 200).map(i -> i % 10).boxed().toList();
    try (TaskStream<Long> results =
        pool.results(TestTasks.FIB, inputs.iterator(), CallOptions.DEFAULT.inAnyOrder().window(8))) {
      boolean[] seen = new boolean[200];
      while (results.hasNext()) {
        long value = results.next();
        int index = (int) results.index();
        assertFalse(seen[index]);
        seen[index] = true;
        assertEquals(TestTasks.fib(index % 10), value);
      }
      for (boolean one : seen) assertTrue(one);
    }
  }

  @Test
  void anItemsFailureTakesItsPlaceInAStream() {
    List<String> items = List.of("a", "b");
    try (TaskStream<String> results = pool.results(TestTasks.FAIL, items.iterator(), CallOptions.DEFAULT)) {
      for (String item : items) {
        assertTrue(results.hasNext());
        assertEquals(item, assertThrows(TaskFailedException.class, results::next).remoteMessage());
      }
      assertFalse(results.hasNext());
    }
  }

  @Test
  void aFailureHasTheRemoteTraceAsItsCause() {
    var error = assertThrows(TaskFailedException.class, () -> pool.call(TestTasks.FAIL, "no such thing"));
    assertEquals("java.io.IOException", error.kind());
    assertEquals("no such thing", error.remoteMessage());
    assertTrue(error.getCause() instanceof RemoteTrace);
    assertTrue(error.getCause().getMessage().contains("at org.brood.TestTasks.fail(TestTasks.java"));
    assertThrows(TaskFailedException.class, () -> pool.map(TestTasks.FAIL, List.of("x", "y")));
    var future = assertThrows(ExecutionException.class, () -> pool.submit(TestTasks.FAIL, "x").get());
    assertTrue(future.getCause() instanceof TaskFailedException);
    var unknown = assertThrows(TaskFailedException.class, () -> pool.call(Brood.task("nothing", Long.class), 1));
    assertTrue(unknown.getMessage().contains("no task \"nothing\" is registered"));
    assertThrows(TaskFailedException.class, () -> pool.call(Brood.task("fib", Long.class), "text"));
    assertThrows(TaskFailedException.class, () -> pool.call(TestTasks.ADD, Arguments.of(1, 2, 3)));
  }

  @Test
  void aDeadWorkerCostsItsTaskAlone() throws Exception {
    TaskFuture<Integer> lost = pool.submit(TestTasks.DIE, 9);
    TaskFuture<Long> fine = pool.submit(TestTasks.FIB, 10);
    var error = assertThrows(ExecutionException.class, lost::get);
    WorkerLostException cause = (WorkerLostException) error.getCause();
    assertEquals(9, cause.signal());
    assertEquals(-1, cause.exitCode());
    assertTrue(cause.pid() > 0);
    assertEquals(55, fine.get());
    var exit = assertThrows(WorkerLostException.class, () -> pool.call(TestTasks.EXIT, 3));
    assertEquals(3, exit.exitCode());
    assertEquals(0, exit.signal());
    assertEquals(55, pool.call(TestTasks.FIB, 10));
  }

  @Test
  void aRunLimitKillsTheWorker() {
    CallOptions options = CallOptions.DEFAULT.runLimit(Duration.ofMillis(200));
    assertThrows(TaskTimeoutException.class, () -> pool.call(TestTasks.HANG, 1, null, options));
  }

  @Test
  void aTimeoutCancelsTheCall() {
    assertThrows(
        WaitTimeoutException.class,
        () -> pool.call(TestTasks.HANG, 1, Duration.ofMillis(100), CallOptions.DEFAULT));
  }

  @Test
  void cancellingStopsTheTask() throws Exception {
    long before = pool.stats().canceled();
    TaskFuture<Object> future = pool.submit(TestTasks.HANG, 1);
    assertTrue(future.cancel(true));
    assertThrows(CancellationException.class, future::get);
    TaskFuture<Object> slow = pool.submit(TestTasks.HANG, 1);
    slow.orTimeout(50, TimeUnit.MILLISECONDS);
    assertThrows(ExecutionException.class, slow::get);
    assertEquals(55, pool.call(TestTasks.FIB, 10));
    assertTrue(pool.stats().canceled() >= before + 1);
  }

  @Test
  void anInitializerRunsInEachWorker() throws Exception {
    PoolOptions options = new PoolOptions().workers(1).initializer(TestTasks.REMEMBER, 42);
    options.workerClass(TestTasks.class).environment("BROOD_TEST", "a b");
    try (Pool own = new Pool(options)) {
      assertEquals(42, own.call(TestTasks.RECALL));
      assertEquals("a b", own.call(TestTasks.GETENV, "BROOD_TEST"));
      assertEquals(1, own.workers().size());
      assertEquals(own.call(TestTasks.PID), own.workers().get(0).pid());
    }
  }

  @Test
  void retriesRunALostTaskAgain() throws Exception {
    try (Pool own = new Pool(TestTasks.options(1).retries(1))) {
      assertThrows(WorkerLostException.class, () -> own.call(TestTasks.EXIT, 1));
      assertEquals(1, own.stats().retried());
      CallOptions never = CallOptions.DEFAULT.retries(0);
      assertThrows(WorkerLostException.class, () -> own.call(TestTasks.EXIT, 1, null, never));
      assertEquals(1, own.stats().retried());
    }
  }

  @Test
  void aFullPoolMakesSubmitWait() throws Exception {
    try (Pool own = new Pool(TestTasks.options(1).maxPending(1))) {
      TaskFuture<Object> first = own.submit(TestTasks.HANG, 1);
      CallOptions soon = CallOptions.DEFAULT.roomWait(Duration.ofMillis(50));
      assertThrows(WaitTimeoutException.class, () -> own.submit(TestTasks.FIB, 1, soon));
      first.cancel(true);
      assertEquals(55, own.submit(TestTasks.FIB, 10).get());
    }
  }

  @Test
  void workersAreReplacedAfterTheirShare() throws Exception {
    try (Pool own = new Pool(TestTasks.options(1).maxTasksPerWorker(1))) {
      assertNotEquals(own.call(TestTasks.PID), own.call(TestTasks.PID));
    }
  }

  @Test
  void aPoolIsAnExecutorService() throws Exception {
    try (Pool own = new Pool(TestTasks.options(2).codec(Codec.NATIVE))) {
      int six = 6;
      Pool.RemoteCallable<Integer> product = () -> six * 7;
      assertEquals(42, own.submit(product).get());
      List<Future<Integer>> all = own.invokeAll(List.of(product, product));
      assertEquals(42, all.get(1).get());
      assertEquals(42, own.invokeAny(List.<Callable<Integer>>of(product)));
      Pool.RemoteRunnable nothing = () -> {};
      assertNull(own.submit(nothing).get());
      assertThrows(IllegalArgumentException.class, () -> own.submit(() -> 1));
      assertEquals(55, own.call(TestTasks.FIB, 10));
      own.shutdown();
      assertTrue(own.awaitTermination(1, TimeUnit.MINUTES));
      assertTrue(own.isTerminated());
      assertThrows(java.util.concurrent.RejectedExecutionException.class, () -> own.submit(product));
    }
    assertThrows(UnsupportedOperationException.class, () -> pool.submit((Pool.RemoteCallable<Integer>) () -> 1));
  }

  @Test
  void nativeValuesAreRefusedUnlessAgreedTo() throws Exception {
    PoolOptions options = TestTasks.options(1);
    options.command(options.command).codec(Codec.RAW);
    try (Pool own = new Pool(options);
        var msg = Message.encode("text", Codec.NATIVE).toMessage()) {
      var error = assertThrows(IllegalStateException.class, () -> Message.decode(msg));
      assertTrue(error.getMessage().contains("was not told to accept it"));
      assertArrayEquals(new byte[] {1}, (byte[]) own.call(TestTasks.ECHO, new byte[] {1}));
      var wrong = assertThrows(IllegalArgumentException.class, () -> own.call(TestTasks.ECHO, "text"));
      assertTrue(wrong.getMessage().contains("Codec.RAW"));
    }
  }

  @Test
  void whatIsClosedSaysSo() {
    Pool own = TestTasks.pool(1);
    own.close();
    own.close();
    assertThrows(IllegalStateException.class, () -> own.call(TestTasks.FIB, 1));
    assertThrows(IllegalArgumentException.class, () -> new Pool(0));
  }
}
