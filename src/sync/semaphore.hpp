// A number of permits. Plain ones are a count: who acquires and who releases need not be the same,
// and permits in the hands of a process that dies are gone. Owned ones are words that name who has
// them: only a process that has one can release it, and the permits of a process that dies are
// there again.
#pragma once

#include "sync/owner_wait.hpp"
#include "sync/shared_object.hpp"

namespace brood {

//   0    value     permits that are there, if not owned
//   4    limit     a release beyond it is refused
//   8    owned
//   12   0
//   16   permits   one word each, if owned
struct SemaphoreState {
  std::atomic<uint32_t> value;
  uint32_t limit;
  uint32_t owned;
  uint32_t zero;
  OwnerLock permits[1];
};
static_assert(SharedPod<SemaphoreState> && sizeof(SemaphoreState) == 24);

class Semaphore final : public SharedObject {
 public:
  static constexpr uint32_t kMostPermits = INT32_MAX;
  static constexpr uint32_t kMostOwned = 4096;

  // `limit` at least `value`; with `owned` they are the same, and at most kMostOwned.
  static Result<Semaphore> create(Holdings& holdings, uint32_t value, uint32_t limit, bool owned);
  static Result<Semaphore> from(Held held);

  // Timeout, Canceled.
  Status acquire(BellRack& rack, Deadline deadline, const CancelToken* cancel) const;
  // State, and nothing happens, when there would be more than the limit, or when this process does
  // not have so many of the owned ones.
  Status release(BellRack& rack, uint32_t count) const;
  uint32_t value() const;
  bool ready() const override { return value() > 0; }

 private:
  Semaphore(Held held, uint32_t limit, bool owned)
      : SharedObject(std::move(held)), limit_(limit), owned_(owned) {}
  static constexpr size_t state_bytes(uint32_t permits) {
    return offsetof(SemaphoreState, permits) + permits * sizeof(OwnerLock);
  }
  SemaphoreState& state() const { return state_as<SemaphoreState>(); }
  OwnerLock& permit(uint32_t index) const { return state().permits[index]; }
  bool try_acquire(MemberId me) const;
  bool try_own(MemberId me) const;
  Status give_back(BellRack& rack, uint32_t count) const;

  uint32_t limit_;  // as they were when the handle was made, and checked
  bool owned_;
};

}  // namespace brood
