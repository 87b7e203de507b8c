// Rings the bell of a thread that waits for a Waitable, and remembers that it did.
#pragma once

#include <atomic>

#include "shm/bell.hpp"
#include "sync/waitable.hpp"

namespace brood {

class BellWatcher final : public Watcher {
 public:
  explicit BellWatcher(Bell& bell) : bell_(bell) {}
  void on_ready(Waitable&) override {
    // Release: what made it ready is seen by who sees this.
    rung_.store(true, std::memory_order_release);
    bell_.ring();
  }
  bool rung() const { return rung_.load(std::memory_order_acquire); }

 private:
  Bell& bell_;
  std::atomic<bool> rung_{false};
};

}  // namespace brood
