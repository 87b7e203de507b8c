// Locks, read-write locks and conditions: sync.h.
#include "api/sync_handles.hpp"

using namespace brood;
using namespace brood::api;

namespace {

constexpr uint32_t kDefaultPlaces = 128;

Result<uint32_t> read_places(uint32_t given, uint32_t most, const char* name) {
  if (given > most) {
    return invalid(std::string(name) + " is " + std::to_string(given) + "; give at most " +
                   std::to_string(most) + ", or 0 for " + std::to_string(kDefaultPlaces));
  }
  return given != 0 ? given : kDefaultPlaces;
}

}  // namespace

namespace brood::api {

Error invalid_owner() {
  return invalid("owner is 2^63 or more; give a smaller number, or 0 for this thread");
}

Status explain(Status status) {
  if (status || status.code() != Code::OwnerDied) return status;
  return Error(Code::OwnerDied,
               "the process that held the lock died with it: what it guards may be half changed; "
               "recover the lock, put that right, and release it");
}

Status wait_for_lock(Runtime& runtime, const LockView& lock, uint64_t owner, int64_t timeout_ms,
                     const brood_cancel* cancel) {
  BROOD_LET(deadline, read_timeout(timeout_ms));
  return explain(lock.acquire(rack_of(runtime), owner, deadline, token(cancel)));
}

}  // namespace brood::api

namespace {

// The long way of brood_lock_acquire() and _release(). Functions of their own, so that the short
// way prepares nothing for it.
[[gnu::noinline]] brood_status acquire_with_care(brood_lock* lock, uint64_t owner,
                                                 int64_t timeout_ms, brood_cancel* cancel,
                                                 brood_error** error) {
  return guard(error, [&]() -> Status {
    BROOD_LET(runtime, Runtime::open());
    BROOD_NEED(lock);
    return acquire_lock(*runtime, lock->object.view(), owner, timeout_ms, cancel);
  });
}

[[gnu::noinline]] brood_status release_with_care(brood_lock* lock, uint64_t owner,
                                                 brood_error** error) {
  return guard(error, [&]() -> Status {
    BROOD_LET(runtime, Runtime::open());
    BROOD_NEED(lock);
    BROOD_TRY(check_owner(owner));
    return lock->object.view().release(rack_of(*runtime), owner);
  });
}

}  // namespace

