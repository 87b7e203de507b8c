package org.brood;

import java.io.PrintWriter;
import java.io.StringWriter;
import org.brood.low.Handle;
import org.brood.low.Low;
import org.brood.low.Out;

/** A worker's life: serve tasks until the host has no more. */
final class Worker {
  private Worker() {}

  static void serveAndExit() {
    boolean failed = false;
    Out out = new Out();
    while (Waits.awaitUninterruptibly(Waits.FOREVER, null, wait -> Low.worker_next(wait, out)) == Low.OK) {
      Thread.interrupted(); // what a task has left behind is not for the next one
      try (Handle task = out.take()) {
        failed = !run(task) || failed;
      }
    }
    // A pool's worker ends well whatever its tasks reported; a process is its one function.
    System.exit(failed && Low.worker_id() < 0 ? 1 : 0);
  }

  /** Runs a task to its answer. */
  private static boolean run(Handle task) {
    try {
      Task<?, ?> function = Task.registered(Low.task_function(task));
      Object result = function.run(task);
      Message.Encoded answer = Message.encode(result, Codec.forAnswers());
      if (answer.handles().isEmpty()) {
        BroodException.check(Low.task_reply(task, answer.bytes(), answer.tag()));
      } else {
        try (Handle msg = answer.toMessage()) {
          BroodException.check(Low.task_reply_msg(task, msg));
          msg.disarm();
        }
      }
      return true;
    } catch (Throwable error) {
      report(task, error);
      return false;
    }
  }

  private static void report(Handle task, Throwable error) {
    String trace = trace(error);
    if (Low.worker_id() < 0) System.err.print("Process " + Low.current_name() + ":\n" + trace);
    try {
      String message = error.getMessage() == null ? "" : error.getMessage();
      Low.task_fail(task, error.getClass().getName(), message.replace('\0', ' '), trace.replace('\0', ' '));
    } catch (RuntimeException unheard) {
      // It was answered already, or nobody is left to hear it.
    }
  }

  /** The stack as text, down to the task: what lies below says nothing about it. */
  private static String trace(Throwable error) {
    StringWriter text = new StringWriter();
    error.printStackTrace(new PrintWriter(text, true));
    StringBuilder kept = new StringBuilder();
    for (String line : text.toString().split("\n")) {
      if (!line.startsWith("\tat org.brood.Worker.") && !line.startsWith("\tat org.brood.Startup.")) {
        kept.append(line).append('\n');
      }
    }
    return kept.toString();
  }
}
