// What the benchmark programs share. Each program measures one thing once and prints its figures as
// JSON lines; bench/run.py repeats and interleaves them, so that all contestants meet the same
// machine.
#pragma once

#include <sched.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string>
#include <vector>

namespace bench {

using Clock = std::chrono::steady_clock;

inline double seconds_since(Clock::time_point start) {
  return std::chrono::duration<double>(Clock::now() - start).count();
}

[[noreturn]] inline void die(const char* what) {
  std::perror(what);
  std::exit(1);
}

inline void must(bool succeeded, const char* what) {
  if (!succeeded) die(what);
}

inline void emit(const char* figure, double value, const char* unit) {
  std::printf("{\"figure\": \"%s\", \"value\": %.6g, \"unit\": \"%s\"}\n", figure, value, unit);
  std::fflush(stdout);
}

// Where the two sides run: both on one CPU, each on its own, or wherever the kernel likes.
struct Placement {
  std::string name = "free";
  std::vector<uint32_t> cpus;  // that this process may use

  explicit Placement(std::string chosen) : name(std::move(chosen)) {
    cpu_set_t set;
    must(sched_getaffinity(0, sizeof set, &set) == 0, "sched_getaffinity");
    for (uint32_t cpu = 0; cpu < CPU_SETSIZE; ++cpu) {
      if (CPU_ISSET(cpu, &set)) cpus.push_back(cpu);
    }
    if (name == "apart" && cpus.size() < 2) {
      std::fprintf(stderr, "two CPUs are needed to be apart\n");
      std::exit(1);
    }
  }
  bool pinned() const { return name != "free"; }
  uint32_t host_cpu() const { return cpus.front(); }
  uint32_t worker_cpu() const { return name == "apart" ? cpus.back() : cpus.front(); }
  void pin_host() const { pin(host_cpu()); }
  void pin_worker() const { pin(worker_cpu()); }

 private:
  void pin(uint32_t cpu) const {
    if (!pinned()) return;
    cpu_set_t set;
    CPU_ZERO(&set);
    CPU_SET(cpu, &set);
    must(sched_setaffinity(0, sizeof set, &set) == 0, "sched_setaffinity");
  }
};

// Memory that is really there, for hosts whose size shall matter.
inline void become_large(size_t megabytes) {
  const size_t bytes = megabytes << 20;
  if (bytes == 0) return;
  auto* memory = static_cast<unsigned char*>(std::malloc(bytes));
  must(memory != nullptr, "malloc");
  for (size_t i = 0; i < bytes; i += 4096) const_cast<volatile unsigned char*>(memory)[i] = 1;
}

inline void emit_latencies(std::vector<double>& microseconds) {
  std::sort(microseconds.begin(), microseconds.end());
  emit("rtt_p50", microseconds[microseconds.size() / 2], "us");
  emit("rtt_p99", microseconds[microseconds.size() * 99 / 100], "us");
}

constexpr size_t kMessageBytes = 64;

}  // namespace bench
