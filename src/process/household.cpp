#include "process/household.hpp"

#include "process/nursery_link.hpp"

namespace brood {

Status Household::start(bool for_child) {
  std::lock_guard lock(starting_);
  if (nursery_) return {};
  std::unique_ptr<LaunchedNursery> launched;
  if (for_child) launched = launch_nursery({arena_.get(), me_});
  if (!loop_) {
    Result<std::unique_ptr<Loop>> loop = Loop::start();
    if (!loop) return loop.error().with_context("brood's loop thread");
    loop_ = std::move(*loop);
  }
  nursery_ = Nursery::adopt(*loop_, {arena_.get(), me_}, std::move(launched));
  return {};
}

void Household::stop() {
  std::lock_guard lock(starting_);
  nursery_.reset();
  // What was given up is closed by now.
  if (loop_) loop_->run([] {});
}

}  // namespace brood
