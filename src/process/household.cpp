#include "process/household.hpp"

namespace brood {

Status Household::start() {
  std::lock_guard lock(starting_);
  if (nursery_) return {};
  if (!loop_) {
    Result<std::unique_ptr<Loop>> loop = Loop::start();
    if (!loop) return loop.error().with_context("brood's loop thread");
    loop_ = std::move(*loop);
  }
  nursery_ = Nursery::create(*loop_, arena_->fd());
  return {};
}

void Household::stop() {
  std::lock_guard lock(starting_);
  nursery_.reset();
}

}  // namespace brood
