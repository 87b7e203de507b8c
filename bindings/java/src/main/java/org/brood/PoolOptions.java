package org.brood;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/** How a pool is made: {@code new Pool(new PoolOptions().workers(4).retries(2))}. */
public final class PoolOptions {
  int workers;
  int maxTasksPerWorker;
  long maxPending;
  int retries;
  String name;
  Task<?, ?> initializer;
  Object initializerArgument;
  Task<?, ?> finalizer;
  List<String> command;
  private boolean sameLibrary = true; // the workers speak through this very library
  final Map<String, String> environment = new LinkedHashMap<>();
  Path directory;
  Limits limits = new Limits();
  Codec codec = Codec.MESSAGE_PACK;

  /** How many workers; 0: one for each usable CPU. */
  public PoolOptions workers(int count) {
    workers = count;
    return this;
  }

  /** After so many tasks a worker is replaced by a fresh one; 0: never. */
  public PoolOptions maxTasksPerWorker(int count) {
    maxTasksPerWorker = count;
    return this;
  }

  /** How many tasks may be submitted and not done; then a submit waits. 0: any number. */
  public PoolOptions maxPending(long count) {
    maxPending = count;
    return this;
  }

  /** How often a task whose worker died is run again. */
  public PoolOptions retries(int count) {
    retries = count;
    return this;
  }

  /** For people. */
  public PoolOptions name(String text) {
    name = text;
    return this;
  }

  /** A task that each new worker runs first. */
  public <A> PoolOptions initializer(Task<A, ?> task, A argument) {
    initializer = task;
    initializerArgument = argument;
    return this;
  }

  /** A task that a worker runs when it ends in good order. */
  public PoolOptions finalizer(Task<?, ?> task) {
    finalizer = task;
    return this;
  }

  /** The workers' program, of any language; by default this same program again. */
  public PoolOptions command(List<String> words) {
    command = List.copyOf(words);
    sameLibrary = false;
    return this;
  }

  /** The workers' program, of any language. */
  public PoolOptions command(String... words) {
    return command(List.of(words));
  }

  /**
   * The workers run this class's {@code main}, in a JVM like this one: for programs whose own {@code main} is not
   * theirs, such as tests.
   */
  public PoolOptions workerClass(Class<?> main) {
    command = ProgramAgain.command(main.getName());
    sameLibrary = true;
    return this;
  }

  /** A variable in the workers' environment. */
  public PoolOptions environment(String variable, String value) {
    environment.put(variable, value);
    return this;
  }

  /** Where workers run. */
  public PoolOptions directory(Path path) {
    directory = path;
    return this;
  }

  /** What workers may use. */
  public PoolOptions limits(Limits value) {
    limits = value;
    return this;
  }

  /** How arguments become bytes. {@link Codec#NATIVE} is for workers that are this same program. */
  public PoolOptions codec(Codec value) {
    codec = value;
    return this;
  }

  Fields toFields() {
    Fields fields = new Fields("pool_options");
    fields.set("workers", workers).set("max_tasks_per_worker", maxTasksPerWorker);
    fields.set("max_pending", maxPending).set("retries", retries).set("name", name);
    fields.set("cwd", directory == null ? null : directory.toString());
    fields.set("finalizer", finalizer == null ? null : finalizer.name());
    if (initializer != null) fillInitializer(fields);
    limits.fill(fields);
    fields.addAll("command", ownCommand(command, codec));
    fields.addAll("env", variables(sameLibrary, environment));
    return fields;
  }

  // A Java worker is told the task and its argument in one value; it has no codec tag on its way.
  private void fillInitializer(Fields fields) {
    Object value = sameLibrary ? Arguments.of(initializer.name(), initializerArgument) : initializerArgument;
    fields.set("initializer", sameLibrary ? Pool.INITIALIZE : initializer.name());
    Message.Encoded encoded = Message.encode(value, Codec.MESSAGE_PACK);
    if (!encoded.handles().isEmpty()) {
      throw new IllegalArgumentException("objects of brood cannot be arguments of an initializer: hand them to a task");
    }
    fields.set("initializer_data", encoded.bytes());
  }

  /** Null: as brood was told at its start. */
  static List<String> ownCommand(List<String> given, Codec codec) {
    if (codec != Codec.NATIVE) return given;
    // Right behind the JVM's path; a worker of another kind has nothing to do with this codec.
    List<String> command = new ArrayList<>(given == null ? ProgramAgain.command() : given);
    command.add(1, "-Dbrood.native=true");
    return command;
  }

  static List<String> variables(boolean own, Map<String, String> given) {
    Map<String, String> all = new LinkedHashMap<>(own ? ProgramAgain.environment() : Map.of());
    all.putAll(given);
    return all.entrySet().stream().map(entry -> entry.getKey() + "=" + entry.getValue()).toList();
  }
}
