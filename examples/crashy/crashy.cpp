// Of 1000 items a seeded few segfault, hang or exit. Exactly those are reported, the rest succeed,
// and the pool is as good as new afterwards. The seed knows the truth; the last line compares.
#include <CLI/CLI.hpp>
#include <brood/brood.hpp>
#include <chrono>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <thread>

namespace {

enum class Fate { Succeed, Segfault, Hang, Exit };
constexpr int kExitCode = 3;

// What becomes of an item depends on the seed and its number alone, so that host and worker agree.
Fate fate_of(uint64_t seed, uint64_t item) {
  // splitmix64: a few lines that mix well and are the same on every machine.
  uint64_t x = seed + (item + 1) * 0x9e3779b97f4a7c15u;
  x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9u;
  x = (x ^ (x >> 27)) * 0x94d049bb133111ebu;
  x ^= x >> 31;
  switch (x % 150) {
    case 0:
      return Fate::Segfault;
    case 1:
      return Fate::Hang;
    case 2:
      return Fate::Exit;
    default:
      return Fate::Succeed;
  }
}

const auto work = brood::function("work", [](uint64_t seed, uint64_t item) -> uint64_t {
  switch (fate_of(seed, item)) {
    case Fate::Segfault:
      // The default action, as a wild pointer would end it.
      std::signal(SIGSEGV, SIG_DFL);
      std::raise(SIGSEGV);
      break;
    case Fate::Hang:
      for (;;) std::this_thread::sleep_for(std::chrono::hours(1));
    case Fate::Exit:
      std::exit(kExitCode);
    case Fate::Succeed:
      break;
  }
  return item * item;
});

struct Counts {
  unsigned succeeded = 0, segfaulted = 0, hung = 0, exited = 0, wrong = 0;
};

// Counts what was reported for one item, and whether it is what the seed says.
void count(Counts& counts, brood::Item<uint64_t>& item, Fate truth) {
  const uint64_t index = item.index();
  Fate reported = Fate::Succeed;
  if (item) {
    if (item.value() != index * index) ++counts.wrong;
    ++counts.succeeded;
  } else if (item.error().status() == BROOD_E_TASK_TIMEOUT) {
    reported = Fate::Hang;
    ++counts.hung;
    std::printf("item %3ju: passed its run limit, its worker was killed\n", uintmax_t{index});
  } else if (item.error().signal() == SIGSEGV) {
    reported = Fate::Segfault;
    ++counts.segfaulted;
    std::printf("item %3ju: its worker died of signal %d\n", uintmax_t{index},
                item.error().signal());
  } else if (item.error().exit_code() == kExitCode) {
    reported = Fate::Exit;
    ++counts.exited;
    std::printf("item %3ju: its worker exited with %d\n", uintmax_t{index},
                item.error().exit_code());
  } else {
    ++counts.wrong;
    std::printf("item %3ju: %s\n", uintmax_t{index}, item.error().what());
    return;
  }
  if (reported != truth) ++counts.wrong;
}

int run(uint64_t seed, unsigned items, unsigned workers, unsigned limit_ms) {
  brood::PoolOptions options{.workers = workers};
  options.limits.core_bytes = -1;  // the crashes are on purpose: no core files
  brood::Pool pool(options);

  std::vector<std::tuple<uint64_t, uint64_t>> inputs;
  for (unsigned i = 0; i < items; ++i) inputs.emplace_back(seed, i);
  Counts counts;
  uint64_t seen = 0;
  for (auto& item : pool.each({.collect = true, .run_limit = std::chrono::milliseconds(limit_ms)},
                              work, inputs)) {
    if (item.index() != seen++) ++counts.wrong;
    count(counts, item, fate_of(seed, item.index()));
  }
  const bool agrees = counts.wrong == 0 && seen == items;
  std::printf("%u items: %u succeeded, %u segfaulted, %u hung, %u exited: %s\n", items,
              counts.succeeded, counts.segfaulted, counts.hung, counts.exited,
              agrees ? "exactly what the seed says" : "NOT what the seed says");
  return agrees ? 0 : 1;
}

}  // namespace

int main(int argc, char** argv) try {
  brood::init(argc, argv);
  uint64_t seed = 1;
  unsigned items = 1000;
  unsigned workers = 0;
  unsigned limit_ms = 500;
  CLI::App app("Crashes on purpose, and counts who noticed.");
  app.add_option("--seed", seed, "decides which items crash")->capture_default_str();
  app.add_option("--items", items, "how many")->capture_default_str();
  app.add_option("--workers", workers, "0: one a CPU")->capture_default_str();
  app.add_option("--limit", limit_ms, "milliseconds that an item may run")->capture_default_str();
  CLI11_PARSE(app, argc, argv);
  return run(seed, items, workers, limit_ms);
} catch (const brood::Error& error) {
  std::fprintf(stderr, "crashy: %s\n", error.what());
  return 1;
}
