package org.brood.low;

import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.attribute.PosixFilePermission;
import java.nio.file.attribute.PosixFilePermissions;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.Comparator;
import java.util.HexFormat;
import java.util.Set;
import java.util.stream.Stream;

/**
 * Finds the native library: where the property {@code brood.library} says; inside the jar; where the JVM looks for
 * libraries.
 *
 * <p>What lies in the jar is copied once into a folder of the user's, named by its contents, which all workers and
 * later programs share: brood's helper programs have to be files.
 */
public final class NativeLibrary {
  private static final String FOLDER = "/org/brood/native/linux-x86_64/";
  // The library itself first: the JNI library needs it, and is found without a search path then. The helper programs
  // lie where the library looks for them.
  private static final String HELPERS = "brood-0";
  private static final String[] FILES = {
    "libbrood.so.0", "libbrood_java.so", HELPERS + "/brood-nursery", HELPERS + "/brood-keeper"
  };

  private static volatile Path unpacked;

  private NativeLibrary() {}

  /** Where this process has unpacked the library, so that its workers need not; null if it was a file before. */
  public static Path unpackedLibrary() {
    Low.version(); // loads it, if that was not done
    return unpacked;
  }

  static void load() {
    String told = System.getProperty("brood.library");
    if (told != null) {
      load(Path.of(told).toAbsolutePath());
    } else if (NativeLibrary.class.getResource(FOLDER + FILES[0]) != null) {
      unpacked = unpacked().resolve(FILES[1]);
      load(unpacked);
    } else {
      System.loadLibrary("brood_java");
    }
  }

  private static void load(Path library) {
    Path first = library.resolveSibling(FILES[0]);
    if (Files.exists(first)) System.load(first.toString());
    System.load(library.toString());
  }

  private static Path unpacked() {
    try {
      Path parent = cacheFolder();
      Path folder = parent.resolve(digest());
      if (Files.isDirectory(folder)) return folder;
      Path made = Files.createTempDirectory(parent, "unpacking-");
      Files.createDirectory(made.resolve(HELPERS));
      for (String name : FILES) {
        try (InputStream in = NativeLibrary.class.getResourceAsStream(FOLDER + name)) {
          Files.copy(in, made.resolve(name), StandardCopyOption.REPLACE_EXISTING);
        }
        Files.setPosixFilePermissions(made.resolve(name), PosixFilePermissions.fromString("rwxr-xr-x"));
      }
      return rename(made, folder);
    } catch (IOException error) {
      throw new UncheckedIOException("brood's native library could not be unpacked", error);
    }
  }

  // Others may unpack at the same time: whoever comes first wins.
  private static Path rename(Path made, Path folder) throws IOException {
    try {
      return Files.move(made, folder, StandardCopyOption.ATOMIC_MOVE);
    } catch (IOException error) {
      if (!Files.isDirectory(folder)) throw error;
      for (String name : FILES) Files.deleteIfExists(made.resolve(name));
      Files.deleteIfExists(made.resolve(HELPERS));
      Files.deleteIfExists(made);
      return folder;
    }
  }

  // A folder that nobody else may write to, since programs are run from it.
  private static Path cacheFolder() throws IOException {
    String cache = System.getenv("XDG_CACHE_HOME");
    Path folder =
        cache != null && cache.startsWith("/")
            ? Path.of(cache, "brood")
            : Path.of(System.getProperty("user.home"), ".cache", "brood");
    try {
      Files.createDirectories(
          folder, PosixFilePermissions.asFileAttribute(PosixFilePermissions.fromString("rwx------")));
      Set<PosixFilePermission> rights = Files.getPosixFilePermissions(folder);
      boolean ours = Files.getOwner(folder).equals(Files.getOwner(Path.of("/proc/self")));
      boolean closed =
          !rights.contains(PosixFilePermission.GROUP_WRITE) && !rights.contains(PosixFilePermission.OTHERS_WRITE);
      if (ours && closed && Files.isWritable(folder)) return folder;
    } catch (IOException error) {
      // No home that can be written to: a folder for this program alone.
    }
    Path own = Files.createTempDirectory("brood-");
    Runtime.getRuntime().addShutdownHook(new Thread(() -> remove(own)));
    return own;
  }

  private static void remove(Path folder) {
    try (Stream<Path> files = Files.walk(folder)) {
      files.sorted(Comparator.reverseOrder()).forEach(file -> file.toFile().delete());
    } catch (IOException error) {
      // It is the system's temporary folder.
    }
  }

  private static String digest() throws IOException {
    try {
      MessageDigest digest = MessageDigest.getInstance("SHA-256");
      for (String name : FILES) {
        try (InputStream in = NativeLibrary.class.getResourceAsStream(FOLDER + name)) {
          if (in == null) throw new IOException("the jar has no " + FOLDER + name);
          digest.update(in.readAllBytes());
        }
      }
      return HexFormat.of().formatHex(digest.digest(), 0, 12);
    } catch (NoSuchAlgorithmException error) {
      throw new IllegalStateException(error); // every JVM has it
    }
  }
}
