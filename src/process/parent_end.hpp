// Becomes ready when the process that started this worker is dead.
#pragma once

#include <memory>
#include <mutex>

#include "process/household.hpp"
#include "sync/waitable.hpp"

namespace brood {

class ParentEnd final : public Waitable {
 public:
  // The caller owns a reference. `start_time` tells the parent from a later process with its pid.
  static Result<ParentEnd*> watch(Household& household, int64_t pid, uint64_t start_time);

  bool ready() const override { return dead_; }

 private:
  ParentEnd() = default;
  std::mutex& watch_mutex() const override { return mutex_; }
  void note_death();

  platform::Fd process_;
  std::unique_ptr<Watch> watch_;  // loop thread only
  mutable std::mutex mutex_;      // guards dead_ and the watchers
  bool dead_ = false;
};

}  // namespace brood
