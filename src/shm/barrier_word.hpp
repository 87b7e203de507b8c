// The word of a barrier. Who arrives adds one; the round is over when all have, and the word goes
// on to the next. It is in the shm floor because the reaper breaks the barriers that a dead member
// holds: it cannot arrive any more.
//
//   63      40 39      16 15     1  0
//   +---------+----------+--------+---+
//   | round   | history  | here   | B |     B: broken, until the reset
//   +---------+----------+--------+---+
//
// Bit 0 of the history says whether the last round ended by a reset, bit 1 the one before, and so
// on: a sleeper of an old round finds out how that ended.
#pragma once

#include <atomic>
#include <cstdint>

#include "base/shared_pod.hpp"
#include "shm/object.hpp"

namespace brood {

struct BarrierWord {
  static constexpr uint32_t kRounds = 1 << 24;
  static constexpr uint32_t kMostParties = 0x7fff;
  uint64_t word = 0;

  static constexpr BarrierWord make(uint32_t round, uint32_t history, uint32_t here, bool broken) {
    return {static_cast<uint64_t>(round % kRounds) << 40 |
            static_cast<uint64_t>(history % kRounds) << 16 | static_cast<uint64_t>(here) << 1 |
            static_cast<uint64_t>(broken)};
  }
  constexpr uint32_t round() const { return static_cast<uint32_t>(word >> 40); }
  constexpr uint32_t history() const { return static_cast<uint32_t>(word >> 16) % kRounds; }
  constexpr uint32_t here() const { return static_cast<uint32_t>(word >> 1) & kMostParties; }
  constexpr bool broken() const { return (word & 1) != 0; }

  constexpr BarrierWord one_more() const { return make(round(), history(), here() + 1, false); }
  constexpr BarrierWord broken_off() const { return {word | 1}; }
  constexpr BarrierWord next_round(bool by_reset) const {
    return make(round() + 1, history() << 1 | static_cast<uint32_t>(by_reset), 0, false);
  }
  // How a round ended that is over: true if all arrived. One that is too old to know did not.
  constexpr bool passed(uint32_t old_round) const {
    const uint32_t ago = (round() - old_round) % kRounds;
    return ago >= 1 && ago <= 24 && (history() >> (ago - 1) & 1) == 0;
  }
};

//   0   word
//   8   parties
struct BarrierState {
  std::atomic<uint64_t> word;
  uint32_t parties;
};
static_assert(SharedPod<BarrierState> && sizeof(BarrierState) == 16);

// The commit, then the wake of all who wait. Any number of times.
inline void break_barrier(BarrierState& state, WaiterSet& waiters, const Members& members) {
  state.word.fetch_or(BarrierWord{}.broken_off().word, std::memory_order_seq_cst);
  waiters.wake_all(members);
}

}  // namespace brood
