#include "pool/future.hpp"

#include <new>

#include "pool/pool.hpp"

namespace brood {

Future* Future::create(Pool& pool, size_t size) {
  return new (::operator new(sizeof(Future) + size)) Future(pool);
}

Future::Future(Pool& pool) : pool_(pool) { pool_.ref(); }

Future::~Future() {
  if (failure && !taken_.load(std::memory_order_relaxed)) pool_.unread_failure(*failure);
  pool_.unref();
}

std::mutex& Future::watch_mutex() const { return pool_.mutex(); }

Status Future::wait(Deadline deadline, const CancelToken* cancel) {
  if (done()) return {};
  return pool_.wait(
      deadline, cancel, [this] { return done(); }, this);
}

Result<Message::Ptr> Future::take() {
  if (taken_.exchange(true, std::memory_order_acq_rel)) {
    return Error(Code::State, "the result of this future was already taken");
  }
  if (failure) return *failure;
  return std::move(value);
}

bool Future::cancel() { return pool_.cancel(*this); }

void Future::then(std::function<void()> callback) {
  {
    std::lock_guard lock(pool_.mutex());
    if (!done()) {
      if (!callbacks_) callbacks_ = std::make_unique<std::vector<std::function<void()>>>();
      callbacks_->push_back(std::move(callback));
      return;
    }
  }
  callback();
}

void Future::done_locked(Pool& pool) {
  if (callbacks_) {
    // The callback may use the future: it stays until the last one ran.
    for (auto& callback : *callbacks_) {
      ref();
      pool.call_later_locked([this, call = std::move(callback)] {
        call();
        unref();
      });
    }
    callbacks_.reset();
  }
  notify_locked();
}

void Future::dropped_locked(Pool&) { unref(); }

}  // namespace brood
