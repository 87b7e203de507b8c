// The handles of sync.h and shared.h, and what their functions share.
#pragma once

#include "api/handles.hpp"
#include "sync/barrier.hpp"
#include "sync/condition.hpp"
#include "sync/event.hpp"
#include "sync/lock.hpp"
#include "sync/rw_lock.hpp"
#include "sync/semaphore.hpp"
#include "sync/shared_array.hpp"

#define BROOD_SHARED_HANDLE(abi, inside)                       \
  struct abi final : brood::api::SharedHandle<brood::inside> { \
    using SharedHandle::SharedHandle;                          \
  }
BROOD_SHARED_HANDLE(brood_lock, Lock);
BROOD_SHARED_HANDLE(brood_semaphore, Semaphore);
BROOD_SHARED_HANDLE(brood_condition, Condition);
BROOD_SHARED_HANDLE(brood_event, Event);
BROOD_SHARED_HANDLE(brood_barrier, Barrier);
BROOD_SHARED_HANDLE(brood_rwlock, RwLock);
#undef BROOD_SHARED_HANDLE

struct brood_shared final : brood::api::SharedHandle<brood::SharedArray> {
  using SharedHandle::SharedHandle;

  std::mutex viewing;  // guards what follows
  brood::platform::Mapping view;
  size_t view_offset = 0;
};

namespace brood::api {

inline BellRack& rack_of(Runtime& runtime) { return *runtime.household().rack(); }

Error invalid_owner();
inline Status check_owner(uint64_t owner) {
  if (owner < uint64_t{1} << 63) return {};
  return invalid_owner();
}

// Takes a lock that is free, or gives one back for good, with nothing made that only a failure
// needs. False: nothing was done, go the long way.
inline bool take_quickly(const LockView& lock, uint64_t owner, int64_t timeout_ms) {
  Runtime* runtime = Runtime::at_hand();
  return runtime != nullptr && timeout_ms >= BROOD_FOREVER && owner < uint64_t{1} << 63 &&
         lock.try_acquire(rack_of(*runtime).me(), owner);
}
inline bool give_back_quickly(const LockView& lock, uint64_t owner) {
  Runtime* runtime = Runtime::at_hand();
  if (runtime == nullptr || owner >= uint64_t{1} << 63) return false;
  const BellRack& rack = rack_of(*runtime);
  return lock.release_quickly(rack.arena().members(), rack.me(), owner);
}

// Tells the story of an abandoned lock.
Status explain(Status status);

Status wait_for_lock(Runtime& runtime, const LockView& lock, uint64_t owner, int64_t timeout_ms,
                     const brood_cancel* cancel);
inline Status acquire_lock(Runtime& runtime, const LockView& lock, uint64_t owner,
                           int64_t timeout_ms, const brood_cancel* cancel) {
  BROOD_TRY(check_owner(owner));
  BROOD_TRY(check_timeout(timeout_ms));
  // What a wait needs is made only for one.
  if (lock.try_acquire(rack_of(runtime).me(), owner)) return {};
  return wait_for_lock(runtime, lock, owner, timeout_ms, cancel);
}

}  // namespace brood::api
