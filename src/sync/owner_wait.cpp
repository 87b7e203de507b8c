#include "sync/owner_wait.hpp"

#include "shm/reaper.hpp"

namespace brood {

Status acquire_slowly(BellRack& rack, OwnerLock& lock, WaiterSet& waiters, Deadline deadline,
                      const CancelToken* cancel, Abandoned abandoned, WaitersFence fence) {
  const Members& members = rack.arena().members();
  bool died = false;
  const auto attempt = [&] {
    const OwnerWord seen = lock.look();
    const bool gone = !seen.free() && members.is_gone(seen.holder());
    if (!seen.free() && !gone) return false;
    died = gone && abandoned == Abandoned::Refuse;
    return died || lock.take_from(seen, rack.me(), platform::current_cpu());
  };
  Status status = wait_for_holders(
      rack, waiters, deadline, cancel, attempt, [&] { return died; }, lock.look().cpu(),
      [&] { look_after(rack.arena(), lock.look().holder(), rack.me()); }, fence);
  if (status && died) return Error(Code::OwnerDied);
  return status;
}

void look_after(Arena& arena, MemberId holder, MemberId me) {
  Members& members = arena.members();
  // A reaper may have died in its turn.
  for (int depth = 0; depth < 4; ++depth) {
    if (holder.slot == kNobody || holder.slot >= members.used() || holder.slot == me.slot) return;
    const MemberWord seen = members.word(holder.slot);
    if (seen.generation() != holder.generation || seen.state() == MemberState::Free) return;
    if (seen.state() == MemberState::Live) {
      const Member& member = members.at(holder.slot);
      const int64_t pid = member.pid.load(std::memory_order_relaxed);
      const uint64_t start_time = member.start_time.load(std::memory_order_relaxed);
      if (platform::process_alive(pid, start_time)) return;
    }
    if (reap(arena, holder, me.slot)) return;
    holder = members.id(members.word(holder.slot).by());
  }
}

}  // namespace brood
