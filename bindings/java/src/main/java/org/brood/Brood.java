package org.brood;

import java.time.Duration;
import java.util.List;
import java.util.stream.LongStream;
import org.brood.Functions.Action;
import org.brood.Functions.F0;
import org.brood.Functions.F1;
import org.brood.Functions.F2;
import org.brood.Functions.F3;
import org.brood.Functions.F4;
import org.brood.Signatures.Signature;
import org.brood.low.Handle;
import org.brood.low.Low;
import org.brood.low.Out;

/**
 * Naming tasks, and the guard in {@code main}.
 *
 * <pre>{@code
 * public class Fib {
 *   static final Task<Integer, Long> FIB = Brood.register("fib", Fib::compute);
 *
 *   static long compute(int n) { return n < 2 ? n : compute(n - 1) + compute(n - 2); }
 *
 *   public static void main(String[] args) {
 *     Brood.main(args);
 *     try (Pool pool = new Pool()) {
 *       System.out.println(pool.map(FIB, List.of(10, 20, 30)));
 *     }
 *   }
 * }
 * }</pre>
 */
public final class Brood {
  private Brood() {}

  /**
   * The guard: call it first in {@code main}. A worker, which runs the same {@code main}, serves tasks from here on
   * and does not come back. Tasks are registered before: in static fields, or in the lines above.
   */
  public static void main(String[] args) {
    Startup.guard();
  }

  /**
   * Starts brood with other than the defaults, before anything else of it is used.
   *
   * @param arenaBytes address space of the shared memory, which takes memory only as it is used
   */
  public static void init(long arenaBytes) {
    Startup.init(arenaBytes);
  }

  /** Names a function without arguments. */
  public static <R> Task<Void, R> register(String name, F0<R> function) {
    return task(name, function, 0, arguments -> function.call());
  }

  /** Names a function: {@code Brood.register("fib", Fib::compute)}. */
  @SuppressWarnings("unchecked")
  public static <A, R> Task<A, R> register(String name, F1<A, R> function) {
    return task(name, function, 1, arguments -> function.call((A) arguments[0]));
  }

  /** Names a function of two arguments, which are passed as {@link Arguments#of}. */
  @SuppressWarnings("unchecked")
  public static <A, B, R> Task<Arguments, R> register(String name, F2<A, B, R> function) {
    return task(name, function, 2, arguments -> function.call((A) arguments[0], (B) arguments[1]));
  }

  /** Names a function of three arguments, which are passed as {@link Arguments#of}. */
  @SuppressWarnings("unchecked")
  public static <A, B, C, R> Task<Arguments, R> register(String name, F3<A, B, C, R> function) {
    return task(
        name, function, 3, arguments -> function.call((A) arguments[0], (B) arguments[1], (C) arguments[2]));
  }

  /** Names a function of four arguments, which are passed as {@link Arguments#of}. */
  @SuppressWarnings("unchecked")
  public static <A, B, C, D, R> Task<Arguments, R> register(String name, F4<A, B, C, D, R> function) {
    return task(
        name,
        function,
        4,
        arguments -> function.call((A) arguments[0], (B) arguments[1], (C) arguments[2], (D) arguments[3]));
  }

  /** Names a function of one argument that has no result. */
  @SuppressWarnings("unchecked")
  public static <A> Task<A, Void> registerAction(String name, Action<A> function) {
    return task(
        name,
        function,
        1,
        arguments -> {
          function.call((A) arguments[0]);
          return null;
        });
  }

  private static <A, R> Task<A, R> task(String name, Functions.Function function, int count, Task.Body body) {
    Signature signature = Signatures.of(function, count);
    return Task.register(name, signature.arguments(), signature.result(), body);
  }

  /** A task of a program in another language, or another Java program, by its name. */
  public static <R> Task<Object, R> task(String name, Class<R> resultType) {
    return Task.named(name, resultType);
  }

  /** True in a process that a pool or {@link ChildProcess#start} started. */
  public static boolean isWorker() {
    Startup.start();
    return Low.is_worker();
  }

  /** This worker's number in its pool, from 0; -1 outside a pool's worker. */
  public static int workerId() {
    return Low.worker_id();
  }

  /** CPUs that this process may use, by its affinity and its control group. */
  public static int cpuCount() {
    return (int) Low.cpu_count();
  }

  /** The version of the library that runs. */
  public static String version() {
    return Low.version();
  }

  /** The name that was given to this process; "main" in the program that the user started. */
  public static String currentName() {
    Startup.start();
    return Low.current_name();
  }

  /** The pid of the process that started this worker; 0 in the program that the user started. */
  public static long parentPid() {
    Startup.start();
    return Low.parent_pid();
  }

  /** The pids of the children that {@link ChildProcess} started and that still run. */
  public static List<Long> activeChildren() {
    Startup.start();
    Out out = new Out();
    BroodException.check(Low.active_children_list(out));
    try (Handle numbers = out.take()) {
      return LongStream.range(0, Low.numbers_count(numbers)).mapToObj(i -> Low.numbers_at(numbers, i)).toList();
    }
  }

  /**
   * Waits until one of the objects is ready: a queue has something to take, a process has ended, a lock is free, ...
   *
   * @param timeout null: for ever
   * @return the number of the first one that is ready; -1 when the time ran out
   */
  public static int waitAny(List<? extends Waitable> objects, Duration timeout) throws InterruptedException {
    Handle[] handles = objects.stream().map(Waitable::waitHandle).toArray(Handle[]::new);
    Out out = new Out();
    int status = Waits.await(Waits.millis(timeout), null, wait -> Low.wait_any(handles, wait, out));
    if (status == Low.E_TIMEOUT) return -1;
    BroodException.check(status);
    return (int) out.number;
  }
}
