// A call whose outcome somebody holds in the hand: a job of one item, whose argument lies behind it
// in the same allocation.
#pragma once

#include <functional>
#include <span>
#include <vector>

#include "pool/job.hpp"
#include "sync/cancel.hpp"

namespace brood {

class Future final : public Job {
 public:
  struct Unref {
    void operator()(Future* future) const { future->unref(); }
  };
  using Ptr = std::unique_ptr<Future, Unref>;

  // With a copy of the bytes as its argument.
  static Future* create(Pool& pool, std::span<const std::byte> bytes);
  static void operator delete(void* memory) { ::operator delete(memory); }
  // Before it is queued: another argument, which it frees when it is done.
  void give_argument(const Argument& argument) { argument_ = argument; }

  // Waits until it is done, and leaves the outcome in place.
  Status wait(Deadline deadline, const CancelToken* cancel);
  // The outcome, which can be taken once; State the second time.
  Result<Message::Ptr> take();
  // False if it was done before.
  bool cancel();
  // Calls back once it is done, without a lock.
  void then(std::function<void()> callback);

  bool done() const { return outcome_.done(); }
  bool ready() const override { return done(); }
  Arguments arguments(uint64_t) const override { return {&argument_, 0}; }
  void settle_locked(Pool& pool, uint64_t ticket, Outcome outcome) override;
  void drop_locked(uint64_t) override { unref(); }
  Pool& pool() { return pool_; }

 private:
  explicit Future(Pool& pool);
  ~Future() override;
  std::mutex& watch_mutex() const override;

  std::atomic<bool> taken_{false};
  Pool& pool_;
  Argument argument_;
  OutcomeSlot outcome_;
  std::unique_ptr<std::vector<std::function<void()>>> callbacks_;  // under the pool's mutex
};

}  // namespace brood
