// Runs one operation of a victim instruction by instruction and kills it after a given number of
// them.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

namespace brood::crash {

// Where an operation was after so many steps: about to execute, for the `nth` time, the instruction
// at `address`, `extra` repetitions into it (of a string instruction).
struct Moment {
  long step = 0;
  uint64_t address = 0;
  long nth = 0;
  long extra = 0;
};

class Victim {
 public:
  // Forks; the child stops before the first instruction of `operation`.
  explicit Victim(const std::function<void()>& operation);
  ~Victim();
  Victim(const Victim&) = delete;
  Victim& operator=(const Victim&) = delete;

  // One instruction. False when the operation has ended, or sleeps in the kernel for good.
  bool step();
  // The same as moment.step steps from the beginning, much faster: with a breakpoint. False when
  // the operation went another way; nothing can be said then of where it is.
  bool run_to(const Moment& moment);
  // True if the next instruction is a system call.
  bool before_syscall() const;
  uint64_t instruction() const;
  void kill();

 private:
  bool resume(int request);
  bool poke(uint64_t address, long word);

  pid_t pid_ = 0;
  bool dead_ = false;
};

// "function at file:line" of an address in this program; "in libc" and the like elsewhere.
std::string source_line(uint64_t address);

}  // namespace brood::crash
