// The word that a thread sleeps on while it waits for anything at all. Whoever makes something
// ready rings the bells of those who registered; a bell nobody sleeps on costs a fence and a load.
// Several threads may share a bell: all of them wake then.
//
//   31                                   1   0
//   +------------------------------------+---+
//   | sequence                           | W |     W: a sleeper may be there
//   +------------------------------------+---+
//
// There is no count of sleepers, which a killed one would leave wrong. The algorithm (set W, fence,
// look again, sleep; commit, fence, look at W, bump, wake) is checked by tests/model/park.pml.
#pragma once

#include <atomic>

#include "base/shared_pod.hpp"
#include "platform/platform.hpp"

namespace brood {

class Bell {
 public:
  // After a commit store: wakes the sleeper, if there is one. Any thread, any member, signal
  // handlers.
  void ring() {
    // Pairs with the fence in prepare(): either the sleeper sees the commit, or this sees W.
    std::atomic_thread_fence(std::memory_order_seq_cst);
    if (word_.load(std::memory_order_relaxed) & kWaiting) ring_sleeper();
  }
  // Wakes whoever sleeps, whether W is seen or not: for reapers, who cannot know whose wake was
  // lost.
  void ring_always() {
    word_.fetch_add(kStep, std::memory_order_seq_cst);
    platform::futex_wake(&word_, platform::kWakeAll);
  }

  // Announces the sleeper. What is waited for must be looked at once more between this and sleep().
  uint32_t prepare() {
    const uint32_t seen = word_.fetch_or(kWaiting, std::memory_order_seq_cst) | kWaiting;
    std::atomic_thread_fence(std::memory_order_seq_cst);
    return seen;
  }
  // Sleeps until rung after prepare(), or the deadline; may wake for no reason.
  void sleep(uint32_t seen, Deadline deadline) { platform::futex_wait(&word_, seen, deadline); }
  // The sleeper is up: later rings are free again. Not for a bell that several threads sleep on.
  void done() { word_.fetch_and(~kWaiting, std::memory_order_relaxed); }

 private:
  static constexpr uint32_t kWaiting = 1;
  static constexpr uint32_t kStep = 2;

  void ring_sleeper() {
    uint32_t value = word_.fetch_add(kStep, std::memory_order_seq_cst) + kStep;
    if (platform::futex_wake(&word_, platform::kWakeAll) > 0) return;
    // Nobody slept: take W back. Whoever came in between saw W set and sleeps without having been
    // woken, hence the second wake.
    if (word_.compare_exchange_strong(value, value & ~kWaiting)) {
      platform::futex_wake(&word_, platform::kWakeAll);
    }
  }

  std::atomic<uint32_t> word_{0};
};
static_assert(SharedPod<Bell> && sizeof(Bell) == 4);

}  // namespace brood
