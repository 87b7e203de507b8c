// A task whose outcome somebody holds in the hand. Its argument lies behind it, in the same
// allocation.
#pragma once

#include <functional>
#include <vector>

#include "pool/task.hpp"
#include "sync/cancel.hpp"
#include "sync/waitable.hpp"

namespace brood {

class Future final : public Waitable, public Task {
 public:
  // With room for `size` bytes of argument behind it.
  static Future* create(Pool& pool, size_t size);
  static void operator delete(void* memory) { ::operator delete(memory); }

  std::byte* inline_bytes() { return reinterpret_cast<std::byte*>(this + 1); }

  // Waits until it is done, and leaves the outcome in place.
  Status wait(Deadline deadline, const CancelToken* cancel);
  // The outcome, which can be taken once; State the second time.
  Result<Message::Ptr> take();
  // False if it was done before.
  bool cancel();
  // Calls back once it is done, without a lock.
  void then(std::function<void()> callback);

  bool ready() const override { return done(); }
  void done_locked(Pool& pool) override;
  void dropped_locked(Pool& pool) override;
  Pool& pool() { return pool_; }

 private:
  explicit Future(Pool& pool);
  ~Future() override;
  std::mutex& watch_mutex() const override;

  Pool& pool_;
  std::unique_ptr<std::vector<std::function<void()>>> callbacks_;  // under the pool's mutex
  std::atomic<bool> taken_{false};
};

}  // namespace brood
