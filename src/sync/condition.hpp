// A condition: threads of any member wait on it, giving a lock up meanwhile, until they are
// signalled. A signal names the one who waits longest, in that one's own slot, so that it cannot be
// lost to somebody else; if the one signalled dies before it has the lock again, the signal goes on
// to the next.
#pragma once

#include "sync/lock.hpp"

namespace brood {

//   63               32 31      20 19    14 13      2 1     0
//   +------------------+----------+--------+---------+-------+
//   | generation       | slot     | bell   | 0       | state |     all 0: free
//   +------------------+----------+--------+---------+-------+
struct WaitWord {
  enum State : uint32_t { Claimed = 1, Waiting = 2, Signalled = 3 };
  uint64_t word = 0;

  static constexpr WaitWord make(MemberId member, BellId bell, State state) {
    return {static_cast<uint64_t>(member.generation) << 32 |
            static_cast<uint64_t>(member.slot & 0xfff) << 20 |
            static_cast<uint64_t>(bell.index & 0x3f) << 14 | state};
  }
  constexpr MemberId member() const {
    return {static_cast<MemberSlot>(word >> 20 & 0xfff), static_cast<uint32_t>(word >> 32)};
  }
  constexpr BellId bell() const {
    return {member().slot, static_cast<uint16_t>(word >> 14 & 0x3f)};
  }
  constexpr uint32_t state() const { return word & 3; }
  constexpr WaitWord in(State state) const { return {(word & ~uint64_t{3}) | state}; }
};

//   0    waiters   how many places there are
//   4    used      places from here on were never taken
//   8    tickets   the last one given
//   16   places    a WaitWord, and the ticket of who waits there
struct ConditionState {
  struct Place {
    std::atomic<uint64_t> word;
    std::atomic<uint64_t> ticket;
  };
  uint32_t waiters;
  std::atomic<uint32_t> used;
  std::atomic<uint64_t> tickets;
  Place places[1];
};
static_assert(SharedPod<ConditionState> && sizeof(ConditionState) == 32);

class Condition final : public SharedObject {
 public:
  static constexpr uint32_t kMostWaiters = 4096;

  // For at most `waiters` threads at once.
  static Result<Condition> create(Holdings& holdings, uint32_t waiters);
  static Result<Condition> from(Held held);

  // Gives `lock` up, waits until signalled, and takes it again, however long that takes: also after
  // Timeout and Canceled. State when the caller does not hold it, NoSpace when too many wait: then
  // nothing has happened. OwnerDied: it is not held, since its next holder died.
  Status wait(BellRack& rack, const LockView& lock, uint64_t owner, Deadline deadline,
              const CancelToken* cancel) const;
  // Wakes up to `count` of those who wait; returns how many.
  uint32_t signal(uint32_t count) const;

  bool ready() const override { return false; }
  WaiterSet* waiters() const override { return nullptr; }

 private:
  using Place = ConditionState::Place;

  Condition(Held held, uint32_t places) : SharedObject(std::move(held)), places_(places) {}
  static constexpr size_t state_bytes(uint32_t places) {
    return offsetof(ConditionState, places) + places * sizeof(Place);
  }
  ConditionState& state() const { return state_as<ConditionState>(); }
  uint32_t used() const;
  Place* claim(WaitWord mine) const;
  bool signal_first() const;
  void pass_on_signals_of_the_dead(MemberId me) const;

  uint32_t places_;  // as it was when the handle was made, and checked
};

}  // namespace brood
