#include "process/launch.hpp"

namespace brood {

namespace {

// A program that starts itself without end is stopped here.
constexpr uint32_t kDeepest = 10;

}  // namespace

Result<WorkerProcess> launch_worker(Household& household, ChildRequest program, HandOff hand_off,
                                    std::shared_ptr<ChildEvents> events) {
  if (household.depth() >= kDeepest) {
    return Error(Code::Unsupported, "workers of workers may be " + std::to_string(kDeepest) +
                                        " levels deep, and this process is at the last one");
  }
  Result<platform::Fd> arena = platform::duplicate(household.arena().fd());
  if (!arena) return arena.error().with_context("the arena for a worker");
  hand_off.arena = std::move(*arena);
  hand_off.parent_pid = platform::process_id();
  hand_off.parent_start_time = platform::process_start_time(hand_off.parent_pid);
  program.member = hand_off.member;
  Result<HandOffEnds> ends = offer_hand_off(hand_off);
  if (!ends) return ends.error().with_context("the hand-off to a worker");
  program.environment.push_back(ends->variable);
  program.pass_fds.insert(program.pass_fds.begin(), ends->child_end.get());
  Result<std::shared_ptr<Child>> child = household.nursery().spawn(program, std::move(events));
  if (!child) return child.error();
  return WorkerProcess{std::move(*child), std::move(ends->parent_end)};
}

}  // namespace brood
