// What a process needs to have children and to share memory with them: made once by the runtime, used by
// everything above this floor. Outlives it.
#pragma once

#include <memory>

#include "loop/loop.hpp"
#include "process/nursery.hpp"
#include "shm/arena.hpp"

namespace brood {

class Family {
 public:
  // `member` is this process's slot in the arena; `depth` is how many levels of workers it is below the
  // program that the user started.
  Family(std::unique_ptr<Arena> arena, MemberSlot member, uint32_t depth)
      : arena_(std::move(arena)), member_(member), depth_(depth) {}

  // Starts the loop thread and the client of the nursery, on first use; any thread.
  Status start();

  Arena& arena() { return *arena_; }
  MemberSlot member() const { return member_; }
  uint32_t depth() const { return depth_; }
  // After start().
  Loop& loop() { return *loop_; }
  Nursery& nursery() { return *nursery_; }

 private:
  std::unique_ptr<Arena> arena_;
  MemberSlot member_;
  uint32_t depth_;
  std::mutex starting_;  // guards the making of the next two
  std::unique_ptr<Loop> loop_;
  std::unique_ptr<Nursery> nursery_;  // ends before the loop
};

}  // namespace brood
