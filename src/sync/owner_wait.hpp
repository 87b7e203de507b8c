// Taking a lock in shared memory (shm/owner_lock) with a wait, and giving it back. Used by the
// locks of the API, and inside of other objects.
#pragma once

#include "shm/owner_lock.hpp"
#include "sync/waiter.hpp"

namespace brood {

#ifdef BROOD_POISON
inline constexpr int64_t kLivenessCheckMs = 5000;  // for the sweep: so that it heals no lost wake
#else
inline constexpr int64_t kLivenessCheckMs = 250;
#endif
// How often who waits for a lock that is released without a fence looks where fences in other
// processes cannot be had.
inline constexpr int64_t kLookMs = 5;

// Whether the lock is released without a fence (OwnerLock::release_unfenced).
enum class WaitersFence : bool { No, Yes };

// Asks the system whether the holder's process is there, and reaps it if it is not: for the case
// that nobody else hears of deaths any more.
void look_after(Arena& arena, MemberId holder, MemberId me);

// Waiter::wait_on() for what members hold: `check()` is called now and then, and looks after them.
template <class Ready, class More, class Check>
Status wait_for_holders(BellRack& rack, WaiterSet& set, Deadline deadline,
                        const CancelToken* cancel, Ready&& ready, More&& more, int peer_cpu,
                        Check&& check, WaitersFence fence = WaitersFence::No) {
  Waiter& waiter = Waiter::current(rack);
  const bool fence_others = fence == WaitersFence::Yes;
  const int64_t slice_ms = fence_others && !platform::join_fences() ? kLookMs : kLivenessCheckMs;
  for (;;) {
    const Deadline slice =
        deadline.is_now() ? deadline : deadline.sooner(Deadline::after_ms(slice_ms));
    Status status = waiter.wait_on(set, slice, cancel, ready, more, peer_cpu, fence_others);
    if (status || status.code() != Code::Timeout || deadline.passed()) return status;
    check();
  }
}

// What becomes of a lock whose holder died with it. Take: what it guards is consistent at every
// instant. Refuse: somebody has to put it right first.
enum class Abandoned : uint8_t { Take, Refuse };

Status acquire_slowly(BellRack& rack, OwnerLock& lock, WaiterSet& waiters, Deadline deadline,
                      const CancelToken* cancel, Abandoned abandoned,
                      WaitersFence fence = WaitersFence::No);

// Timeout, Canceled; OwnerDied where abandoned locks are refused. A holder that died without
// anybody noticing is noticed by whoever waits, within kLivenessCheckMs.
inline Status acquire(BellRack& rack, OwnerLock& lock, WaiterSet& waiters, Deadline deadline,
                      const CancelToken* cancel, Abandoned abandoned) {
  if (lock.try_take(rack.me(), platform::current_cpu())) return {};
  return acquire_slowly(rack, lock, waiters, deadline, cancel, abandoned);
}
// By its holder.
inline void release(BellRack& rack, OwnerLock& lock, WaiterSet& waiters) {
  lock.release();
  waiters.wake_one(rack.arena().members());
}

// Holds a lock that guards something which is consistent at every instant.
class OwnerGuard {
 public:
  OwnerGuard(BellRack& rack, OwnerLock& lock, WaiterSet& waiters, Deadline deadline,
             const CancelToken* cancel)
      : rack_(rack),
        lock_(lock),
        waiters_(waiters),
        status_(acquire(rack, lock, waiters, deadline, cancel, Abandoned::Take)) {}
  ~OwnerGuard() {
    if (status_) release(rack_, lock_, waiters_);
  }
  OwnerGuard(const OwnerGuard&) = delete;
  OwnerGuard& operator=(const OwnerGuard&) = delete;

  // Timeout, Canceled: it is not held.
  const Status& status() const { return status_; }

 private:
  BellRack& rack_;
  OwnerLock& lock_;
  WaiterSet& waiters_;
  const Status status_;
};

}  // namespace brood
