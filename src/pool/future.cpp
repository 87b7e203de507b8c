#include "pool/future.hpp"

#include <cstring>
#include <new>

#include "pool/pool.hpp"

namespace brood {

Future* Future::create(Pool& pool, std::span<const std::byte> bytes) {
  auto* future = new (::operator new(sizeof(Future) + bytes.size())) Future(pool);
  auto* behind = reinterpret_cast<std::byte*>(future + 1);
  if (!bytes.empty()) std::memcpy(behind, bytes.data(), bytes.size());
  future->argument_ = Argument::at(behind, bytes.size());
  return future;
}

Future::Future(Pool& pool) : pool_(pool) { pool_.ref(); }

Future::~Future() {
  pool_.drop_argument(argument_);
  const Outcome outcome = outcome_.take();
  if (outcome.failure() != nullptr) pool_.unread_failure(*outcome.failure());
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
  return outcome_.take().result();
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

void Future::settle_locked(Pool& pool, uint64_t, Outcome outcome) {
  pool.drop_argument(argument_);
  argument_ = Argument();
  outcome_.put(std::move(outcome));
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

}  // namespace brood
