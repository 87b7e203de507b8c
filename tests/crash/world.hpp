// The family that the crash sweep kills members of: an arena that is put back to the same bytes
// before each point, and the invariants that must hold after a death was reaped.
#pragma once

#include <sys/types.h>

#include <atomic>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "channel/lane.hpp"
#include "channel/message.hpp"
#include "shm/arena.hpp"
#include "shm/object.hpp"
#include "shm/reaper.hpp"
#include "sync/waiter.hpp"

namespace brood::crash {

// Outside the arena, shared with every child of the sweep.
struct Control {
  std::atomic<uint32_t> acked;  // the victim's operation has returned
  std::atomic<uint32_t> stop;   // survivors give up waiting
  std::atomic<uint64_t> notes[8];
};

class World {
 public:
  static constexpr uint32_t kLaneBytes = 4096;

  World();

  // All shared bytes as they were after the constructor.
  void restore();
  // A number that changes when anything but the bulk of a large piece changes.
  uint64_t fingerprint() const;
  // Where in this process that memory lies.
  uint64_t begin() const { return reinterpret_cast<uint64_t>(arena->at(8, 0)) - 8; }
  uint64_t end() const;

  Heap& heap() { return arena->heap(); }
  Members& members() { return arena->members(); }
  LaneHeader* lane(Offset at) { return reinterpret_cast<LaneHeader*>(arena->at(at, 1)); }
  LaneWriter writer(Offset at) { return LaneWriter(lane(at), kLaneBytes); }
  LaneReader reader(Offset at) { return LaneReader(lane(at), kLaneBytes); }
  static BellId bell(MemberId member) { return {member.slot, 0}; }
  // A list of `count` free references, owned by `owner`.
  Offset make_list(MemberSlot owner, uint64_t count);
  std::atomic<Offset>& ref(Offset list, uint64_t index) {
    return ref_list_at(*arena, list)->refs[index];
  }

  // Starts `body` as the survivor and waits until it sleeps on its bell. Its exit code is body's
  // result.
  pid_t park_survivor(const std::function<int()>& body);
  // The survivor's exit code; -1 when it does not end within two seconds.
  static int outcome(pid_t survivor);

  // What is wrong with the arena, given that `dead` are reaped and nothing but `live_bytes` is in
  // use; empty when nothing is.
  std::string audit(const std::vector<MemberSlot>& dead, uint64_t live_bytes);
  // The same of one dead member, in the middle of a check.
  std::string audit_dead(MemberSlot dead) { return audit_blocks({dead}) + audit_counts(); }
  // Uses everything once more, as a member that goes on would.
  std::string exercise();

  std::unique_ptr<Arena> arena;
  Control* control;
  MemberId host, victim, survivor, other;
  Offset results = 0;  // the victim's result lane
  Offset tasks = 0;    // the victim's task lane
  uint64_t base_live = 0;
  Offset scratch[8] = {};  // what an operation's setup leaves for the victim and the check

 private:
  struct Range {
    uint64_t offset;
    std::vector<std::byte> bytes;
  };
  std::string audit_blocks(const std::vector<MemberSlot>& dead);
  std::string audit_counts();
  void for_each_range(const std::function<void(uint64_t, uint64_t)>& visit) const;

  std::vector<Range> pristine_;
};

bool contains(const std::vector<MemberSlot>& slots, MemberSlot slot);

}  // namespace brood::crash
