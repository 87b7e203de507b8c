#include "shm/members.hpp"

#include <algorithm>

#include "platform/platform.hpp"

namespace brood {

namespace {

bool is_being_reaped(MemberWord word) {
  return word.state() == MemberState::Reaping || word.state() == MemberState::Settled;
}

}  // namespace

bool Members::change(MemberSlot slot, MemberWord from, MemberWord to) {
  // Release: what was written into the record before is there for whoever reads the new state with
  // word(). Acquire: the slot's last life is over before the next one writes.
  return at(slot).state.compare_exchange_strong(from.word, to.word, std::memory_order_acq_rel);
}

MemberSlot Members::used() const {
  // Pairs with the release CAS in make_room_for(): the memory was there before the number.
  return static_cast<MemberSlot>(
      std::min(at(0).slots_used.load(std::memory_order_acquire), count()));
}

Status Members::make_room_for(MemberSlot slot) {
  uint32_t known = at(0).slots_used.load(std::memory_order_acquire);
  if (slot < known) return {};
  const uint64_t page = platform::page_size();
  const Offset record = layout_.members_at + slot * kMemberBytes;
  BROOD_TRY(platform::commit_shared(fd_, record / page * page, std::max(page, kMemberBytes)));
  const uint32_t wanted = slot + 1u;
  while (known < wanted &&
         !at(0).slots_used.compare_exchange_weak(known, wanted, std::memory_order_release)) {
  }
  return {};
}

Result<MemberId> Members::reserve(MemberSlot by) {
  for (MemberSlot slot = 1; exists(slot); ++slot) {
    BROOD_TRY(make_room_for(slot));
    const MemberWord seen = word(slot);
    if (seen.state() != MemberState::Free) continue;
    if (change(slot, seen, MemberWord::make(seen.generation(), by, MemberState::Reserved))) {
      return MemberId{slot, seen.generation()};
    }
  }
  return Error(Code::NoSpace, "all " + std::to_string(count() - 1) +
                                  " places for processes in this family are taken");
}

void Members::cancel_reservation(MemberId id) {
  const auto [slot, generation] = id;
  if (slot >= used()) return;
  const MemberWord seen = word(slot);
  if (seen.state() != MemberState::Reserved || seen.generation() != generation) return;
  change(slot, seen, MemberWord::make(generation + 1, kNobody, MemberState::Free));
}

Status Members::join(MemberId id, int64_t pid, uint64_t start_time) {
  const auto [slot, generation] = id;
  if (slot == kNobody || slot >= used()) {
    return Error(Code::Invalid, "there is no member number " + std::to_string(slot));
  }
  const MemberWord seen = word(slot);
  if (seen.state() != MemberState::Reserved || seen.generation() != generation) {
    return Error(Code::State, "the place of this process in its family was given up meanwhile");
  }
  Member& member = at(slot);
  member.pid.store(pid, std::memory_order_relaxed);
  member.start_time.store(start_time, std::memory_order_relaxed);
  member.host.store(seen.by(), std::memory_order_relaxed);
  member.orderly.store(0, std::memory_order_relaxed);
  member.host_generation.store(word(seen.by()).generation(), std::memory_order_relaxed);
  if (!change(slot, seen, MemberWord::make(generation, seen.by(), MemberState::Live))) {
    return Error(Code::State, "the place of this process in its family was given up meanwhile");
  }
  return {};
}

void Members::mark_dead(MemberId id) {
  const auto [slot, generation] = id;
  if (slot >= used()) return;
  for (;;) {
    const MemberWord seen = word(slot);
    const bool there = seen.state() == MemberState::Live || seen.state() == MemberState::Reserved;
    if (!there || seen.generation() != generation) return;
    if (change(slot, seen, MemberWord::make(generation, kNobody, MemberState::Dead))) return;
  }
}

bool Members::begin_reaping(MemberSlot slot, MemberSlot reaper) {
  const MemberWord seen = word(slot);
  const bool left_behind = is_being_reaped(seen) && seen.by() == reaper;
  if (seen.state() != MemberState::Dead && !left_behind) return false;
  return change(slot, seen, MemberWord::make(seen.generation(), reaper, MemberState::Reaping));
}

void Members::settle(MemberSlot slot, MemberSlot reaper) {
  const MemberWord seen = word(slot);
  if (seen.state() != MemberState::Reaping || seen.by() != reaper) return;
  // The release in change(): who sees it settled sees what the reaper did.
  change(slot, seen, MemberWord::make(seen.generation(), reaper, MemberState::Settled));
}

void Members::end_reaping(MemberSlot slot, MemberSlot reaper) {
  Member& member = at(slot);
  const MemberWord seen = word(slot);
  if (seen.state() != MemberState::Settled || seen.by() != reaper) return;
  member.pid.store(0, std::memory_order_relaxed);
  member.start_time.store(0, std::memory_order_relaxed);
  member.result_tail.store(0, std::memory_order_relaxed);
  // The release in change(): the next life begins with these.
  change(slot, seen, MemberWord::make(seen.generation() + 1, kNobody, MemberState::Free));
}

void Members::release_held_by(MemberSlot dead) {
  for (MemberSlot slot = 1; slot < used(); ++slot) {
    const MemberWord seen = word(slot);
    if (seen.by() != dead || slot == dead) continue;
    // A process started for a reservation may still be on its way: its generation is over, so that
    // it cannot join.
    if (seen.state() == MemberState::Reserved) {
      change(slot, seen, MemberWord::make(seen.generation() + 1, kNobody, MemberState::Free));
    }
    if (is_being_reaped(seen)) {
      change(slot, seen, MemberWord::make(seen.generation(), kNobody, MemberState::Dead));
    }
  }
}

void Members::ring_all() const {
  for (MemberSlot slot = 1; slot < used(); ++slot) {
    Member& member = at(slot);
    const uint32_t known =
        std::min<uint32_t>(member.bells_used.load(std::memory_order_seq_cst), kBells);
    for (uint32_t index = 0; index < known; ++index) member.bells[index].bell.ring();
  }
}

void Members::ring_everybody() const {
  for (MemberSlot slot = 1; slot < used(); ++slot) {
    if (word(slot).state() == MemberState::Free) continue;
    Member& member = at(slot);
    // Pairs with the RMW in BellRack::lease(): a thread that leased later looks again before it
    // sleeps.
    uint32_t used = member.bells_used.load(std::memory_order_seq_cst);
    if (used > kBells) used = kBells;
    for (uint32_t index = 0; index < used; ++index) member.bells[index].bell.ring_always();
  }
}

}  // namespace brood
