// What every storm is made of: a family whose processes are killed at random, all the time, and a
// main() that says how it ended.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <functional>
#include <memory>
#include <random>

#include "shm/arena.hpp"
#include "shm/object.hpp"
#include "sync/waiter.hpp"

namespace brood::crash {

struct Process {
  MemberId id;
  pid_t pid = 0;
};

// The host's side. One thread.
class StormFamily {
 public:
  explicit StormFamily(uint64_t arena_bytes);

  Arena& arena() const { return *arena_; }
  MemberId host() const { return host_; }
  Holdings& holdings() const { return *holdings_; }
  const std::shared_ptr<BellRack>& rack() const { return rack_; }

  // A place for the next process, which may be given things before it starts.
  void reserve(Process& process);
  // A new process in its place, which ends with the host; `body` never returns.
  void start(Process& process, const std::function<void()>& body);
  // SIGKILL, until it is gone. False if it had ended by itself, which no process of a storm does.
  bool kill(const Process& process);
  void reap(const Process& process);
  // Gives up what the host holds: how many bytes are in use then.
  uint64_t close();

 private:
  std::unique_ptr<Arena> arena_;
  MemberId host_;
  std::shared_ptr<BellRack> rack_;
  std::unique_ptr<Holdings> holdings_;
};

// Memory outside the arena that all processes of a storm see; zeros. Only what is used of it costs.
void* storm_memory(size_t bytes);

// main() of `storm [KILLS] [SEED]`: runs it, true if all went well.
int storm_main(int argc, char** argv,
               const std::function<bool(uint64_t kills, unsigned seed)>& run);

// Gives back what a check needed: each fork() would copy the tables of those pages.
void trim_memory();

inline unsigned long long number_of(uint64_t value) { return value; }

}  // namespace brood::crash
