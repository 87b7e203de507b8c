package org.brood;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.BufferedReader;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** Programs as users start them, and what becomes of them. */
@Timeout(170)
class HostsTest {
  private static final Path ROOT = Path.of(System.getProperty("brood.source_root", "../.."));
  private static final String C_FIB = System.getProperty("brood.c_fib");

  private static Process start(Path folder, List<String> options, String... words) throws Exception {
    List<String> command = new ArrayList<>();
    command.add(Path.of(System.getProperty("java.home"), "bin", "java").toString());
    if (System.getProperty("brood.library") != null) {
      command.add("-Dbrood.library=" + Path.of(System.getProperty("brood.library")).toAbsolutePath());
    }
    command.addAll(options);
    command.addAll(List.of(words));
    return new ProcessBuilder(command).directory(folder.toFile()).redirectErrorStream(true).start();
  }

  private static List<String> classPath() {
    List<String> parts = new ArrayList<>();
    for (String part : System.getProperty("java.class.path").split(":")) {
      parts.add(Path.of(part).toAbsolutePath().toString());
    }
    return List.of("-cp", String.join(":", parts));
  }

  private static String run(Path folder, List<String> options, String... words) throws Exception {
    Process process = start(folder, options, words);
    String printed;
    try (BufferedReader reader = process.inputReader()) {
      printed = String.join("\n", reader.lines().toList());
    }
    assertEquals(0, process.waitFor(), printed);
    return printed;
  }

  private static List<String> with(List<String> options, String... more) {
    List<String> all = new ArrayList<>(List.of(more));
    all.addAll(options);
    return all;
  }

  @Test
  void theReadmesFirstProgramWorksWhenPasted(@TempDir Path folder) throws Exception {
    readmeProgram(folder);
    assertEquals("[55, 6765, 832040]", run(folder, classPath(), "Fib.java"));
  }

  @Test
  void anArgumentFileWithADebuggerIsRunAgainWithoutIt(@TempDir Path folder) throws Exception {
    readmeProgram(folder);
    Files.writeString(
        folder.resolve("args"),
        "-agentlib:jdwp=transport=dt_socket,server=y,suspend=n,address=127.0.0.1:0,quiet=y\n-cp \""
            + classPath().get(1)
            + "\"\n");
    assertEquals("[55, 6765, 832040]", run(folder, List.of("@args"), "Fib.java"));
  }

  private static void readmeProgram(Path folder) throws Exception {
    String readme = Files.readString(ROOT.resolve("bindings/java/README.md"));
    int from = readme.indexOf("```java\n") + "```java\n".length();
    Files.writeString(folder.resolve("Fib.java"), readme.substring(from, readme.indexOf("```", from)));
  }

  @Test
  void theJvmHasNothingToSayAboutTheNativeCalls(@TempDir Path folder) throws Exception {
    assertEquals("done", run(folder, with(classPath(), "-Xcheck:jni"), "org.brood.Programs", "stroll"));
  }

  @Test
  void whatIsForgottenIsFreed(@TempDir Path folder) throws Exception {
    List<String> options = with(classPath(), "-Xmx48m", "-XX:+UseSerialGC");
    assertEquals("done", run(folder, options, "org.brood.Programs", "garbage"));
  }

  @Test
  void aProgramWithoutTheGuardIsTold(@TempDir Path folder) throws Exception {
    assertEquals("done", run(folder, classPath(), "org.brood.Programs", "unguarded"));
  }

  @Test
  void manyPoolsLeaveNothing(@TempDir Path folder) throws Exception {
    Assumptions.assumeTrue(C_FIB != null, "the C example is not built");
    assertEquals("done", run(folder, classPath(), "org.brood.Programs", "pools", C_FIB, "1000"));
  }

  @Test
  void aWorkerInC() throws Exception {
    Assumptions.assumeTrue(C_FIB != null, "the C example is not built");
    try (Pool pool = new Pool(new PoolOptions().workers(2).command(C_FIB).codec(Codec.RAW))) {
      List<byte[]> inputs = new ArrayList<>();
      for (int i = 0; i < 25; ++i) {
        inputs.add(ByteBuffer.allocate(4).order(ByteOrder.nativeOrder()).putInt(i).array());
      }
      List<byte[]> results = pool.map(Brood.<byte[]>task("fib", byte[].class), inputs);
      for (int i = 0; i < 25; ++i) {
        assertEquals(TestTasks.fib(i), ByteBuffer.wrap(results.get(i)).order(ByteOrder.nativeOrder()).getLong());
      }
    }
  }

  @Test
  void aKilledHostLeavesNoWorkers(@TempDir Path folder) throws Exception {
    endWith(folder, "-KILL", 137);
  }

  @Test
  void controlCEndsAHostThatWaits(@TempDir Path folder) throws Exception {
    endWith(folder, "-INT", 130);
  }

  private static void endWith(Path folder, String signal, int code) throws Exception {
    Process host = start(folder, classPath(), "org.brood.Programs", "busy");
    List<String> workers = new ArrayList<>();
    try (BufferedReader reader = host.inputReader()) {
      for (int i = 0; i < 2; ++i) workers.add(reader.readLine());
      for (String pid : workers) assertTrue(Files.exists(Path.of("/proc", pid)), pid);
      new ProcessBuilder("kill", signal, Long.toString(host.pid())).start().waitFor();
      assertEquals(code, host.waitFor());
      for (String pid : workers) assertFalse(lives(pid), pid + " still lives");
    }
  }

  /** Waits for its end, under the test's time limit. */
  private static boolean lives(String pid) throws Exception {
    var handle = ProcessHandle.of(Long.parseLong(pid));
    if (handle.isPresent()) handle.get().onExit().get();
    return ProcessHandle.of(Long.parseLong(pid)).isPresent();
  }
}
