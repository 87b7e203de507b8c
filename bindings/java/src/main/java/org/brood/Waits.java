package org.brood;

import java.nio.channels.ClosedByInterruptException;
import java.nio.channels.spi.AbstractInterruptibleChannel;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import org.brood.low.Handle;
import org.brood.low.Low;
import org.brood.low.Out;
import org.brood.low.Wait;

/**
 * Waits that {@link Thread#interrupt} ends at once.
 *
 * <p>An interrupt does not reach a thread that is inside native code. A platform thread waits there all the same,
 * because nothing wakes up faster: while it does, it holds a token, and its interrupt fires it, by the hook that
 * {@link AbstractInterruptibleChannel} has for channels in native code. A virtual thread must not wait in native
 * code, where it would pin its carrier: it parks until the completion thread says that the object is ready, and tries
 * again. For objects that are never ready (a condition, a barrier) a platform thread waits in its place.
 */
final class Waits {
  static final long FOREVER = Low.FOREVER;

  private Waits() {}

  /** One try of a native call; gives its status. */
  interface Call {
    int attempt(Wait wait);
  }

  /** What is waited for, if it can tell that it is ready. */
  interface Readiness {
    /** A future that is completed when a try is worth while. */
    CompletableFuture<?> whenReady();
  }

  private static final ThreadLocal<Hook> HOOKS = ThreadLocal.withInitial(Hook::new);

  private static final class Errands {
    // Daemon threads, one for each wait of this kind at a time.
    static final ExecutorService THREADS =
        Executors.newCachedThreadPool(
            errand -> {
              Thread thread = new Thread(errand, "brood-wait");
              thread.setDaemon(true);
              return thread;
            });
  }

  /**
   * Waits until the call has an answer other than a timeout.
   *
   * @param readiness null for what can never tell
   * @return the status: OK, TIMEOUT, CLOSED, or CANCELED by somebody else's doing
   */
  static int await(long timeoutMillis, Readiness readiness, Call call) throws InterruptedException {
    if (Thread.interrupted()) throw new InterruptedException();
    int status = call.attempt(new Wait(0));
    if (status != Low.E_TIMEOUT || timeoutMillis == 0) return status;
    return awaitWhole(timeoutMillis, readiness, call);
  }

  /** The same for calls for which a try with no time is not without consequences. */
  static int awaitWhole(long timeoutMillis, Readiness readiness, Call call) throws InterruptedException {
    if (!Threads.currentIsVirtual()) return HOOKS.get().await(timeoutMillis, call);
    if (readiness == null) return new Errand(timeoutMillis, call).send();
    long deadline = System.nanoTime() + TimeUnit.MILLISECONDS.toNanos(timeoutMillis);
    for (; ; ) {
      // Asked first, so that what becomes ready after the try is not missed.
      CompletableFuture<?> ready = readiness.whenReady();
      int status = call.attempt(new Wait(0));
      if (status != Low.E_TIMEOUT) return status;
      try {
        if (timeoutMillis < 0) {
          ready.get();
        } else {
          ready.get(Math.max(deadline - System.nanoTime(), 0), TimeUnit.NANOSECONDS);
        }
      } catch (TimeoutException error) {
        return Low.E_TIMEOUT;
      } catch (ExecutionException error) {
        throw BroodException.rethrow(error.getCause());
      }
    }
  }

  /** A wait that goes on when it is interrupted; the thread is interrupted again afterwards. */
  static int awaitUninterruptibly(long timeoutMillis, Readiness readiness, Call call) {
    boolean interrupted = false;
    try {
      for (; ; ) {
        try {
          return await(timeoutMillis, readiness, call);
        } catch (InterruptedException error) {
          interrupted = true;
        }
      }
    } finally {
      if (interrupted) Thread.currentThread().interrupt();
    }
  }

  /** Milliseconds, as C wants them: any positive time is at least one. */
  static long millis(long time, TimeUnit unit) {
    if (time <= 0) return 0;
    return Math.max(1, unit.toMillis(time));
  }

  /** Null is for ever. */
  static long millis(java.time.Duration time) {
    if (time == null) return FOREVER;
    if (time.isNegative() || time.isZero()) return 0;
    try {
      return Math.max(1, time.toMillis());
    } catch (ArithmeticException error) {
      return FOREVER;
    }
  }

  /** A thread's token, and the hook through which its interrupt fires it. */
  private static final class Hook {
    private final Handle token = createToken();
    private final Wait wait = new Wait(token);
    private Interruptible interruptible = new Interruptible(token);

    Hook() {
      Resources.CLEANER.register(this, token.closer());
    }

    int await(long timeoutMillis, Call call) throws InterruptedException {
      wait.timeoutMillis = timeoutMillis;
      int status = Low.E_CANCELED;
      boolean interrupted = interruptible.enter();
      try {
        if (!interrupted) status = call.attempt(wait);
      } finally {
        interrupted = interruptible.leave();
        if (interrupted) {
          // A hook serves one interrupt.
          interruptible = new Interruptible(token);
          Low.cancel_reset(token);
        }
      }
      if (!interrupted) return status;
      if (status == Low.E_CANCELED || status == Low.E_TIMEOUT) {
        Thread.interrupted();
        throw new InterruptedException();
      }
      return status; // it came in the same moment: the thread stays interrupted
    }

    private static Handle createToken() {
      Out out = new Out();
      BroodException.check(Low.cancel_create(out));
      return out.take();
    }
  }

  private static final class Interruptible extends AbstractInterruptibleChannel {
    private final Handle token;

    Interruptible(Handle token) {
      this.token = token;
    }

    /** True if the thread is interrupted already. */
    boolean enter() {
      begin();
      return !isOpen();
    }

    /** True if the thread was interrupted meanwhile. */
    boolean leave() {
      try {
        end(true);
      } catch (ClosedByInterruptException error) {
        return true;
      } catch (java.nio.channels.AsynchronousCloseException error) {
        return false;
      }
      return false;
    }

    @Override
    protected void implCloseChannel() {
      Low.cancel_fire(token);
    }
  }

  /** A wait that a platform thread does in place of a virtual one. */
  private static final class Errand implements Runnable {
    private final CompletableFuture<Integer> result = new CompletableFuture<>();
    private final CompletableFuture<Thread> waiter = new CompletableFuture<>();
    private final long timeoutMillis;
    private final Call call;

    Errand(long timeoutMillis, Call call) {
      this.timeoutMillis = timeoutMillis;
      this.call = call;
    }

    int send() throws InterruptedException {
      Errands.THREADS.execute(this);
      boolean interrupted = false;
      for (; ; ) {
        try {
          int status = result.get();
          if (interrupted) Thread.currentThread().interrupt();
          return status;
        } catch (InterruptedException error) {
          // What it was about to get is not lost: it answers in any case.
          if (!interrupted) waiter.join().interrupt();
          interrupted = true;
        } catch (ExecutionException error) {
          if (error.getCause() instanceof InterruptedException) throw new InterruptedException();
          throw BroodException.rethrow(error.getCause());
        }
      }
    }

    @Override
    public void run() {
      waiter.complete(Thread.currentThread());
      try {
        result.complete(HOOKS.get().await(timeoutMillis, call));
      } catch (InterruptedException | RuntimeException | Error error) {
        result.completeExceptionally(error);
      } finally {
        Thread.interrupted(); // an interrupt that came too late is not for the next errand
      }
    }
  }
}
