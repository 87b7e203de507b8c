// The word of a lock whose holder may die at any instruction. One CAS takes the lock and names the
// holder: the member's slot and generation, so that whoever looks at the word finds out from the
// member table whether the holder is still there. Nothing else is written when a lock is taken,
// nothing lists the locks that a member holds, and no reaper looks for them: a lock whose holder
// was reaped is as good as free to whoever sees it (Members::is_gone), and the reaper rings
// everybody so that waiters look.
//
//   63               32 31      20 19      10 9       0
//   +------------------+----------+----------+---------+
//   | generation       | slot     | cpu + 1  | 0       |     all 0: free
//   +------------------+----------+----------+---------+
//
// The CPU is where the holder ran when it took the lock, 0 unknown: a hint for those who wait.
#pragma once

#include <atomic>
#include <cstdint>

#include "base/shared_pod.hpp"
#include "shm/members.hpp"

namespace brood {

struct OwnerWord {
  uint64_t word = 0;

  static constexpr OwnerWord make(MemberId holder, int cpu) {
    const uint64_t hint = cpu >= 0 && cpu < 1023 ? static_cast<uint64_t>(cpu) + 1 : 0;
    return {static_cast<uint64_t>(holder.generation) << 32 |
            static_cast<uint64_t>(holder.slot & 0xfff) << 20 | hint << 10};
  }
  constexpr bool free() const { return word == 0; }
  constexpr MemberId holder() const {
    return {static_cast<MemberSlot>(word >> 20 & 0xfff), static_cast<uint32_t>(word >> 32)};
  }
  // -1 when unknown.
  constexpr int cpu() const { return static_cast<int>(word >> 10 & 0x3ff) - 1; }
};

class OwnerLock {
 public:
  OwnerWord look() const { return {word_.load(std::memory_order_seq_cst)}; }
  bool held_by(MemberId member) const { return look().holder() == member; }

  // The commit: from here on it is `me`'s. False when somebody has it, dead or alive.
  bool try_take(MemberId me, int cpu) { return take_from({}, me, cpu); }
  // The same of a lock whose holder is gone: `seen` is what look() said of it.
  bool take_from(OwnerWord seen, MemberId me, int cpu) {
    // Acquire: what the last holder wrote. Sequentially consistent because a waiter sets its bit
    // before it tries, and release() is the other way round.
    return word_.compare_exchange_strong(seen.word, OwnerWord::make(me, cpu).word,
                                         std::memory_order_seq_cst);
  }
  // By the holder only. The commit; wake a waiter afterwards.
  void release() { word_.store(0, std::memory_order_seq_cst); }
  // The same for a lock whose waiters fence everybody after they said that they wait, and before
  // their last look (WaitersFence): no locked instruction here. Look for waiters afterwards.
  void release_unfenced() {
    word_.store(0, std::memory_order_release);
    std::atomic_signal_fence(std::memory_order_seq_cst);
  }
  // The same where the caller may be wrong about who holds it: `seen` is what look() said. False
  // when it has changed since.
  bool release_from(OwnerWord seen) {
    return word_.compare_exchange_strong(seen.word, 0, std::memory_order_seq_cst);
  }

 private:
  std::atomic<uint64_t> word_;
};
static_assert(SharedPod<OwnerLock> && sizeof(OwnerLock) == 8);

}  // namespace brood
