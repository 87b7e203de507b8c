#include "process/family.hpp"

namespace brood {

Status Family::start() {
  std::lock_guard lock(starting_);
  if (nursery_) return {};
  Result<std::unique_ptr<Loop>> loop = Loop::start();
  if (!loop) return loop.error().with_context("brood's loop thread");
  loop_ = std::move(*loop);
  nursery_ = Nursery::create(*loop_, arena_->fd());
  return {};
}

}  // namespace brood
