// What the reaper does to blocks and regions. Pieces that a dead member owned are freed before;
// here its half-done claims, closings and frees are finished or undone, and the hints are made true
// again. Every step can be repeated.
#include <algorithm>

#include "shm/heap.hpp"

namespace brood {

void Heap::repair(MemberSlot dead) {
  const uint32_t end = ready();
  int64_t cached = 0;
  for (uint32_t block = 0; block < end; ++block) {
    repair_block(block, dead);
    forget_stray_slots(block, dead);
    const bool free = record(block).tag.load(std::memory_order_relaxed) == 0;
    if (free) cached += count_committed(block, 1);
  }
  control_->cached.store(cached, std::memory_order_relaxed);
  // It may have died between freeing something and saying so.
  for (auto& freed : control_->freed) freed.fetch_add(1, std::memory_order_release);
  lower_hint(0);
}

void Heap::repair_block(uint32_t block, MemberSlot dead) {
  BlockRecord& record = this->record(block);
  const Tag tag(record.tag.load(std::memory_order_acquire));
  uint64_t seen = tag.word();
  switch (tag.state()) {
    case TagState::Part:
      if (tag.owner() == dead) repair_part(block, tag);
      break;
    case TagState::Freeing:
      if (tag.owner() == dead) finish_free(block);
      break;
    case TagState::Closing:
      if (tag.owner() != dead) break;
      record.tag.compare_exchange_strong(seen, Tag(TagState::Region, kNobody, tag.aux()).word(),
                                         std::memory_order_acq_rel);
      record.flags.fetch_or(kMaybeFree, std::memory_order_seq_cst);
      break;
    case TagState::Region:
      // The dead may have freed a slot of anybody's region without saying so.
      record.flags.fetch_or(kMaybeFree, std::memory_order_seq_cst);
      if (tag.owner() != dead) break;
      record.tag.compare_exchange_strong(seen, Tag(TagState::Region, kNobody, tag.aux()).word(),
                                         std::memory_order_acq_rel);
      break;
    default:
      break;
  }
}

// A block that the dead member claimed. It belongs to a piece if the head is one, and reaches this
// far: then that piece's owner frees it. Otherwise the claim never became a piece. If a living
// member frees the piece just now and somebody claims the block anew, its tag has changed, and the
// CAS fails.
void Heap::repair_part(uint32_t block, Tag part) {
  const uint64_t head = part.aux();
  if (head < block) {
    const Tag head_tag(record(static_cast<uint32_t>(head)).tag.load(std::memory_order_acquire));
    const bool piece = head_tag.is_piece() || head_tag.state() == TagState::Freeing;
    const uint32_t run = record(static_cast<uint32_t>(head)).run.load(std::memory_order_relaxed);
    if (piece && head + run > block) return;
  }
  uint64_t seen = part.word();
  record(block).tag.compare_exchange_strong(seen, 0, std::memory_order_acq_rel);
}

// A thread that was about to take a slot while its region was given back, and died before it
// noticed, left a tag where no region looks.
void Heap::forget_stray_slots(uint32_t block, MemberSlot dead) {
  const uint32_t flags = record(block).flags.load(std::memory_order_acquire);
  if ((flags & kTagsCommitted) == 0) return;
  const Tag region(record(block).tag.load(std::memory_order_acquire));
  const bool open = region.state() == TagState::Region || region.state() == TagState::Closing;
  const uint32_t known =
      open && region.aux() < kSizeClasses ? slots_in_region(static_cast<int>(region.aux())) : 0;
  const auto most = std::min<uint32_t>(flags >> kSlotsShift, kBlockBytes / kSmallestSlot);
  for (uint32_t index = known; index < most; ++index) {
    std::atomic<uint64_t>& tag = slot_tag(block, index);
    uint64_t seen = tag.load(std::memory_order_acquire);
    if (!Tag(seen).is(TagState::Owned, dead)) continue;
    tag.compare_exchange_strong(seen, 0, std::memory_order_acq_rel);
  }
}

}  // namespace brood
