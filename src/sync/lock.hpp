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

  // Without a wait: false when somebody else has it, or had it and died.
  bool try_acquire(MemberId me, uint64_t owner) const {
    if (state_.word.try_take(me, platform::current_cpu())) {
      if (recursive_) become_owner(me, token_for(owner), 1);
      return true;
    }
    return recursive_ && acquire_again(me, token_for(owner));
  }
  // Timeout, Canceled; OwnerDied: recover it.
  Status acquire(BellRack& rack, uint64_t owner, Deadline deadline,
                 const CancelToken* cancel) const {
    if (try_acquire(rack.me(), owner)) return {};
    return acquire_slowly(rack, owner, deadline, cancel);
  }
  // State when the caller does not hold it.
  Status release(BellRack& rack, uint64_t owner) const {
    const OwnerWord seen = state_.word.look();
    if (seen.holder() != rack.me()) return refuse_release(seen, rack.me());
    if (recursive_) {
      if (!is_owner(rack.me(), token_for(owner))) return refuse_release(seen, rack.me());
      if (release_once()) return {};
      state_.token_of.store(0, std::memory_order_relaxed);
    }
    // Another thread of this process may release a plain lock at the same time.
    if (!state_.word.release_from(seen)) return refuse_release({}, rack.me());
    waiters_.wake_one(rack.arena().members());
    return {};
  }
  // The same for the usual case, with no Status on the way. False: nothing was given up.
  bool release_quickly(const Members& members, MemberId me, uint64_t owner) const {
    const OwnerWord seen = state_.word.look();
    if (seen.holder() != me) return false;
    if (recursive_) {
      const bool once = state_.depth.load(std::memory_order_relaxed) <= 1;
      if (!once || !is_owner(me, token_for(owner))) return false;
      state_.token_of.store(0, std::memory_order_relaxed);
    }
    if (!state_.word.release_from(seen)) return false;
    waiters_.wake_one(members);
    return true;
  }
  // Takes an abandoned lock; what it guards is the caller's to put right. State when it is not
  // abandoned.
  Status recover(BellRack& rack, uint64_t owner) const;

  bool locked() const { return !state_.word.look().free(); }
  bool held(BellRack& rack, uint64_t owner) const;
  // Acquiring would not wait, or fail at once.
  bool ready(const Members& members) const {
    const OwnerWord seen = state_.word.look();
    return seen.free() || members.is_gone(seen.holder());
  }

  // For conditions: gives it up however often it was acquired, which is the result, and takes it
  // again.
  uint32_t release_all(BellRack& rack) const;
  Status acquire_all(BellRack& rack, uint64_t owner, uint32_t depth) const;

 private:
  // The API refuses tokens as large as a thread's.
  static constexpr uint64_t kThreadTokens = uint64_t{1} << 63;
  static constexpr uint64_t name_of(MemberId member) {
    return static_cast<uint64_t>(member.generation) << 32 | member.slot;
  }
  static uint64_t token_for(uint64_t owner) {
    if (owner != 0) return owner;
    return thread_token_ != 0 ? thread_token_ : make_thread_token();
  }
  static uint64_t make_thread_token();
  // Read at each call: in the thread's own block, also in a library that was loaded late.
  [[gnu::tls_model("initial-exec")]] static constinit thread_local uint64_t thread_token_;

  Status acquire_slowly(BellRack& rack, uint64_t owner, Deadline deadline,
                        const CancelToken* cancel) const;
  bool acquire_again(MemberId me, uint64_t token) const;
  bool release_once() const {
    const uint32_t depth = state_.depth.load(std::memory_order_relaxed);
    if (depth > 1) state_.depth.store(depth - 1, std::memory_order_relaxed);
    return depth > 1;
  }
  static Status refuse_release(OwnerWord seen, MemberId me);
  bool is_owner(MemberId me, uint64_t token) const {
    // Pairs with become_owner(): the token is there before whose it is.
    return state_.token_of.load(std::memory_order_acquire) == name_of(me) &&
           state_.token.load(std::memory_order_relaxed) == token && state_.word.held_by(me);
  }
  void become_owner(MemberId me, uint64_t token, uint32_t depth) const {
    state_.token.store(token, std::memory_order_relaxed);
    state_.depth.store(depth, std::memory_order_relaxed);
    state_.token_of.store(name_of(me), std::memory_order_release);
  }

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
