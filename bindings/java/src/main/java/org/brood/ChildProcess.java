package org.brood;

import java.io.InputStream;
import java.io.OutputStream;
import java.time.Duration;
import java.util.concurrent.CompletableFuture;
import org.brood.low.Handle;
import org.brood.low.Low;
import org.brood.low.Out;

/**
 * A child process: a task in a process of its own, or any program.
 *
 * <p>It is the root of a tree: when it ends, or is ended, so is everything that it started. A child that is no daemon
 * keeps this JVM alive until it has ended, as a thread would; all of them end with this program, whatever ends that.
 */
public final class ChildProcess implements Waitable, AutoCloseable {
  private final Handle process;
  private final Shared.Ready ready = new Shared.Ready(this::waitHandle);

  private ChildProcess(Handle process, boolean daemon) {
    this.process = process;
    Resources.CLEANER.register(this, process.closer());
    if (!daemon) KeepAlive.until(this);
  }

  /** Runs a task in a process of its own, which exits with 0 when it returns and with 1 when it fails. */
  public static <A> ChildProcess start(Task<? super A, ?> task, A argument) {
    return start(task, argument, new ProcessOptions());
  }

  /** Runs a task in a process of its own. */
  public static <A> ChildProcess start(Task<? super A, ?> task, A argument, ProcessOptions options) {
    Startup.start();
    Message.Encoded encoded = Message.encode(argument, Codec.MESSAGE_PACK);
    Fields fields = options.toFields(true);
    Out out = new Out();
    // Always a message: bytes alone would lose their codec tag.
    try (Handle msg = encoded.toMessage()) {
      BroodException.check(Low.process_start_msg(task.name(), msg, fields.handle(), out));
      msg.disarm();
    }
    return new ChildProcess(out.take(), options.daemon);
  }

  /** Runs any program: a {@link SystemCallException} when it cannot be executed. */
  public static ChildProcess spawn(ProcessOptions options) {
    Startup.start();
    if (options.command == null) throw new IllegalArgumentException("a program needs a command");
    Fields fields = options.toFields(false);
    Out out = new Out();
    BroodException.check(Low.process_spawn(fields.handle(), out));
    return new ChildProcess(out.take(), options.daemon);
  }

  /** Runs any program. */
  public static ChildProcess spawn(String... command) {
    return spawn(new ProcessOptions().command(command));
  }

  @Override
  public Handle waitHandle() {
    return process.part(Low.process_handle(process));
  }

  /** Wait until the process and its whole tree have ended. */
  public void join() throws InterruptedException {
    join(null);
  }

  /** Wait until the process and its whole tree have ended. False: the time ran out. */
  public boolean join(Duration timeout) throws InterruptedException {
    int status = Waits.await(Waits.millis(timeout), ready, wait -> Low.process_join(process, wait));
    if (status == Low.E_TIMEOUT) return false;
    BroodException.check(status);
    return true;
  }

  /** A future that is completed once it has ended. */
  public CompletableFuture<ChildProcess> onExit() {
    CompletableFuture<ChildProcess> exit = new CompletableFuture<>();
    Completions.add(waitHandle(), () -> exit.completeAsync(() -> this, Completions.CALLBACKS));
    return exit;
  }

  /** SIGTERM to the tree. */
  public void terminate() {
    BroodException.check(Low.process_terminate(process));
  }

  /** SIGKILL to the tree, until nothing of it is left. */
  public void kill() {
    BroodException.check(Low.process_kill(process));
  }

  /** A signal to every process of the tree. */
  public void signal(int number) {
    BroodException.check(Low.process_signal(process, number));
  }

  public boolean isAlive() {
    return Low.process_alive(process);
  }

  public long pid() {
    return Low.process_pid(process);
  }

  public String name() {
    return Low.process_name(process);
  }

  /** The code that it exited with; -1: a signal ended it. An {@link IllegalStateException} while it runs. */
  public int exitCode() {
    Out out = new Out();
    BroodException.check(Low.process_exit_code(process, out));
    return (int) out.number;
  }

  /** The signal that ended it; 0: it exited by itself. */
  public int exitSignal() {
    Out out = new Out();
    BroodException.check(Low.process_exit_signal(process, out));
    return (int) out.number;
  }

  /** Throws what a failed task reported; returns if there was no failure. */
  public void checkOutcome() {
    BroodException.check(Low.process_outcome(process));
  }

  /** Resources that a process used: microseconds of CPU time, memory, page faults. */
  public record Usage(
      long userMicros, long systemMicros, long maxResidentBytes, long minorFaults, long majorFaults) {}

  /** Once it has ended. */
  public Usage usage() {
    Fields used = new Fields("usage");
    BroodException.check(Low.process_usage(process, used.handle()));
    return new Usage(
        used.get("user_us"),
        used.get("system_us"),
        used.get("max_resident_bytes"),
        used.get("minor_faults"),
        used.get("major_faults"));
  }

  /** What it reads, if its input is a pipe. */
  public OutputStream outputStream() {
    return new ProcessStreams.Output(process);
  }

  /** What it writes, if its output is a pipe. */
  public InputStream inputStream() {
    return new ProcessStreams.Input(process, 1);
  }

  /** What it writes to its error stream, if that is a pipe. */
  public InputStream errorStream() {
    return new ProcessStreams.Input(process, 2);
  }

  /** Forgets the process, which runs on. */
  @Override
  public void close() {
    process.close();
  }

  /** The thread that keeps the JVM alive while there are children that are no daemons. */
  private static final class KeepAlive {
    private static int running;

    static void until(ChildProcess child) {
      synchronized (KeepAlive.class) {
        if (++running == 1) {
          Thread thread = new Thread(KeepAlive::awaitAll, "brood-children");
          thread.setDaemon(false);
          thread.start();
        }
      }
      // The child itself must not be kept: only its end is waited for.
      Completions.add(child.waitHandle(), KeepAlive::oneEnded);
    }

    private static void oneEnded() {
      synchronized (KeepAlive.class) {
        --running;
        KeepAlive.class.notifyAll();
      }
    }

    private static void awaitAll() {
      synchronized (KeepAlive.class) {
        while (running > 0) {
          try {
            KeepAlive.class.wait();
          } catch (InterruptedException error) {
            // Nobody has this thread to interrupt it.
          }
        }
      }
    }
  }
}
