#include "shm/reaper.hpp"

#include <mutex>
#include <utility>

#include "platform/platform.hpp"
#include "shm/barrier_word.hpp"
#include "shm/object.hpp"
#include "shm/parts.hpp"

namespace brood {

namespace {

// A reply whose record was committed belongs to the host, although its sender is dead; one whose
// record was not never left. The dead member's tail cannot move any more.
void resolve_in_transit(Arena& arena, MemberSlot dead) {
  const Member& member = arena.members().at(dead);
  const auto* tail = reinterpret_cast<const std::atomic<uint64_t>*>(
      arena.at(member.result_tail.load(std::memory_order_acquire), sizeof(uint64_t)));
  const MemberId host{member.host.load(std::memory_order_relaxed),
                      member.host_generation.load(std::memory_order_relaxed)};
  const bool host_lives = host.slot != kNobody && arena.members().is_live(host);
  // Pairs with the release store in LaneWriter::publish().
  const uint64_t committed = tail == nullptr ? 0 : tail->load(std::memory_order_acquire);
  arena.heap().visit_pieces([&](Offset piece, Tag tag) {
    if (!tag.is(TagState::Sending, dead)) return;
    const bool sent = tail != nullptr && position_committed(tag.aux(), committed);
    const Tag settled = sent && host_lives
                            ? Tag(TagState::Queued, host.slot, tag.aux(), tag.carries())
                            : Tag(TagState::Owned, dead, 0, tag.carries());
    // Fails if the host takes it just now: then it is the host's.
    arena.heap().change_tag(piece, tag, settled);
  });
}

// Whoever waits at a barrier that the dead member held may wait for it.
void break_barriers(Arena& arena, Offset piece) {
  const RefList* list = ref_list_at(arena, piece);
  if (list == nullptr) return;
  for (uint64_t index = 0; index < list->count; ++index) {
    // The reference keeps the object where it is.
    const Offset object = list->refs[index].load(std::memory_order_acquire);
    if (arena.heap().tag_of(object).state() != TagState::Object) continue;
    constexpr size_t kBytes = sizeof(ObjectHeader) + sizeof(BarrierState);
    auto* header = reinterpret_cast<ObjectHeader*>(arena.at(object, kBytes));
    if (header == nullptr || header->type != static_cast<uint32_t>(ObjectType::Barrier)) continue;
    if (arena.heap().size_of(object) < kBytes) continue;
    break_barrier(*reinterpret_cast<BarrierState*>(object_data(header)), header->waiters,
                  arena.members());
  }
}

void free_owned(Arena& arena, MemberSlot dead, MemberSlot by) {
  const bool orderly = arena.members().at(dead).orderly.load(std::memory_order_acquire) != 0;
  arena.heap().visit_pieces([&](Offset piece, Tag tag) {
    // What was queued for a host that died is as good as its own.
    if (tag.is(TagState::Queued, dead)) {
      const Tag owned(TagState::Owned, dead, 0, tag.carries());
      if (!arena.heap().change_tag(piece, tag, owned)) return;
      tag = owned;
    }
    if (!tag.is(TagState::Owned, dead)) return;
    if (tag.carries()) {
      if (!orderly) break_barriers(arena, piece);
      (void)give_up_references(arena, piece, by);
    }
    (void)arena.heap().free(piece, dead);
  });
}

bool reap_one(Arena& arena, MemberSlot dead, MemberSlot by) {
  Members& members = arena.members();
  if (!members.begin_reaping(dead, by)) return false;
  // In this order: what was in transit needs the tail, references need their lists, and the slot is
  // free for another only when nothing bears its number any more.
  resolve_in_transit(arena, dead);
  settle_parts(arena, dead, by);
  settle_intent(arena, dead, by);
  free_owned(arena, dead, by);
  dismantle(arena, by);
  arena.heap().repair(dead);
  members.release_held_by(dead);
  // From here on its locks are there to be taken. It may have died between a commit and the ring,
  // or taken somebody's wake with it: everybody looks again.
  members.settle(dead, by);
  members.ring_everybody();
  members.end_reaping(dead, by);
  return true;
}

void reap_all_dead(Arena& arena, MemberSlot by) {
  Members& members = arena.members();
  for (MemberSlot slot = 1; slot < members.used(); ++slot) {
    const MemberWord seen = members.word(slot);
    const bool ours =
        (seen.state() == MemberState::Reaping || seen.state() == MemberState::Settled) &&
        seen.by() == by;
    if (seen.state() != MemberState::Dead && !ours) continue;
    // Reaping a reaper makes what it had in hand dead again: from the beginning.
    if (reap_one(arena, slot, by)) slot = 0;
  }
}

bool ended_unseen(const Members& members, MemberSlot slot, MemberSlot by) {
  const MemberId id = members.id(slot);
  if (!members.is_live(id)) return false;
  const Member& member = members.at(slot);
  const MemberId host{member.host.load(std::memory_order_relaxed),
                      member.host_generation.load(std::memory_order_relaxed)};
  if (host.slot == kNobody) return false;
  if (host != members.id(by) && members.is_live(host)) return false;
  return !platform::process_alive(member.pid.load(std::memory_order_relaxed),
                                  member.start_time.load(std::memory_order_relaxed));
}

}  // namespace

bool reap(Arena& arena, MemberId dead, MemberSlot by) {
  if (dead.slot == kNobody || dead.slot >= arena.members().used()) return true;
  std::lock_guard lock(arena.reaping());
  arena.members().mark_dead(dead);
  reap_all_dead(arena, by);
  const MemberWord now = arena.members().word(dead.slot);
  return now.generation() != dead.generation || now.state() == MemberState::Free;
}

void reap_unseen(Arena& arena, MemberSlot by) {
  std::lock_guard lock(arena.reaping());
  Members& members = arena.members();
  // Those below one that was reaped are the next round's.
  for (bool found = true; std::exchange(found, false);) {
    for (MemberSlot slot = 1; slot < members.used(); ++slot) {
      if (!ended_unseen(members, slot, by)) continue;
      members.mark_dead(members.id(slot));
      found = true;
    }
    if (found) reap_all_dead(arena, by);
  }
}

void reap_left_behind(Arena& arena, MemberSlot by) {
  std::lock_guard lock(arena.reaping());
  reap_all_dead(arena, by);
}

}  // namespace brood
