// The same in C++: arguments and results are values, failures are exceptions.
// snippet: all
#include <brood/brood.hpp>
#include <cstdio>

static long fib(int n) { return n < 2 ? n : fib(n - 1) + fib(n - 2); }
static const auto fib_task = brood::function("fib", fib);

int main(int argc, char** argv) try {
  brood::init(argc, argv);  // a worker does not come back from here
  brood::Pool pool;         // as many workers as CPUs
  for (const long value : pool.map(fib_task, std::vector{10, 20, 30})) std::printf("%ld\n", value);
} catch (const brood::Error& error) {
  std::fprintf(stderr, "fib: %s\n", error.what());
  return 1;
}
// snippet end
