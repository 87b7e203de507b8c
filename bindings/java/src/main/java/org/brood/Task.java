package org.brood;

import java.lang.reflect.Type;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.TreeSet;
import java.util.concurrent.ConcurrentHashMap;
import org.brood.low.Handle;
import org.brood.low.Low;

/**
 * A function by its name: what {@link Brood#register} gives, and what pools run.
 *
 * @param <A> its argument; {@link Arguments} for several, {@link Void} for none
 * @param <R> its result
 */
public final class Task<A, R> {
  private static final Map<String, Task<?, ?>> REGISTRY = new ConcurrentHashMap<>();

  /** Runs the function on converted arguments. */
  interface Body {
    Object run(Object[] arguments) throws Exception;
  }

  private final String name;
  private final Type resultType;
  private final Type[] argumentTypes;
  private final Body body;

  private Task(String name, Type[] argumentTypes, Type resultType, Body body) {
    this.name = Objects.requireNonNull(name, "name");
    this.argumentTypes = argumentTypes;
    this.resultType = resultType;
    this.body = body;
  }

  static <A, R> Task<A, R> register(String name, Type[] argumentTypes, Type resultType, Body body) {
    if (name.isEmpty()) throw new IllegalArgumentException("a task needs a name");
    Task<A, R> task = new Task<>(name, argumentTypes, resultType, body);
    if (REGISTRY.putIfAbsent(name, task) != null) {
      throw new IllegalStateException("a task named \"" + name + "\" is registered already");
    }
    return task;
  }

  /** A task of another program, known by its name alone. */
  static <A, R> Task<A, R> named(String name, Type resultType) {
    return new Task<>(name, null, resultType, null);
  }

  static Task<?, ?> registered(String name) {
    Task<?, ?> task = REGISTRY.get(name);
    if (task == null) task = Internal.TASKS.get(name);
    if (task != null) return task;
    throw new NoSuchTaskException(
        "no task \"" + name + "\" is registered in this worker; registered: " + new TreeSet<>(REGISTRY.keySet()));
  }

  public String name() {
    return name;
  }

  Type resultType() {
    return resultType;
  }

  /** Runs the function here, in this process. */
  Object run(Handle task) throws Exception {
    Handle args = Low.task_args(task);
    if (Low.msg_codec(args) == Low.CODEC_RAW && Low.msg_size(args) == 0 && argumentTypes.length == 0) {
      return body.run(new Object[0]);
    }
    return call(Message.decode(args));
  }

  /** @param value the arguments as one value: nothing is null, one is itself, several are a list */
  Object call(Object value) throws Exception {
    int count = argumentTypes.length;
    List<?> given;
    if (value instanceof Arguments several) {
      given = several.values();
    } else if (count == 0 && value == null) {
      given = List.of();
    } else if (count > 1 && value instanceof List<?> several) {
      given = several;
    } else {
      given = java.util.Collections.singletonList(value);
    }
    if (given.size() != count) {
      throw new IllegalArgumentException(name + " takes " + count + " arguments, and got " + given.size());
    }
    Object[] arguments = new Object[count];
    for (int i = 0; i < count; ++i) arguments[i] = Convert.to(given.get(i), argumentTypes[i]);
    return body.run(arguments);
  }

  @Override
  public String toString() {
    return "Task[" + name + "]";
  }

  /** Tasks that pools of this language use themselves. */
  private static final class Internal {
    static final Map<String, Task<?, ?>> TASKS =
        Map.of(
            Pool.INITIALIZE,
            new Task<Object, Object>(
                Pool.INITIALIZE,
                new Type[] {byte[].class},
                Object.class,
                // The initializer of pools: its argument has no codec tag on its way.
                arguments -> {
                  List<?> parts = (List<?>) new Unpacker(null).unpack((byte[]) arguments[0]);
                  registered((String) parts.get(0)).call(parts.get(1));
                  return null;
                }),
            Pool.CALL,
            new Task<Object, Object>(
                Pool.CALL,
                new Type[] {Object.class},
                Object.class,
                // What an ExecutorService is given.
                arguments -> {
                  if (arguments[0] instanceof java.util.concurrent.Callable<?> callable) return callable.call();
                  ((Runnable) arguments[0]).run();
                  return null;
                }));
  }
}
