package org.brood;

import java.util.List;
import org.brood.low.Low;

/** Starting brood in this process. */
final class Startup {
  /** Set by who starts workers: the environment of a process that brood started. */
  private static final boolean STARTED_BY_BROOD = System.getenv("BROOD_HANDOFF") != null;

  private static boolean started;
  private static boolean guarded;

  private Startup() {}

  /** Starts brood, unless that was done. Everything that makes an object calls it. */
  static synchronized void start() {
    if (started) return;
    if (STARTED_BY_BROOD && !guarded) {
      throw new IllegalStateException(
          "this process is a worker, and its main has not called Brood.main(args): that comes first in main");
    }
    start(0);
  }

  static synchronized void init(long arenaBytes) {
    if (started) throw new IllegalStateException("brood has been started already: Brood.init comes first");
    start(arenaBytes);
  }

  /** The guard: a worker does not come back from here. */
  static void guard() {
    synchronized (Startup.class) {
      guarded = true;
      start();
    }
    if (Low.is_worker()) Worker.serveAndExit();
  }

  private static void start(long arenaBytes) {
    BroodException.install();
    List<String> command = STARTED_BY_BROOD ? List.of() : ProgramAgain.command();
    Fields options = new Fields("start_options").set("manual_worker", true).set("arena_bytes", arenaBytes);
    options.addAll("command", command);
    BroodException.check(Low.start(options.handle()));
    started = true;
  }
}
