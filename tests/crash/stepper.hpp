// Runs one operation of a victim instruction by instruction and kills it after a given number of
// them.
#pragma once

#include <sys/types.h>
#include <sys/user.h>

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
  // The registers as they are now; what follows is said of them.
  const user_regs_struct& look();
  // True if the next instruction is a system call. Its bytes are this program's own too.
  bool before_syscall() const;
  // True if the next instruction may change memory in the range.
  bool may_write(uint64_t begin, uint64_t end) const;
  void kill();

 private:
  bool resume(int request);
  bool poke(uint64_t address, long word);

  pid_t pid_ = 0;
  user_regs_struct registers_{};
  bool dead_ = false;
};

// What the kernel says of a process.
bool sleeps(pid_t pid);
bool sleeps_on_futex(pid_t pid);

// "function at file:line" of an address in this program; "in libc" and the like elsewhere.
std::string source_line(uint64_t address);

}  // namespace brood::crash
