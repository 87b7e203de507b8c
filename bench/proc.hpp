// What /proc knows of the members of a family: CPU time, memory, wake-ups.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace bench {

// CPU time of all threads of these processes, to the nanosecond.
uint64_t cpu_ns(const std::vector<int64_t>& pids);
// Times that a thread of these processes was switched out: one for each time it had woken up.
uint64_t context_switches(const std::vector<int64_t>& pids);
// Memory that is this process's alone.
uint64_t private_bytes(int64_t pid);
uint64_t resident_bytes(int64_t pid);
int64_t parent_of(int64_t pid);

// Waits until what start-up left behind (timers, exits) has passed.
void settle();
// Emits wake-ups and CPU time of these processes over so many seconds of doing nothing.
void measure_idle(const std::vector<int64_t>& pids, size_t seconds);

// A named pipe that tasks wait at.
class Gate {
 public:
  Gate();
  Gate(const Gate&) = delete;
  Gate& operator=(const Gate&) = delete;
  ~Gate();
  const std::string& path() const { return path_; }
  // Lets that many waiters through.
  void open_for(int waiters) const;

 private:
  std::string path_;
};
void wait_at_gate(const std::string& path);

}  // namespace bench
