package org.brood;

import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ForkJoinPool;
import java.util.concurrent.ForkJoinWorkerThread;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicLong;
import org.brood.low.Handle;
import org.brood.low.Low;
import org.brood.low.Out;
import org.brood.low.Wait;

/** The one thread of this process that learns what became ready, and tells whoever asked. */
final class Completions {
  /** Where futures are completed, and so where dependent stages run that ask for no place of their own. */
  static final ForkJoinPool CALLBACKS = callbacks();

  private static final Completions INSTANCE = new Completions();

  private final AtomicLong tags = new AtomicLong();
  private final Map<Long, Runnable> pending = new ConcurrentHashMap<>();
  private final Handle completions;
  // Registered and never fired, so that there is always something to wait for.
  private final Handle anchor;

  private Completions() {
    Out out = new Out();
    BroodException.check(Low.completions_create(out));
    completions = out.take();
    BroodException.check(Low.cancel_create(out));
    anchor = out.take();
    BroodException.check(Low.completions_add(completions, Low.cancel_handle(anchor), 0));
    Thread thread = new Thread(this::run, "brood-completions");
    thread.setDaemon(true);
    thread.start();
  }

  /**
   * Has {@code whenReady} run once when the handle is ready. It runs in the one thread that tells everybody: it must
   * neither wait nor work.
   */
  static void add(Handle handle, Runnable whenReady) {
    INSTANCE.register(handle, whenReady);
  }

  private void register(Handle handle, Runnable whenReady) {
    long tag = tags.incrementAndGet();
    pending.put(tag, whenReady);
    boolean added = false;
    try {
      BroodException.check(Low.completions_add(completions, handle, tag));
      added = true;
    } finally {
      if (!added) pending.remove(tag);
    }
  }

  private void run() {
    Wait forever = new Wait(Waits.FOREVER);
    Out out = new Out();
    while (Low.completions_next(completions, forever, out) == Low.OK) {
      Runnable told = pending.remove(out.number);
      if (told != null) told.run();
    }
  }

  private static ForkJoinPool callbacks() {
    AtomicInteger count = new AtomicInteger();
    return new ForkJoinPool(
        Math.max(2, Runtime.getRuntime().availableProcessors()),
        pool -> {
          ForkJoinWorkerThread thread = ForkJoinPool.defaultForkJoinWorkerThreadFactory.newThread(pool);
          thread.setName("brood-callbacks-" + count.incrementAndGet());
          return thread;
        },
        null,
        true);
  }
}
