package org.brood;

import java.io.Serializable;
import java.util.ArrayList;
import java.util.Collection;
import java.util.List;
import java.util.concurrent.Callable;
import java.util.concurrent.CancellationException;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Future;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;

/**
 * The part of a pool that is an {@link ExecutorService}. What it is given runs in another process, and so must be
 * serializable; what it changes there is not seen here.
 */
abstract sealed class PoolExecutor implements ExecutorService permits Pool {
  private volatile boolean shutdown;

  /** A callable that can travel: {@code RemoteCallable<Integer> answer = () -> 42;}. */
  @FunctionalInterface
  public interface RemoteCallable<T> extends Callable<T>, Serializable {}

  /** A runnable that can travel. */
  @FunctionalInterface
  public interface RemoteRunnable extends Runnable, Serializable {}

  abstract <T> TaskFuture<T> submitCall(Object call) throws InterruptedException;

  /** Wait for the end; false: the time ran out. */
  abstract boolean join(long millis) throws InterruptedException;

  private <T> TaskFuture<T> accept(Object call) {
    if (shutdown) throw new RejectedExecutionException("the pool was shut down");
    try {
      return submitCall(call);
    } catch (ClosedException error) {
      throw new RejectedExecutionException(error);
    } catch (InterruptedException error) {
      Thread.currentThread().interrupt();
      throw new RejectedExecutionException("interrupted while the pool was full", error);
    }
  }

  @Override
  public <T> TaskFuture<T> submit(Callable<T> call) {
    return accept(call);
  }

  @Override
  public TaskFuture<?> submit(Runnable call) {
    return accept(call);
  }

  @Override
  public <T> Future<T> submit(Runnable call, T result) {
    return accept(call).thenApply(nothing -> result);
  }

  @Override
  public void execute(Runnable call) {
    accept(call);
  }

  @Override
  public <T> List<Future<T>> invokeAll(Collection<? extends Callable<T>> calls) throws InterruptedException {
    return invokeAll(calls, Long.MAX_VALUE, TimeUnit.NANOSECONDS);
  }

  @Override
  public <T> List<Future<T>> invokeAll(Collection<? extends Callable<T>> calls, long timeout, TimeUnit unit)
      throws InterruptedException {
    List<TaskFuture<T>> futures = new ArrayList<>();
    try {
      for (Callable<T> call : calls) futures.add(accept(call));
      CompletableFuture.allOf(futures.toArray(CompletableFuture[]::new)).get(timeout, unit);
    } catch (ExecutionException | CancellationException | TimeoutException error) {
      // Each future tells for itself.
    } finally {
      futures.forEach(future -> future.cancel(true));
    }
    return new ArrayList<>(futures);
  }

  @Override
  public <T> T invokeAny(Collection<? extends Callable<T>> calls) throws InterruptedException, ExecutionException {
    try {
      return invokeAny(calls, Long.MAX_VALUE, TimeUnit.NANOSECONDS);
    } catch (TimeoutException error) {
      throw new IllegalStateException(error); // in 292 years
    }
  }

  @Override
  public <T> T invokeAny(Collection<? extends Callable<T>> calls, long timeout, TimeUnit unit)
      throws InterruptedException, ExecutionException, TimeoutException {
    if (calls.isEmpty()) throw new IllegalArgumentException("nothing to invoke");
    List<TaskFuture<T>> futures = new ArrayList<>();
    CompletableFuture<T> first = new CompletableFuture<>();
    try {
      for (Callable<T> call : calls) futures.add(accept(call));
      for (TaskFuture<T> future : futures) future.thenAccept(first::complete);
      // If all fail, so does this.
      CompletableFuture.allOf(futures.toArray(CompletableFuture[]::new))
          .whenComplete((nothing, error) -> completeFailed(first, error));
      return first.get(timeout, unit);
    } finally {
      futures.forEach(future -> future.cancel(true));
    }
  }

  private static void completeFailed(CompletableFuture<?> first, Throwable error) {
    if (error == null) return;
    Throwable cause = error.getCause() == null ? error : error.getCause();
    first.completeExceptionally(cause);
  }

  @Override
  public void shutdown() {
    shutdown = true;
  }

  /** Terminates the pool. What was waiting is cancelled; none of it can be given back, so the list is empty. */
  @Override
  public List<Runnable> shutdownNow() {
    ((Pool) this).terminate();
    return List.of();
  }

  @Override
  public boolean isShutdown() {
    return shutdown;
  }

  @Override
  public boolean isTerminated() {
    boolean interrupted = Thread.interrupted();
    try {
      return shutdown && join(0);
    } catch (InterruptedException error) {
      interrupted = true;
      return false;
    } finally {
      if (interrupted) Thread.currentThread().interrupt();
    }
  }
}
