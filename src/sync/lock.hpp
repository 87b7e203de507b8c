// The locks of the API. A plain one belongs to the process that took it, whichever thread of it
// releases; a recursive one to an owner inside that process, whom a token names. A holder's death
// leaves it abandoned: it cannot be acquired until somebody recovers it.
#pragma once

#include "sync/owner_wait.hpp"
#include "sync/shared_object.hpp"

namespace brood {

//   0    word        who holds it
//   8    token       which owner inside the holding process, if recursive
//   16   token_of    the member whose token that is; written after the token, and cleared before
//   the
//                    release, so that no thread takes a token for its own that is older than the
//                    hold
//   24   depth       how often it was acquired
//   28   recursive
struct LockState {
  OwnerLock word;
  std::atomic<uint64_t> token;
  std::atomic<uint64_t> token_of;
  std::atomic<uint32_t> depth;
  uint32_t recursive;
};
static_assert(SharedPod<LockState> && sizeof(LockState) == 32);

// The operations on a LockState anywhere in an object, and those who wait for it. `owner` is the
// caller's token, 0 for this OS thread.
class LockView {
 public:
  LockView(LockState& state, WaiterSet& waiters, bool recursive)
      : state_(state), waiters_(waiters), recursive_(recursive) {}

  // Timeout, Canceled; OwnerDied: recover it.
  Status acquire(BellRack& rack, uint64_t owner, Deadline deadline, const CancelToken* cancel) {
    if (recursive_) return acquire_again(rack, owner, deadline, cancel);
    return brood::acquire(rack, state_.word, waiters_, deadline, cancel, Abandoned::Refuse);
  }
  // State when the caller does not hold it.
  Status release(BellRack& rack, uint64_t owner) {
    const OwnerWord seen = state_.word.look();
    if (recursive_ || seen.holder() != rack.me()) return release_again(rack, owner);
    if (!state_.word.release_from(seen)) return release_again(rack, owner);
    waiters_.wake_one(rack.arena().members());
    return {};
  }
  // Takes an abandoned lock; what it guards is the caller's to put right. State when it is not
  // abandoned.
  Status recover(BellRack& rack, uint64_t owner);

  bool locked() const { return !state_.word.look().free(); }
  bool held(BellRack& rack, uint64_t owner) const;
  // Acquiring would not wait, or fail at once.
  bool ready(const Members& members) const {
    const OwnerWord seen = state_.word.look();
    return seen.free() || members.is_gone(seen.holder());
  }

  // For conditions: gives it up however often it was acquired, which is the result, and takes it
  // again.
  uint32_t release_all(BellRack& rack);
  Status acquire_all(BellRack& rack, uint64_t owner, uint32_t depth);

 private:
  Status acquire_again(BellRack& rack, uint64_t owner, Deadline deadline,
                       const CancelToken* cancel);
  Status release_again(BellRack& rack, uint64_t owner);
  bool is_owner(MemberId me, uint64_t token) const;
  void become_owner(MemberId me, uint64_t token, uint32_t depth);

  LockState& state_;
  WaiterSet& waiters_;
  const bool recursive_;
};

class Lock final : public SharedObject {
 public:
  static Result<Lock> create(Holdings& holdings, bool recursive);
  static Result<Lock> from(Held held);

  LockView view() const { return LockView(state_as<LockState>(), *waiters(), recursive_); }
  bool ready() const override { return view().ready(members()); }

 private:
  Lock(Held held, bool recursive) : SharedObject(std::move(held)), recursive_(recursive) {}

  bool recursive_;  // as it was when the handle was made
};

}  // namespace brood
