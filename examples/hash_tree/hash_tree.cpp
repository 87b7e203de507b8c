// SHA-256 of every regular file below a directory, hashed by a pool of processes: the same lines in
// the same order as `find DIR -type f -print0 | LC_ALL=C sort -z | xargs -0 sha256sum`.
//
// Paths go to the workers through a stream, so neither the tree nor its digests are ever held in
// memory, and a file that crashes its worker would cost that file's line and no other.
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <brood/brood.hpp>
#include <csignal>
#include <cstdio>
#include <cstring>
#include <deque>

#include "digest.hpp"
#include "progress.hpp"
#include "walk.hpp"

namespace {

using Clock = std::chrono::steady_clock;
using namespace std::chrono_literals;

const auto sha256 =
    brood::function("sha256", [](const std::string& path) { return hash_file(path); });

// Paths on their way: enough that a large file at the front does not keep the other workers
// waiting.
constexpr uint64_t kWindow = 1024;
constexpr int kExitInterrupted = 130;
constexpr size_t kMostSampleFiles = 20000;

struct Options {
  std::string directory = "/usr/share/doc";
  unsigned workers = 0;
  uint64_t sample_mb = 64;
  bool no_progress = false;
};

// The one token that Ctrl-C fires: firing is async-signal-safe, so the handler needs nothing else.
brood::Cancel* interrupt = nullptr;
extern "C" void on_interrupt(int) { interrupt->fire(); }

void stop_waits_on_interrupt() {
  static brood::Cancel token;
  interrupt = &token;
  struct sigaction action {};
  action.sa_handler = on_interrupt;
  sigaction(SIGINT, &action, nullptr);
  sigaction(SIGTERM, &action, nullptr);
}

double seconds_since(Clock::time_point start) {
  return std::chrono::duration<double>(Clock::now() - start).count();
}

// Hashes paths from `next` through the pool and gives each outcome to `take`, in order.
template <class Next, class Take>
void hash_all(brood::Pool& pool, Next next, Take take) {
  auto stream = pool.stream(sha256, {.window = kWindow, .collect = true});
  std::deque<std::string> underway;
  const auto take_one = [&] {
    auto item = stream.next(*interrupt);
    if (!item) return false;
    take(underway.front(), *item);
    underway.pop_front();
    return true;
  };
  while (std::optional<std::string> path = next()) {
    while (!stream.push({0ms, *interrupt}, *path)) take_one();
    underway.push_back(*std::move(path));
  }
  stream.finish();
  while (take_one()) {
  }
}

class Run {
 public:
  Run(const Options& options, brood::Pool& pool)
      : options_(options), pool_(pool), progress_(STDERR_FILENO, !options.no_progress) {}

  int hash_tree() {
    const auto start = Clock::now();
    if (progress_.on()) progress_.set_total(measure_tree(options_.directory).bytes);
    Walk walk(options_.directory,
              [this](const std::string& path, int error) { complain(path, std::strerror(error)); });
    hash_all(
        pool_, [&] { return walk.next(); },
        [this](const std::string& path, brood::Item<Digest>& item) { take(path, item); });
    progress_.hide();
    if (std::fflush(stdout) != 0) throw std::runtime_error("standard output: cannot be written");
    const double seconds = seconds_since(start);
    std::fprintf(stderr, "%ju files, %.1f MB in %.2f s: %.0f MB/s with %zu workers%s\n",
                 static_cast<uintmax_t>(total_.files), static_cast<double>(total_.bytes) / 1e6,
                 seconds, static_cast<double>(total_.bytes) / 1e6 / seconds, pool_.workers().size(),
                 speed_up().c_str());
    return failures_ == 0 ? 0 : 1;
  }

 private:
  void take(const std::string& path, brood::Item<Digest>& item) {
    if (!item) {
      complain(path, item.error().what());
    } else if (item.value().error != 0) {
      complain(path, std::strerror(item.value().error));
    } else {
      if (stdout_is_terminal_) progress_.hide();
      const std::string line = checksum_line(item.value(), path);
      std::fwrite(line.data(), 1, line.size(), stdout);
      ++total_.files;
      total_.bytes += item.value().bytes;
    }
    progress_.update(total_.bytes, total_.files);
  }

  void complain(const std::string& path, const char* why) {
    progress_.hide();
    std::fprintf(stderr, "hash_tree: %s: %s\n", path.c_str(), why);
    ++failures_;
  }

  // Evenly spread over the tree, until it holds as many bytes as asked for.
  std::vector<std::string> sample() const {
    const uint64_t wanted = options_.sample_mb * 1000000;
    const uint64_t stride = wanted == 0 ? 0 : total_.bytes / wanted + 1;
    std::vector<std::string> paths;
    if (stride == 0) return paths;
    Walk walk(options_.directory, [](const std::string&, int) {});
    for (uint64_t i = 0; paths.size() < kMostSampleFiles; ++i) {
      std::optional<std::string> path = walk.next();
      if (!path) break;
      if (i % stride == 0) paths.push_back(*std::move(path));
    }
    return paths;
  }

  // Measured, not derived: the same files, which are in the page cache by now, hashed by this
  // process alone and by the pool, in turns; the better of two passes counts for each.
  std::string speed_up() const {
    const std::vector<std::string> paths = sample();
    if (paths.empty()) return "";
    double alone = 1e9;
    double pooled = 1e9;
    uint64_t bytes = 0;
    for (int pass = 0; pass < 2; ++pass) {
      bytes = 0;
      auto start = Clock::now();
      for (const std::string& path : paths) {
        if (interrupt->fired()) return "";
        bytes += sha256(path).bytes;
      }
      alone = std::min(alone, seconds_since(start));
      start = Clock::now();
      auto path = paths.begin();
      hash_all(
          pool_,
          [&] { return path == paths.end() ? std::nullopt : std::optional<std::string>(*path++); },
          [](const std::string&, brood::Item<Digest>&) {});
      pooled = std::min(pooled, seconds_since(start));
    }
    char text[160];
    std::snprintf(text, sizeof text,
                  "; %.2f times as fast as one process (measured on %zu of the files, %.1f MB)",
                  alone / pooled, paths.size(), static_cast<double>(bytes) / 1e6);
    return text;
  }

  const Options& options_;
  brood::Pool& pool_;
  Progress progress_;
  TreeSize total_;
  uint64_t failures_ = 0;
  bool stdout_is_terminal_ = isatty(STDOUT_FILENO) != 0;
};

}  // namespace

int main(int argc, char** argv) try {
  brood::init(argc, argv);
  Options options;
  CLI::App app("Prints the SHA-256 of every regular file below a directory, as sha256sum does.");
  app.add_option("directory", options.directory, "where to begin")->capture_default_str();
  app.add_option("--workers", options.workers, "0: one for each usable CPU")->capture_default_str();
  app.add_option("--sample", options.sample_mb,
                 "MB hashed again to measure the speed-up; 0: do not measure")
      ->capture_default_str();
  app.add_flag("--no-progress", options.no_progress, "no progress bar, even on a terminal");
  CLI11_PARSE(app, argc, argv);

  stop_waits_on_interrupt();
  brood::Pool pool({.workers = options.workers});
  return Run(options, pool).hash_tree();
} catch (const brood::Canceled&) {
  std::fflush(stdout);
  std::fprintf(stderr, "hash_tree: interrupted\n");
  return kExitInterrupted;
} catch (const std::exception& error) {
  std::fprintf(stderr, "hash_tree: %s\n", error.what());
  return 1;
}
