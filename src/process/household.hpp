// What a process needs to have children and to share memory with them: made once by the runtime,
// used by everything above this floor, never destroyed.
#pragma once

#include <memory>
#include <mutex>

#include "loop/loop.hpp"
#include "process/nursery.hpp"
#include "shm/holdings.hpp"
#include "sync/waiter.hpp"

namespace brood {

class Household {
 public:
  // `me` is this process's membership in the arena; `depth` is how many levels of workers it is
  // below the program that the user started.
  Household(std::unique_ptr<Arena> arena, MemberId me, uint32_t depth)
      : arena_(std::move(arena)),
        me_(me),
        depth_(depth),
        holdings_(*arena_, me.slot),
        rack_(std::make_shared<BellRack>(*arena_, me)) {}

  // Starts the loop's thread and the nursery's client, on first use; any thread. Where a child is
  // wanted next, the nursery itself starts meanwhile.
  Status start(bool for_child);
  // Ends the nursery, and with it every child that is left.
  void stop();

  Arena& arena() { return *arena_; }
  MemberId me() const { return me_; }
  uint32_t depth() const { return depth_; }
  Holdings& holdings() { return holdings_; }
  const std::shared_ptr<BellRack>& rack() const { return rack_; }
  // After start().
  Loop& loop() { return *loop_; }
  Nursery& nursery() { return *nursery_; }

 private:
  const std::unique_ptr<Arena> arena_;
  const MemberId me_;
  const uint32_t depth_;
  Holdings holdings_;
  const std::shared_ptr<BellRack> rack_;
  std::mutex starting_;  // guards the making and the end of the nursery
  std::unique_ptr<Loop> loop_;
  std::unique_ptr<Nursery> nursery_;
};

}  // namespace brood
