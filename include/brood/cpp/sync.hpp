/**
 * @file
 * Locks and their kin, between processes and threads; see brood/sync.h for what a death does.
 *
 * Lock and RwLock go with std::unique_lock, std::shared_lock, std::scoped_lock. All of them travel:
 * Message::attach() and Message::take<Lock>().
 */
#ifndef BROOD_CPP_SYNC_HPP
#define BROOD_CPP_SYNC_HPP

#include <brood/message.h>
#include <brood/sync.h>

#include <brood/cpp/handle.hpp>
#include <concepts>
#include <mutex>
#include <utility>

namespace brood {
inline namespace v0 {

namespace detail {

/** Makes a handle by a C function that takes an out parameter. */
template <class T, class Call>
T* make(Call&& call) {
  T* made = nullptr;
  check([&](brood_error** error) { return call(&made, error); });
  return made;
}

}  // namespace detail

/** A lock. Plain: of the process. Recursive: of the calling thread. */
class Lock {
 public:
  explicit Lock(bool recursive = false)
      : lock_(detail::make<brood_lock>([&](brood_lock** out, brood_error** error) {
          brood_lock_options options = BROOD_LOCK_OPTIONS_INIT;
          options.recursive = recursive;
          return brood_lock_create(&options, out, error);
        })) {}
  explicit Lock(brood_lock* lock) noexcept : lock_(lock) {}

  /** Throws OwnerDied when its holder died: then recover() takes it. */
  void lock() { lock(Wait()); }
  /** False when the time ran out. */
  bool lock(Wait patience) {
    return detail::check_unless(BROOD_E_TIMEOUT, [&](brood_error** error) {
      return brood_lock_acquire(get(), 0, patience.timeout_ms(), patience.cancel(), error);
    });
  }
  bool try_lock() { return lock(std::chrono::milliseconds(0)); }
  template <class Rep, class Period>
  bool try_lock_for(std::chrono::duration<Rep, Period> timeout) {
    return lock(timeout);
  }
  void unlock() {
    detail::check([&](brood_error** error) { return brood_lock_release(get(), 0, error); });
  }
  /** Take it from a dead holder; what it guards is yours to put right. */
  void recover() {
    detail::check([&](brood_error** error) { return brood_lock_recover(get(), 0, error); });
  }
  bool locked() const noexcept { return brood_lock_locked(get()); }
  brood_handle* handle() noexcept { return brood_lock_handle(get()); }
  brood_lock* get() const noexcept { return lock_.get(); }

 private:
  detail::Owned<brood_lock, brood_lock_free> lock_;
};

/** Many readers or one writer: lock() writes, lock_shared() reads. */
class RwLock {
 public:
  RwLock()
      : lock_(detail::make<brood_rwlock>([](brood_rwlock** out, brood_error** error) {
          return brood_rwlock_create(nullptr, out, error);
        })) {}
  explicit RwLock(brood_rwlock* lock) noexcept : lock_(lock) {}

  void lock() { lock(Wait()); }
  bool lock(Wait patience) {
    return detail::check_unless(BROOD_E_TIMEOUT, [&](brood_error** error) {
      return brood_rwlock_acquire_write(get(), patience.timeout_ms(), patience.cancel(), error);
    });
  }
  bool try_lock() { return lock(std::chrono::milliseconds(0)); }
  void unlock() {
    detail::check([&](brood_error** error) { return brood_rwlock_release_write(get(), error); });
  }
  void lock_shared() { lock_shared(Wait()); }
  bool lock_shared(Wait patience) {
    return detail::check_unless(BROOD_E_TIMEOUT, [&](brood_error** error) {
      return brood_rwlock_acquire_read(get(), patience.timeout_ms(), patience.cancel(), error);
    });
  }
  bool try_lock_shared() { return lock_shared(std::chrono::milliseconds(0)); }
  void unlock_shared() {
    detail::check([&](brood_error** error) { return brood_rwlock_release_read(get(), error); });
  }
  void recover() {
    detail::check([&](brood_error** error) { return brood_rwlock_recover(get(), error); });
  }
  brood_handle* handle() noexcept { return brood_rwlock_handle(get()); }
  brood_rwlock* get() const noexcept { return lock_.get(); }

 private:
  detail::Owned<brood_rwlock, brood_rwlock_free> lock_;
};

/** A number of permits. */
class Semaphore {
 public:
  enum class Kind { plain, bounded, owned };

  explicit Semaphore(uint32_t value, Kind kind = Kind::plain)
      : semaphore_(detail::make<brood_semaphore>([&](brood_semaphore** out, brood_error** error) {
          brood_semaphore_options options = BROOD_SEMAPHORE_OPTIONS_INIT;
          options.bounded = kind == Kind::bounded;
          options.owned = kind == Kind::owned;
          return brood_semaphore_create(value, &options, out, error);
        })) {}
  template <std::same_as<brood_semaphore> Handle>  // a literal 0 is a number
  explicit Semaphore(Handle* semaphore) noexcept : semaphore_(semaphore) {}

  /** False when the time ran out. */
  bool acquire(Wait patience = {}) {
    return detail::check_unless(BROOD_E_TIMEOUT, [&](brood_error** error) {
      return brood_semaphore_acquire(get(), patience.timeout_ms(), patience.cancel(), error);
    });
  }
  bool try_acquire() { return acquire(std::chrono::milliseconds(0)); }
  void release(uint32_t count = 1) {
    detail::check(
        [&](brood_error** error) { return brood_semaphore_release(get(), count, error); });
  }
  uint32_t value() const noexcept { return brood_semaphore_value(get()); }
  brood_handle* handle() noexcept { return brood_semaphore_handle(get()); }
  brood_semaphore* get() const noexcept { return semaphore_.get(); }

 private:
  detail::Owned<brood_semaphore, brood_semaphore_free> semaphore_;
};

/** Waiting for a signal, giving up a Lock meanwhile. */
class Condition {
 public:
  Condition()
      : condition_(detail::make<brood_condition>([](brood_condition** out, brood_error** error) {
          return brood_condition_create(nullptr, out, error);
        })) {}
  explicit Condition(brood_condition* condition) noexcept : condition_(condition) {}

  /** False when the time ran out. The lock is held again; not so after OwnerDied. */
  bool wait(std::unique_lock<Lock>& lock, Wait patience = {}) {
    try {
      return detail::check_unless(BROOD_E_TIMEOUT, [&](brood_error** error) {
        return brood_condition_wait(get(), lock.mutex()->get(), 0, patience.timeout_ms(),
                                    patience.cancel(), error);
      });
    } catch (const OwnerDied&) {
      lock.release();
      throw;
    }
  }
  /** Until `predicate()` is true; what it is when the time ran out. */
  template <class Predicate>
  bool wait_for(std::unique_lock<Lock>& lock, Predicate predicate, Wait patience = {}) {
    const auto end = std::chrono::steady_clock::now() +
                     std::chrono::milliseconds(std::max<int64_t>(patience.timeout_ms(), 0));
    while (!predicate()) {
      Wait next = patience;
      if (patience.timeout_ms() != BROOD_FOREVER) {
        next = patience.shortened_to(end - std::chrono::steady_clock::now());
      }
      if (!wait(lock, next)) return predicate();
    }
    return true;
  }
  /** Wake up to `count`; how many it were. */
  uint32_t signal(uint32_t count = 1) {
    uint32_t woken = 0;
    detail::check(
        [&](brood_error** error) { return brood_condition_signal(get(), count, &woken, error); });
    return woken;
  }
  void broadcast() { signal(UINT32_MAX); }
  brood_handle* handle() noexcept { return brood_condition_handle(get()); }
  brood_condition* get() const noexcept { return condition_.get(); }

 private:
  detail::Owned<brood_condition, brood_condition_free> condition_;
};

/** A flag to wait for. */
class Event {
 public:
  Event()
      : event_(detail::make<brood_event>([](brood_event** out, brood_error** error) {
          return brood_event_create(out, error);
        })) {}
  explicit Event(brood_event* event) noexcept : event_(event) {}

  void set() noexcept { brood_event_set(get()); }
  void clear() noexcept { brood_event_clear(get()); }
  bool is_set() const noexcept { return brood_event_is_set(get()); }
  /** False when the time ran out. */
  bool wait(Wait patience = {}) {
    return detail::check_unless(BROOD_E_TIMEOUT, [&](brood_error** error) {
      return brood_event_wait(get(), patience.timeout_ms(), patience.cancel(), error);
    });
  }
  brood_handle* handle() noexcept { return brood_event_handle(get()); }
  brood_event* get() const noexcept { return event_.get(); }

 private:
  detail::Owned<brood_event, brood_event_free> event_;
};

/** Parties that wait for each other; throws Broken when it is, or breaks. */
class Barrier {
 public:
  explicit Barrier(uint32_t parties)
      : barrier_(detail::make<brood_barrier>([&](brood_barrier** out, brood_error** error) {
          return brood_barrier_create(parties, out, error);
        })) {}
  template <std::same_as<brood_barrier> Handle>  // a literal 0 is a number
  explicit Barrier(Handle* barrier) noexcept : barrier_(barrier) {}

  /** 0 to parties()-1, in the order of arrival. */
  uint32_t wait(Wait patience = {}) {
    uint32_t index = 0;
    detail::check([&](brood_error** error) {
      return brood_barrier_wait(get(), patience.timeout_ms(), patience.cancel(), &index, error);
    });
    return index;
  }
  /** The same; the last to arrive runs `action` before the others go on. If that throws it breaks.
   */
  template <std::invocable Action>
  uint32_t wait(Action&& action, Wait patience = {}) {
    uint32_t index = 0;
    detail::check([&](brood_error** error) {
      return brood_barrier_arrive(get(), patience.timeout_ms(), patience.cancel(), &index, error);
    });
    if (index + 1 < parties()) return index;
    try {
      std::forward<Action>(action)();
    } catch (...) {
      abort();
      throw;
    }
    detail::check([&](brood_error** error) { return brood_barrier_open(get(), error); });
    return index;
  }
  void abort() noexcept { brood_barrier_abort(get()); }
  void reset() noexcept { brood_barrier_reset(get()); }
  uint32_t parties() const noexcept { return brood_barrier_parties(get()); }
  uint32_t waiting() const noexcept { return brood_barrier_waiting(get()); }
  bool broken() const noexcept { return brood_barrier_broken(get()); }
  brood_handle* handle() noexcept { return brood_barrier_handle(get()); }
  brood_barrier* get() const noexcept { return barrier_.get(); }

 private:
  detail::Owned<brood_barrier, brood_barrier_free> barrier_;
};

namespace detail {

/** How a handle of type T is taken out of a message. */
template <class T>
struct Taken;
#define BROOD_CPP_TAKEN(type, name)                                                             \
  template <>                                                                                   \
  struct Taken<type> {                                                                          \
    using Handle = brood_##name;                                                                \
    static brood_status take(brood_msg* msg, size_t index, Handle** out, brood_error** error) { \
      return brood_msg_take_##name(msg, index, out, error);                                     \
    }                                                                                           \
  }
BROOD_CPP_TAKEN(Cancel, cancel);
BROOD_CPP_TAKEN(Lock, lock);
BROOD_CPP_TAKEN(RwLock, rwlock);
BROOD_CPP_TAKEN(Semaphore, semaphore);
BROOD_CPP_TAKEN(Condition, condition);
BROOD_CPP_TAKEN(Event, event);
BROOD_CPP_TAKEN(Barrier, barrier);
#undef BROOD_CPP_TAKEN

template <class T>
T take(brood_msg* msg, size_t index) {
  using Handle = typename Taken<T>::Handle;
  return T(make<Handle>(
      [&](Handle** out, brood_error** error) { return Taken<T>::take(msg, index, out, error); }));
}

}  // namespace detail
}  // namespace v0
}  // namespace brood
#endif
