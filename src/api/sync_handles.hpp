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

inline Status check_owner(uint64_t owner) {
  if (owner < uint64_t{1} << 63) return {};
  return invalid("owner is 2^63 or more; give a smaller number, or 0 for this thread");
}

// Tells the story of an abandoned lock.
inline Status explain(Status status) {
  if (status || status.code() != Code::OwnerDied) return status;
  return Error(Code::OwnerDied,
               "the process that held the lock died with it: what it guards may be half changed; "
               "recover the lock, put that right, and release it");
}

inline Status acquire_lock(Runtime& runtime, LockView lock, uint64_t owner, int64_t timeout_ms,
                           const brood_cancel* cancel) {
  BROOD_TRY(check_owner(owner));
  BROOD_LET(deadline, read_timeout(timeout_ms));
  return explain(lock.acquire(rack_of(runtime), owner, deadline, token(cancel)));
}

}  // namespace brood::api
