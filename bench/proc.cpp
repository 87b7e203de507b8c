#include "proc.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <functional>

#include "bench.hpp"

namespace bench {
namespace {

std::string folder_of(int64_t pid) { return "/proc/" + std::to_string(pid); }

// The number after "name:" in a file of such lines; 0 if it is not there.
uint64_t field(const std::string& path, const std::string& name) {
  std::ifstream file(path);
  uint64_t sum = 0;
  for (std::string line; std::getline(file, line);) {
    if (line.compare(0, name.size() + 1, name + ":") == 0) {
      sum += std::strtoull(line.c_str() + name.size() + 1, nullptr, 10);
    }
  }
  return sum;
}

uint64_t over_threads(const std::vector<int64_t>& pids,
                      const std::function<uint64_t(const std::string& thread)>& value) {
  uint64_t sum = 0;
  for (const int64_t pid : pids) {
    std::error_code gone;
    for (const auto& thread : std::filesystem::directory_iterator(folder_of(pid) + "/task", gone)) {
      sum += value(thread.path().string());
    }
  }
  return sum;
}

void sleep_s(size_t seconds) {
  const timespec time{static_cast<time_t>(seconds), 0};
  nanosleep(&time, nullptr);
}

}  // namespace

uint64_t cpu_ns(const std::vector<int64_t>& pids) {
  return over_threads(pids, [](const std::string& thread) {
    std::ifstream file(thread + "/schedstat");
    uint64_t ns = 0;
    file >> ns;
    return ns;
  });
}

uint64_t context_switches(const std::vector<int64_t>& pids) {
  return over_threads(pids, [](const std::string& thread) {
    return field(thread + "/status", "voluntary_ctxt_switches") +
           field(thread + "/status", "nonvoluntary_ctxt_switches");
  });
}

uint64_t private_bytes(int64_t pid) {
  const std::string path = folder_of(pid) + "/smaps_rollup";
  return (field(path, "Private_Clean") + field(path, "Private_Dirty")) * 1024;
}

uint64_t resident_bytes(int64_t pid) { return field(folder_of(pid) + "/status", "VmRSS") * 1024; }

int64_t parent_of(int64_t pid) {
  return static_cast<int64_t>(field(folder_of(pid) + "/status", "PPid"));
}

void settle() { sleep_s(1); }

void measure_idle(const std::vector<int64_t>& pids, size_t seconds) {
  // Looking costs the observer itself a few switches: what two looks in a row show is subtracted.
  const uint64_t look = context_switches(pids);
  const uint64_t before = context_switches(pids);
  const uint64_t cpu_before = cpu_ns(pids);
  sleep_s(seconds);
  const uint64_t cpu_after = cpu_ns(pids);
  const uint64_t after = context_switches(pids);
  // The observer's own sleep is one switch, and not the pool's.
  const uint64_t own = (before - look) + 1;
  const uint64_t seen = after - before;
  emit("wakeups", static_cast<double>(seen > own ? seen - own : 0), "wake-ups");
  emit("cpu", static_cast<double>(cpu_after - cpu_before) / 1e6, "ms");
}

Gate::Gate() : path_("/tmp/brood_bench_gate_" + std::to_string(getpid())) {
  must(mkfifo(path_.c_str(), 0600) == 0, "mkfifo");
}

Gate::~Gate() { unlink(path_.c_str()); }

void Gate::open_for(int waiters) const {
  const int fd = open(path_.c_str(), O_WRONLY | O_CLOEXEC);
  must(fd >= 0, "gate");
  const std::string bytes(static_cast<size_t>(waiters), 'x');
  must(write(fd, bytes.data(), bytes.size()) == waiters, "gate");
  // Closed by exit: a waiter that opens late must still find the bytes.
}

void wait_at_gate(const std::string& path) {
  const int fd = open(path.c_str(), O_RDONLY | O_CLOEXEC);
  char byte = 0;
  must(fd >= 0 && read(fd, &byte, 1) == 1, "gate");
  close(fd);
}

}  // namespace bench
