import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.IntStream;
import org.brood.Brood;
import org.brood.ChildProcess;
import org.brood.Pool;
import org.brood.ProcessOptions;
import org.brood.Task;

/** The classic first example: two Fibonacci numbers in two processes, then many with a pool. */
public final class Fib {
  static final Task<Integer, Long> FIB = Brood.register("fib", Fib::compute);
  static final Task<Integer, Void> PRINT_FIB = Brood.registerAction("print_fib", Fib::print);

  private Fib() {}

  static long compute(int n) {
    return n < 2 ? n : compute(n - 1) + compute(n - 2);
  }

  // A process of its own has no caller to reply to: it prints.
  static void print(int n) {
    System.out.print("fib(" + n + ") = " + compute(n));
  }

  private static void twoProcesses() throws Exception {
    List<ChildProcess> processes = new ArrayList<>();
    for (int n : new int[] {27, 28}) {
      processes.add(
          ChildProcess.start(PRINT_FIB, n, new ProcessOptions().output(ProcessOptions.Stream.PIPE)));
    }
    for (int i = 0; i < processes.size(); ++i) {
      try (ChildProcess process = processes.get(i)) {
        String said = new String(process.inputStream().readAllBytes(), StandardCharsets.UTF_8);
        process.join();
        System.out.println("process " + (i + 1) + " says: " + said);
      }
    }
  }

  private static void mapWithAPool() throws Exception {
    try (Pool pool = new Pool()) {
      List<Integer> inputs = IntStream.range(0, 25).boxed().toList();
      List<Long> results = pool.map(FIB, inputs);
      for (int n : inputs) System.out.println("fib(" + n + ") = " + results.get(n));
    }
  }

  public static void main(String[] args) throws Exception {
    Brood.main(args); // a worker does not come back from here
    twoProcesses();
    mapWithAPool();
  }
}