extern "C" {

// ---- lock --------------------------------------------------------------------------------------

brood_status brood_lock_create(const brood_lock_options* given, brood_lock** out,
                               brood_error** error) {
  return guard(error, [&]() -> Status {
    BROOD_LET(runtime, Runtime::open());
    BROOD_NEED(out);
    BROOD_LET(options, read_options(given, "brood_lock_options"));
    BROOD_LET(lock, Lock::create(runtime->household().holdings(), options.recursive));
    *out = new brood_lock(std::move(lock));
    return {};
  });
}

brood_status brood_lock_acquire(brood_lock* lock, uint64_t owner, int64_t timeout_ms,
                                brood_cancel* cancel, brood_error** error) {
  if (lock != nullptr && take_quickly(lock->object.view(), owner, timeout_ms)) return BROOD_OK;
  return acquire_with_care(lock, owner, timeout_ms, cancel, error);
}

brood_status brood_lock_release(brood_lock* lock, uint64_t owner, brood_error** error) {
  if (lock != nullptr && give_back_quickly(lock->object.view(), owner)) return BROOD_OK;
  return release_with_care(lock, owner, error);
}

brood_status brood_lock_recover(brood_lock* lock, uint64_t owner, brood_error** error) {
  return guard(error, [&]() -> Status {
    BROOD_LET(runtime, Runtime::open());
    BROOD_NEED(lock);
    BROOD_TRY(check_owner(owner));
    return lock->object.view().recover(rack_of(*runtime), owner);
  });
}

bool brood_lock_locked(const brood_lock* lock) {
  return lock != nullptr && lock->object.view().locked();
}
void brood_lock_free(brood_lock* lock) { give_back(lock); }
brood_handle* brood_lock_handle(brood_lock* lock) { return lock != nullptr ? up(lock) : nullptr; }

// ---- condition ---------------------------------------------------------------------------------

brood_status brood_condition_create(const brood_condition_options* given, brood_condition** out,
                                    brood_error** error) {
  return guard(error, [&]() -> Status {
    BROOD_LET(runtime, Runtime::open());
    BROOD_NEED(out);
    BROOD_LET(options, read_options(given, "brood_condition_options"));
    BROOD_LET(places, read_places(options.max_waiters, Condition::kMostWaiters, "max_waiters"));
    BROOD_LET(condition, Condition::create(runtime->household().holdings(), places));
    *out = new brood_condition(std::move(condition));
    return {};
  });
}

brood_status brood_condition_wait(brood_condition* condition, brood_lock* lock, uint64_t owner,
                                  int64_t timeout_ms, brood_cancel* cancel, brood_error** error) {
  return guard(error, [&]() -> Status {
    BROOD_LET(runtime, Runtime::open());
    BROOD_NEED(condition);
    BROOD_NEED(lock);
    BROOD_TRY(check_owner(owner));
    BROOD_LET(deadline, read_timeout(timeout_ms));
    return explain(condition->object.wait(rack_of(*runtime), lock->object.view(), owner, deadline,
                                          token(cancel)));
  });
}

brood_status brood_condition_signal(brood_condition* condition, uint32_t count, uint32_t* out_woken,
                                    brood_error** error) {
  return guard(error, [&]() -> Status {
    BROOD_LET(runtime, Runtime::open());
    (void)runtime;
    BROOD_NEED(condition);
    const uint32_t woken = condition->object.signal(count);
    if (out_woken != nullptr) *out_woken = woken;
    return {};
  });
}

brood_status brood_condition_broadcast(brood_condition* condition, brood_error** error) {
  return brood_condition_signal(condition, UINT32_MAX, nullptr, error);
}

void brood_condition_free(brood_condition* condition) { give_back(condition); }
brood_handle* brood_condition_handle(brood_condition* condition) {
  return condition != nullptr ? up(condition) : nullptr;
}

// ---- read-write lock ---------------------------------------------------------------------------

brood_status brood_rwlock_create(const brood_rwlock_options* given, brood_rwlock** out,
                                 brood_error** error) {
  return guard(error, [&]() -> Status {
    BROOD_LET(runtime, Runtime::open());
    BROOD_NEED(out);
    BROOD_LET(options, read_options(given, "brood_rwlock_options"));
    BROOD_LET(places, read_places(options.max_readers, RwLock::kMostReaders, "max_readers"));
    BROOD_LET(lock, RwLock::create(runtime->household().holdings(), places));
    *out = new brood_rwlock(std::move(lock));
    return {};
  });
}

brood_status brood_rwlock_acquire_read(brood_rwlock* lock, int64_t timeout_ms, brood_cancel* cancel,
                                       brood_error** error) {
  return guard(error, [&]() -> Status {
    BROOD_LET(runtime, Runtime::open());
    BROOD_NEED(lock);
    BROOD_LET(deadline, read_timeout(timeout_ms));
    return explain(lock->object.acquire_read(rack_of(*runtime), deadline, token(cancel)));
  });
}

brood_status brood_rwlock_acquire_write(brood_rwlock* lock, int64_t timeout_ms,
                                        brood_cancel* cancel, brood_error** error) {
  return guard(error, [&]() -> Status {
    BROOD_LET(runtime, Runtime::open());
    BROOD_NEED(lock);
    BROOD_LET(deadline, read_timeout(timeout_ms));
    return explain(lock->object.acquire_write(rack_of(*runtime), deadline, token(cancel)));
  });
}

brood_status brood_rwlock_release_read(brood_rwlock* lock, brood_error** error) {
  return guard(error, [&]() -> Status {
    BROOD_LET(runtime, Runtime::open());
    BROOD_NEED(lock);
    return lock->object.release_read(rack_of(*runtime));
  });
}

brood_status brood_rwlock_release_write(brood_rwlock* lock, brood_error** error) {
  return guard(error, [&]() -> Status {
    BROOD_LET(runtime, Runtime::open());
    BROOD_NEED(lock);
    return lock->object.release_write(rack_of(*runtime));
  });
}

brood_status brood_rwlock_recover(brood_rwlock* lock, brood_error** error) {
  return guard(error, [&]() -> Status {
    BROOD_LET(runtime, Runtime::open());
    BROOD_NEED(lock);
    return lock->object.recover(rack_of(*runtime));
  });
}

void brood_rwlock_free(brood_rwlock* lock) { give_back(lock); }
brood_handle* brood_rwlock_handle(brood_rwlock* lock) {
  return lock != nullptr ? up(lock) : nullptr;
}

}  // extern "C"
