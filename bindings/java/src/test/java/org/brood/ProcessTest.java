package org.brood;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.BufferedReader;
import java.io.InputStreamReader;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

@Timeout(60)
class ProcessTest {
  private static ProcessOptions worker() {
    return new ProcessOptions().workerClass(TestTasks.class);
  }

  @Test
  void aTaskRunsInAProcessOfItsOwn() throws Exception {
    ProcessOptions options = worker().output(ProcessOptions.Stream.PIPE).name("shouter");
    try (ChildProcess child = ChildProcess.start(TestTasks.SHOUT, "hello", options)) {
      assertEquals("HELLO\n", new String(child.inputStream().readAllBytes(), StandardCharsets.UTF_8));
      child.join();
      assertEquals(0, child.exitCode());
      assertEquals(0, child.exitSignal());
      assertEquals("shouter", child.name());
      assertFalse(child.isAlive());
      assertTrue(child.usage().maxResidentBytes() > 0);
      child.checkOutcome();
    }
  }

  @Test
  void aFailedTaskTellsWhy() throws Exception {
    ProcessOptions options = worker().error(ProcessOptions.Stream.NULL);
    try (ChildProcess child = ChildProcess.start(TestTasks.FAIL, "it broke", options)) {
      child.onExit().get();
      assertEquals(1, child.exitCode());
      assertEquals("it broke", assertThrows(TaskFailedException.class, child::checkOutcome).remoteMessage());
    }
  }

  @Test
  void anyProgramCanBeSpawned(@TempDir Path folder) throws Exception {
    ProcessOptions options =
        new ProcessOptions()
            .command("cat")
            .input(ProcessOptions.Stream.PIPE)
            .output(ProcessOptions.Stream.file(folder.resolve("out")))
            .directory(folder);
    try (ChildProcess child = ChildProcess.spawn(options)) {
      assertThrows(IllegalStateException.class, child::exitCode);
      try (var input = child.outputStream()) {
        input.write("text".getBytes(StandardCharsets.UTF_8));
      }
      child.join();
      assertEquals("text", Files.readString(folder.resolve("out")));
    }
    var error = assertThrows(SystemCallException.class, () -> ChildProcess.spawn("/no/such/program"));
    assertEquals(2, error.errno());
  }

  @Test
  void aTreeIsEndedAsAWhole() throws Exception {
    ProcessOptions options =
        new ProcessOptions().command("sh", "-c", "sleep 1000 & echo $!; wait").output(ProcessOptions.Stream.PIPE);
    try (ChildProcess child = ChildProcess.spawn(options)) {
      var reader = new BufferedReader(new InputStreamReader(child.inputStream(), StandardCharsets.UTF_8));
      long grandchild = Long.parseLong(reader.readLine());
      assertTrue(Brood.activeChildren().contains(child.pid()));
      assertFalse(child.join(Duration.ofMillis(10)));
      child.kill();
      child.join();
      assertEquals(9, child.exitSignal());
      assertFalse(Files.exists(Path.of("/proc/" + grandchild)));
    }
  }

  @Test
  void javasOwnProcessesDuringAndAfterAPool() throws Exception {
    try (Pool pool = TestTasks.pool(2)) {
      TaskFuture<Integer> lost = pool.submit(TestTasks.DIE, 9);
      for (int i = 0; i < 5; ++i) ownProcess(i);
      assertEquals(5, pool.call(TestTasks.BACKTICKS, "words"));
      assertThrows(java.util.concurrent.ExecutionException.class, lost::get);
    }
    ownProcess(7);
  }

  private static void ownProcess(int code) throws Exception {
    Process process = new ProcessBuilder("sh", "-c", "echo out; exit " + code).start();
    assertEquals("out", process.inputReader().readLine());
    assertEquals(code, process.waitFor());
    assertEquals(code, process.onExit().get().exitValue());
  }
}
