/**
 * @file
 * Waiting: how long, until what, and what ends it.
 */
#ifndef BROOD_CPP_HANDLE_HPP
#define BROOD_CPP_HANDLE_HPP

#include <brood/handle.h>
#include <brood/init.h>

#include <algorithm>
#include <brood/cpp/error.hpp>
#include <chrono>
#include <optional>
#include <span>

namespace brood {
inline namespace v0 {

/** A token that ends waits; fire() may be called in a signal handler. */
class Cancel {
 public:
  Cancel() {
    brood_cancel* made = nullptr;
    detail::check([&](brood_error** error) { return brood_cancel_create(&made, error); });
    token_.reset(made);
  }
  explicit Cancel(brood_cancel* token) noexcept : token_(token) {}

  void fire() noexcept { brood_cancel_fire(token_.get()); }
  void reset() noexcept { brood_cancel_reset(token_.get()); }
  bool fired() const noexcept { return brood_cancel_fired(token_.get()); }
  brood_handle* handle() noexcept { return brood_cancel_handle(token_.get()); }
  brood_cancel* get() const noexcept { return token_.get(); }

 private:
  detail::Owned<brood_cancel, brood_cancel_free> token_;
};

/**
 * How long a call may wait and what ends the wait early: `200ms`, `{200ms, token}`, or nothing at
 * all for ever. Fractions of a millisecond are rounded up, so that a short wait is never no wait.
 */
class Wait {
 public:
  Wait() = default;
  template <class Rep, class Period>
  Wait(std::chrono::duration<Rep, Period> timeout)
      : timeout_ms_(std::chrono::ceil<std::chrono::milliseconds>(timeout).count()) {}
  template <class Rep, class Period>
  Wait(std::chrono::duration<Rep, Period> timeout, const Cancel& cancel) : Wait(timeout) {
    cancel_ = cancel.get();
  }
  Wait(const Cancel& cancel) : cancel_(cancel.get()) {}

  /** The same with what is left of the time; never negative. */
  Wait shortened_to(std::chrono::nanoseconds left) const {
    Wait shorter(std::max(left, std::chrono::nanoseconds(0)));
    shorter.cancel_ = cancel_;
    return shorter;
  }
  int64_t timeout_ms() const noexcept { return timeout_ms_; }
  brood_cancel* cancel() const noexcept { return cancel_; }

 private:
  int64_t timeout_ms_ = BROOD_FOREVER;
  brood_cancel* cancel_ = nullptr;
};

/** The lowest index of the handles that is ready, or nothing when the time ran out. */
inline std::optional<size_t> wait(std::span<brood_handle* const> handles, Wait patience = {}) {
  size_t index = 0;
  const bool ready = detail::check_unless(BROOD_E_TIMEOUT, [&](brood_error** error) {
    return brood_wait(handles.data(), handles.size(), patience.timeout_ms(), patience.cancel(),
                      &index, error);
  });
  return ready ? std::optional(index) : std::nullopt;
}

/** Tells which of many handles became ready, in that order. */
class Completions {
 public:
  Completions() {
    brood_completions* made = nullptr;
    detail::check([&](brood_error** error) { return brood_completions_create(&made, error); });
    queue_.reset(made);
  }

  /** Deliver `tag` once when what `handle` belongs to becomes ready. */
  void add(brood_handle* handle, uint64_t tag) {
    detail::check([&](brood_error** error) {
      return brood_completions_add(queue_.get(), handle, tag, error);
    });
  }
  /** The tag of the next ready handle; nothing when none is registered any more. */
  std::optional<uint64_t> next(Wait patience = {}) {
    uint64_t tag = 0;
    const bool got = detail::check_unless(BROOD_E_CLOSED, [&](brood_error** error) {
      return brood_completions_next(queue_.get(), patience.timeout_ms(), patience.cancel(), &tag,
                                    error);
    });
    return got ? std::optional(tag) : std::nullopt;
  }
  brood_handle* handle() noexcept { return brood_completions_handle(queue_.get()); }
  brood_completions* get() const noexcept { return queue_.get(); }

 private:
  detail::Owned<brood_completions, brood_completions_free> queue_;
};

inline bool is_worker() noexcept { return brood_is_worker(); }
inline uint32_t cpu_count() noexcept { return brood_cpu_count(); }
inline void shutdown() noexcept { brood_shutdown(); }

}  // namespace v0
}  // namespace brood
#endif
