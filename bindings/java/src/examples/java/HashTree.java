import java.io.BufferedOutputStream;
import java.io.IOException;
import java.io.PrintStream;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.ArrayDeque;
import java.util.Comparator;
import java.util.Deque;
import java.util.HexFormat;
import java.util.Iterator;
import java.util.List;
import java.util.stream.Stream;
import org.brood.Brood;
import org.brood.BroodException;
import org.brood.CallOptions;
import org.brood.Pool;
import org.brood.Task;
import org.brood.TaskFailedException;
import org.brood.TaskStream;

/**
 * SHA-256 of every regular file below a directory, hashed by a pool of processes: the same lines in the same order as
 * {@code find DIR -type f -print0 | LC_ALL=C sort -z | xargs -0 sha256sum}, for names that are valid in the JVM's
 * encoding of file names.
 *
 * <p>Paths go to the workers through a stream, so that neither the tree nor its digests are ever held in memory.
 */
public final class HashTree {
  static final Task<String, String> SHA256 = Brood.register("sha256", HashTree::sha256);

  private HashTree() {}

  static String sha256(String path) throws IOException, NoSuchAlgorithmException {
    MessageDigest digest = MessageDigest.getInstance("SHA-256");
    byte[] buffer = new byte[1 << 18];
    // A link that took the file's place since it was listed shall not be followed.
    try (var in = Files.newInputStream(Path.of(path), LinkOption.NOFOLLOW_LINKS)) {
      for (int got; (got = in.read(buffer)) > 0; ) digest.update(buffer, 0, got);
    }
    return HexFormat.of().formatHex(digest.digest());
  }

  /** The regular files below a directory, in the order of their paths' bytes. */
  private static final class Walk implements Iterator<String> {
    private final Deque<Iterator<String>> levels = new ArrayDeque<>();
    private String next;

    Walk(String root) {
      levels.push(list(root));
      advance();
    }

    // A directory sorts as its name and the slash behind it do.
    private static Iterator<String> list(String folder) {
      String prefix = folder.endsWith("/") ? folder : folder + "/";
      try (Stream<Path> entries = Files.list(Path.of(folder))) {
        List<String> names =
            entries
                .filter(entry -> isPlain(entry))
                .map(entry -> prefix + entry.getFileName() + (isFolder(entry) ? "/" : ""))
                .sorted(Comparator.comparing(name -> name.getBytes(StandardCharsets.UTF_8), HashTree::compareBytes))
                .toList();
        return names.iterator();
      } catch (IOException error) {
        throw new UncheckedIOException(error);
      }
    }

    private static boolean isPlain(Path entry) {
      return Files.isRegularFile(entry, LinkOption.NOFOLLOW_LINKS) || isFolder(entry);
    }

    private static boolean isFolder(Path entry) {
      return Files.isDirectory(entry, LinkOption.NOFOLLOW_LINKS);
    }

    private void advance() {
      next = null;
      while (next == null && !levels.isEmpty()) {
        if (!levels.peek().hasNext()) {
          levels.pop();
          continue;
        }
        String entry = levels.peek().next();
        if (entry.endsWith("/")) {
          levels.push(list(entry));
        } else {
          next = entry;
        }
      }
    }

    @Override
    public boolean hasNext() {
      return next != null;
    }

    @Override
    public String next() {
      String path = next;
      advance();
      return path;
    }
  }

  private static int compareBytes(byte[] a, byte[] b) {
    return java.util.Arrays.compareUnsigned(a, b);
  }

  /** As sha256sum writes it. */
  private static String line(String digest, String path) {
    boolean odd = path.contains("\\") || path.contains("\n") || path.contains("\r");
    String written = path.replace("\\", "\\\\").replace("\n", "\\n").replace("\r", "\\r");
    return (odd ? "\\" : "") + digest + "  " + written + "\n";
  }

  private static int hashTree(Pool pool, String root, PrintStream out) {
    Deque<String> underway = new ArrayDeque<>();
    Iterator<String> walk = new Walk(root);
    Iterator<String> remembered =
        new Iterator<>() {
          @Override
          public boolean hasNext() {
            return walk.hasNext();
          }

          @Override
          public String next() {
            underway.add(walk.next());
            return underway.getLast();
          }
        };
    int failures = 0;
    try (TaskStream<String> digests = pool.results(SHA256, remembered, CallOptions.DEFAULT.window(1024))) {
      while (digests.hasNext()) {
        String path = underway.remove();
        try {
          out.print(line(digests.next(), path));
        } catch (TaskFailedException error) {
          System.err.println("hash_tree: " + path + ": " + error.remoteMessage());
          ++failures;
        } catch (BroodException error) {
          System.err.println("hash_tree: " + path + ": " + error.getMessage());
          ++failures;
        }
      }
    }
    return failures;
  }

  public static void main(String[] args) throws Exception {
    Brood.main(args);
    String root = args.length > 0 ? args[0] : "/usr/share/doc";
    if (!Files.exists(Path.of(root))) throw new NoSuchFileException(root);
    int failures;
    try (Pool pool = new Pool();
        PrintStream out = new PrintStream(new BufferedOutputStream(System.out, 1 << 16), false, "UTF-8")) {
      failures = hashTree(pool, root, out);
    }
    System.exit(failures == 0 ? 0 : 1);
  }
}
