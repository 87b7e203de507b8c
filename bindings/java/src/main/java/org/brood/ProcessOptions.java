package org.brood;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.brood.low.Low;

/** How a child process is made. */
public final class ProcessOptions {
  /** Where a standard stream of a child goes. */
  public record Stream(int kind, Path path, boolean append) {
    /** This process's own. */
    public static final Stream INHERIT = new Stream(Low.STDIO_INHERIT, null, false);

    /** Nowhere, or from nowhere. */
    public static final Stream NULL = new Stream(Low.STDIO_NULL, null, false);

    /** To be read or written by this process. */
    public static final Stream PIPE = new Stream(Low.STDIO_PIPE, null, false);

    /** A file, which is truncated if it is written. */
    public static Stream file(Path path) {
      return new Stream(Low.STDIO_FILE, path, false);
    }

    /** A file that is appended to. */
    public static Stream appendTo(Path path) {
      return new Stream(Low.STDIO_FILE, path, true);
    }
  }

  List<String> command;
  private final Map<String, String> environment = new LinkedHashMap<>();
  private boolean clearEnvironment;
  boolean daemon;
  private Path directory;
  private String name;
  private Stream input;
  private Stream output;
  private Stream error;
  private Limits limits = new Limits();

  /** The program and its arguments; by default, for {@link ChildProcess#start}, this same program again. */
  public ProcessOptions command(List<String> words) {
    command = List.copyOf(words);
    return this;
  }

  public ProcessOptions command(String... words) {
    return command(List.of(words));
  }

  /** Another class's {@code main}, in a JVM like this one. */
  public ProcessOptions workerClass(Class<?> main) {
    command = new ArrayList<>(ProgramAgain.command(main.getName()));
    return this;
  }

  public ProcessOptions environment(String variable, String value) {
    environment.put(variable, value);
    return this;
  }

  /** Start from an empty environment. */
  public ProcessOptions clearEnvironment() {
    clearEnvironment = true;
    return this;
  }

  /** A daemon does not keep this JVM from ending. */
  public ProcessOptions daemon(boolean value) {
    daemon = value;
    return this;
  }

  public ProcessOptions directory(Path path) {
    directory = path;
    return this;
  }

  /** For people. */
  public ProcessOptions name(String text) {
    name = text;
    return this;
  }

  public ProcessOptions input(Stream stream) {
    input = stream;
    return this;
  }

  public ProcessOptions output(Stream stream) {
    output = stream;
    return this;
  }

  public ProcessOptions error(Stream stream) {
    error = stream;
    return this;
  }

  public ProcessOptions limits(Limits value) {
    limits = value;
    return this;
  }

  Fields toFields(boolean task) {
    Fields fields = new Fields("process_options");
    fields.addAll("command", command).set("clear_env", clearEnvironment).set("name", name);
    fields.addAll("env", PoolOptions.variables(task && command == null, environment));
    fields.set("cwd", directory == null ? null : directory.toString());
    // brood ends every child with this program; what keeps the JVM alive is ChildProcess's own doing.
    fields.set("daemon", true);
    set(fields, "standard_input", input);
    set(fields, "standard_output", output);
    set(fields, "standard_error", error);
    limits.fill(fields);
    return fields;
  }

  private static void set(Fields fields, String name, Stream stream) {
    if (stream == null) return;
    fields.set(name + ".kind", stream.kind()).set(name + ".append", stream.append());
    fields.set(name + ".path", stream.path() == null ? null : stream.path().toString());
  }
}
