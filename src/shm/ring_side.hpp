// One end of a ring of messages, in shared memory: who works there, how far he has come, and what
// he was about to do. Any number of members work at an end, one at a time, under its lock. An
// operation writes all it changes where nobody looks, and then commits it with one change of
// `word`.
//
//   63                                            2   1        0
//   +---------------------------------------------+--------+---+
//   | items that ever passed this end             | closed | T |     T: which of the two states
//   holds
//   +---------------------------------------------+--------+---+
//
// T changes with every commit, so that what a dead member did under the lock can be told from what
// it was about to do: compare `word` with `pending`, which it wrote down before.
#pragma once

#include <atomic>

#include "base/shared_pod.hpp"
#include "shm/owner_lock.hpp"

namespace brood {

struct SideWord {
  uint64_t word = 0;

  constexpr uint64_t items() const { return word >> 2; }
  constexpr bool closed() const { return (word & 2) != 0; }
  constexpr unsigned state() const { return word & 1; }
  // After `count` more items: the other state holds.
  constexpr SideWord after(uint64_t count) const { return {(word ^ 1) + (count << 2)}; }
  static constexpr uint64_t kClosed = 2;
};

// What goes with the number of items; the one that `word` does not point to is being written.
struct SideState {
  std::atomic<uint64_t> bytes;  // of all items that passed
  std::atomic<uint64_t>
      segment;  // where the end stands: a piece of the heap, or 0 at the beginning
  std::atomic<uint64_t> position;  // and the first byte in it that has not passed
  std::atomic<uint64_t> finished;  // the reading end: items that are done with, for whoever joins
  std::atomic<uint64_t> lost;      // the reading end: items that dead members had in hand
};
static_assert(SharedPod<SideState> && sizeof(SideState) == 40);

//   0    lock, object, pending, known, states, wake_at    touched by those who work at this end
//   128  word, cpu                               read by the other end
struct alignas(kFalseSharing) RingSide {
  OwnerLock lock;                 // guards this line, and the changes of `word` but for `closed`
  std::atomic<uint64_t> object;   // what pieces become part of; never changes
  std::atomic<uint64_t> pending;  // `word` as it was before the operation under the lock
  std::atomic<uint64_t> known;    // the other end's `word` as last seen
  SideState states[2];
  std::atomic<uint64_t>
      wake_at;  // the reading end: from this item on those who wait for room are woken
  alignas(kFalseSharing) std::atomic<uint64_t> word;
  std::atomic<int32_t> cpu;  // where somebody worked at this end last; a hint
};
static_assert(SharedPod<RingSide> && sizeof(RingSide) == 256 && offsetof(RingSide, word) == 128);

// Whether the operation that wrote `pending` has been committed. Only while the lock is held, or
// its holder is dead and not reaped.
inline bool side_committed(const RingSide& side) {
  // Pairs with the commit: who sees it done sees everything it stands for.
  const uint64_t now = side.word.load(std::memory_order_acquire);
  return ((now ^ side.pending.load(std::memory_order_relaxed)) & 1) != 0;
}

}  // namespace brood
