package org.brood;

import java.io.IOException;
import java.nio.charset.Charset;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.stream.Collectors;
import org.brood.low.NativeLibrary;

/**
 * The command line that runs this same program again: this JVM with its options, class path and main class, without
 * what only one JVM can have: a debugger's or JMX agent's port.
 */
final class ProgramAgain {
  private static final Set<String> WITH_VALUE =
      Set.of(
          "--add-exports", "--add-modules", "--add-opens", "--add-reads", "--describe-module", "-d",
          "--enable-native-access", "--limit-modules", "--patch-module", "--source");
  private static final Set<String> WITH_PATHS =
      Set.of("-cp", "-classpath", "--class-path", "-p", "--module-path", "--upgrade-module-path");
  private static final List<String> AGENTS =
      List.of("-agentlib:jdwp", "-Xrunjdwp", "-Xdebug", "-Dcom.sun.management.jmxremote", "-Dcom.sun.management.config");
  private static final List<String> VARIABLES = List.of("JAVA_TOOL_OPTIONS", "JDK_JAVA_OPTIONS", "_JAVA_OPTIONS");

  private ProgramAgain() {}

  /** Of this process, as it was started. */
  static List<String> command() {
    return withLibrary(command(executable(), arguments()));
  }

  /** The same JVM and class path with another main class. */
  static List<String> command(String mainClass) {
    List<String> command = new ArrayList<>();
    command.add(executable());
    command.addAll(split(ArgumentFiles.expand(arguments())).options);
    command.add("-cp");
    command.add(absolutePaths(System.getProperty("java.class.path")));
    command.add(mainClass);
    return withLibrary(command);
  }

  // What this process has unpacked from its jar serves its workers too.
  private static List<String> withLibrary(List<String> command) {
    Path library = NativeLibrary.unpackedLibrary();
    if (library != null) command.add(1, "-Dbrood.library=" + library);
    return command;
  }

  static List<String> command(String executable, List<String> arguments) {
    List<String> command = new ArrayList<>();
    command.add(executable);
    Parts parts = split(ArgumentFiles.expand(arguments));
    command.addAll(parts.options);
    command.addAll(parts.paths);
    command.addAll(parts.program);
    return command;
  }

  /** Options that the environment gives to every JVM, where they hold an agent's: what workers get instead. */
  static Map<String, String> environment() {
    Map<String, String> changed = new LinkedHashMap<>();
    for (String name : VARIABLES) {
      String options = System.getenv(name);
      if (options == null) continue;
      String kept =
          Arrays.stream(options.trim().split("\\s+")).filter(word -> !isAgent(word)).collect(Collectors.joining(" "));
      if (!kept.equals(options.trim())) changed.put(name, kept);
    }
    return changed;
  }

  private static String executable() {
    return ProcessHandle.current()
        .info()
        .command()
        .orElseGet(() -> Path.of(System.getProperty("java.home"), "bin", "java").toString());
  }

  // ProcessHandle has no arguments when they are longer than a page.
  private static List<String> arguments() {
    Optional<String[]> told = ProcessHandle.current().info().arguments();
    if (told.isPresent()) return List.of(told.get());
    try {
      String line = new String(Files.readAllBytes(Path.of("/proc/self/cmdline")), Charset.defaultCharset());
      List<String> words = new ArrayList<>(Arrays.asList(line.split("\0", -1)));
      words.remove(words.size() - 1); // behind the last zero
      return words.subList(1, words.size());
    } catch (IOException error) {
      throw new IllegalStateException("this program's command line is not known: give the pool a command", error);
    }
  }

  private record Parts(List<String> options, List<String> paths, List<String> program) {}

  /** The JVM's options, its class and module paths, and what it runs with its arguments. */
  private static Parts split(List<String> arguments) {
    Parts parts = new Parts(new ArrayList<>(), new ArrayList<>(), new ArrayList<>());
    for (int i = 0; i < arguments.size(); ++i) {
      String word = arguments.get(i);
      boolean more = i + 1 < arguments.size();
      int equals = word.indexOf('=');
      if (WITH_PATHS.contains(word) && more) {
        parts.paths.add(word);
        parts.paths.add(absolutePaths(arguments.get(++i)));
      } else if (word.startsWith("--") && equals > 0 && WITH_PATHS.contains(word.substring(0, equals))) {
        parts.paths.add(word.substring(0, equals + 1) + absolutePaths(word.substring(equals + 1)));
      } else if (WITH_VALUE.contains(word) && more) {
        parts.options.add(word);
        parts.options.add(arguments.get(++i));
      } else if ((word.equals("-jar") || word.equals("-m") || word.equals("--module")) && more) {
        parts.program.add(word);
        parts.program.add(word.equals("-jar") ? absolute(arguments.get(i + 1)) : arguments.get(i + 1));
        parts.program.addAll(arguments.subList(i + 2, arguments.size()));
        return parts;
      } else if (!word.startsWith("-")) {
        parts.program.add(Files.isRegularFile(Path.of(word)) ? absolute(word) : word); // a source file, or a class
        parts.program.addAll(arguments.subList(i + 1, arguments.size()));
        return parts;
      } else if (!isAgent(word)) {
        parts.options.add(word);
      }
    }
    return parts;
  }

  private static boolean isAgent(String word) {
    return AGENTS.stream().anyMatch(word::startsWith);
  }

  // Workers may run in another folder.
  private static String absolutePaths(String paths) {
    return Arrays.stream(paths.split(":", -1)).map(ProgramAgain::absolute).collect(Collectors.joining(":"));
  }

  private static String absolute(String path) {
    if (path.startsWith("/")) return path;
    String absolute = Path.of(path).toAbsolutePath().normalize().toString();
    return path.endsWith("/") ? absolute + "/" : absolute;
  }
}
