package org.brood;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class CommandLineTest {
  private static final String HERE = Path.of("").toAbsolutePath().toString();

  private static void check(List<String> arguments, String... expected) {
    List<String> command = ProgramAgain.command("java", arguments);
    assertEquals(List.of(expected), command.subList(1, command.size()));
  }

  @Test
  void classPathsAndMainClassesAreKept() {
    check(
        List.of("-Xmx64m", "-cp", "a.jar:/b", "Main", "-x", "@y"),
        "-Xmx64m", "-cp", HERE + "/a.jar:/b", "Main", "-x", "@y");
    check(List.of("--class-path=a", "Main"), "--class-path=" + HERE + "/a", "Main");
    check(List.of("-jar", "app.jar", "-jar"), "-jar", HERE + "/app.jar", "-jar");
    check(
        List.of("--add-opens", "a/b=c", "-p", "mods", "-m", "mod/Main"),
        "--add-opens", "a/b=c", "-p", HERE + "/mods", "-m", "mod/Main");
  }

  @Test
  void agentsThatHaveAPortAreDropped() {
    check(
        List.of(
            "-agentlib:jdwp=transport=dt_socket,server=y,address=5005",
            "-Dcom.sun.management.jmxremote.port=9010",
            "-Dcom.sun.management.jmxremote",
            "-Xdebug",
            "-Xrunjdwp:server=y",
            "-Dkept=1",
            "Main",
            "-agentlib:jdwp=kept"),
        "-Dkept=1", "Main", "-agentlib:jdwp=kept");
  }

  @Test
  void argumentFilesAreRead(@TempDir Path folder) throws Exception {
    Path file = folder.resolve("args");
    Files.writeString(file, "-Da=\"b c\" # a comment\n-agentlib:jdwp=x\n'-Dd=e' -cp \"x\\\\y:\\\n   /z\"");
    check(
        List.of("@" + file, "Main", "@" + file),
        "-Da=b c", "-Dd=e", "-cp", HERE + "/x\\y:/z", "Main", "@" + file);
    Path whole = folder.resolve("whole");
    Files.writeString(whole, "-cp /a Main one");
    check(List.of("@" + whole, "two"), "-cp", "/a", "Main", "one", "two");
    check(List.of("--disable-@files", "@x", "y"), "--disable-@files", "@x", "y");
  }

  @Test
  void sourceFilesAreFoundFromElsewhere(@TempDir Path folder) throws Exception {
    Path source = Files.writeString(folder.resolve("Main.java"), "class Main {}");
    check(List.of("--source", "17", source.toString(), "x"), "--source", "17", source.toString(), "x");
  }
}
