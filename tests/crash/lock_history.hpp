// Whether a history can be that of locks: who held them when, and who heard of a death.
#pragma once

#include "history.hpp"

namespace brood::crash {

// What an object's holders may weigh together: a lock has room for one, a read-write lock for one
// writer or some readers, a semaphore for as many as it has permits.
struct LockRule {
  uint64_t room;
  bool tells_of_death;  // whoever weighs `room` and dies leaves it to be recovered
};

struct LockVerdict {
  uint64_t holds = 0;
  uint64_t deaths = 0;  // while it was surely held
  uint64_t wrong = 0;
};

// An object's number is its index among the rules.
LockVerdict check_locks(const History& history, std::span<const LockRule> rules);

}  // namespace brood::crash
