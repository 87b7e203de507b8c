// Small slots: finding one, and the life of the regions they lie in.
#include <cstring>

#include "shm/heap.hpp"

namespace brood {

namespace {

// Threads of a process are spread over a few cursors, so that they seldom want the same slot.
uint32_t stripe_of_thread() {
  static std::atomic<uint32_t> threads{0};
  // Only the number matters.
  thread_local const uint32_t mine = threads.fetch_add(1, std::memory_order_relaxed);
  return mine;
}

constexpr uint64_t pack_cursor(uint32_t block, uint32_t index) {
  return static_cast<uint64_t>(block) << 16 | index;
}

}  // namespace

Heap::Cursor& Heap::cursor(int size_class) {
  return stripes_[stripe_of_thread() % kStripes].cursors[static_cast<size_t>(size_class)];
}

Result<Offset> Heap::allocate_small(int size_class, MemberSlot owner) {
  Cursor& cursor = this->cursor(size_class);
  Offset out = 0;
  // Cursors are hints of this process; no order is needed.
  const uint64_t at = cursor.at.load(std::memory_order_relaxed);
  if (at != kNowhere) {
    const auto block = static_cast<uint32_t>(at >> 16);
    const auto index = static_cast<uint32_t>(at & 0xffff);
    if (index < slots_in_region(size_class) && take_slot(block, index, size_class, owner)) {
      cursor.at.store(at + 1, std::memory_order_relaxed);
      return block_offset(block) + index * kClassBytes[static_cast<size_t>(size_class)];
    }
    if (take_from_region(cursor, block, index, size_class, owner, out)) return out;
  }
  for (;;) {
    auto block = find_region(cursor, size_class, owner);
    if (!block) return block.error();
    if (take_from_region(cursor, *block, 0, size_class, owner, out)) return out;
  }
}

bool Heap::take_slot(uint32_t block, uint32_t index, int size_class, MemberSlot owner) {
  std::atomic<uint64_t>& tag = slot_tag(block, index);
  uint64_t seen = tag.load(std::memory_order_seq_cst);
  const uint64_t mine = Tag(TagState::Owned, owner).word();
  if (seen != 0) return false;
  // The commit. Sequentially consistent with the look at the region: close_region() marks the
  // region first and looks at the slots then, so that one of the two sees the other.
  if (!tag.compare_exchange_strong(seen, mine, std::memory_order_seq_cst)) return false;
  const Tag region(record(block).tag.load(std::memory_order_seq_cst));
  if (region.state() == TagState::Region && region.aux() == static_cast<uint64_t>(size_class)) {
    return true;
  }
  seen = mine;
  tag.compare_exchange_strong(seen, 0, std::memory_order_seq_cst);
  // Whoever cuts the block anew may have met the slot as taken.
  record(block).flags.fetch_or(kMaybeFree, std::memory_order_seq_cst);
  return false;
}

bool Heap::search_region(Cursor& cursor, uint32_t block, uint32_t from, int size_class,
                         MemberSlot owner, Offset& out) {
  const uint32_t slots = slots_in_region(size_class);
  for (uint32_t step = 0; step < slots; ++step) {
    const uint32_t index = (from + step) % slots;
    if (!take_slot(block, index, size_class, owner)) continue;
    cursor.at.store(pack_cursor(block, index + 1), std::memory_order_relaxed);
    out = block_offset(block) + index * kClassBytes[static_cast<size_t>(size_class)];
    return true;
  }
  return false;
}

bool Heap::take_from_region(Cursor& cursor, uint32_t block, uint32_t from, int size_class,
                            MemberSlot owner, Offset& out) {
  const Tag region(record(block).tag.load(std::memory_order_acquire));
  const bool fits =
      region.state() == TagState::Region && region.aux() == static_cast<uint64_t>(size_class);
  if (fits && search_region(cursor, block, from, size_class, owner, out)) return true;
  cursor.at.store(kNowhere, std::memory_order_relaxed);
  if (!fits) return false;
  // Full, so it seems. The flag first and a second look then: pairs with release(), which frees the
  // slot first and looks at the flag then. So no free slot hides behind a cleared flag.
  record(block).flags.fetch_and(~uint32_t{kMaybeFree}, std::memory_order_seq_cst);
  if (!search_region(cursor, block, 0, size_class, owner, out)) return false;
  record(block).flags.fetch_or(kMaybeFree, std::memory_order_seq_cst);
  return true;
}

void Heap::note_free_slot(uint32_t block, uint32_t index, int size_class, MemberSlot by) {
  BlockRecord& region = record(block);
  if ((region.flags.load(std::memory_order_seq_cst) & kMaybeFree) == 0) {
    region.flags.fetch_or(kMaybeFree, std::memory_order_seq_cst);
    // Pairs with the acquire in find_known_region(): who sees the number sees the flag.
    control_->freed[size_class].fetch_add(1, std::memory_order_release);
  }
  // The slot just freed is warm: next time, if the region is ours.
  const Tag tag(region.tag.load(std::memory_order_relaxed));
  if (tag.is(TagState::Region, by)) {
    cursor(size_class).at.store(pack_cursor(block, index), std::memory_order_relaxed);
  }
}

bool Heap::may_have_free_slot(uint32_t block, int size_class, Tag& tag) const {
  tag = Tag(record(block).tag.load(std::memory_order_acquire));
  return tag.state() == TagState::Region && tag.aux() == static_cast<uint64_t>(size_class) &&
         (record(block).flags.load(std::memory_order_seq_cst) & kMaybeFree) != 0;
}

uint32_t Heap::find_known_region(Cursor& cursor, int size_class, MemberSlot owner) {
  const auto version =
      static_cast<uint32_t>(control_->freed[size_class].load(std::memory_order_acquire));
  const uint64_t searched = cursor.searched.load(std::memory_order_relaxed);
  const bool still_true = static_cast<uint32_t>(searched >> 32) == version;
  const uint32_t end = ready();
  uint32_t block = still_true ? static_cast<uint32_t>(searched) : 0;
  uint32_t found = kNoBlock;
  for (; block < end && found == kNoBlock; ++block) {
    Tag tag;
    if (!may_have_free_slot(block, size_class, tag)) continue;
    if (tag.owner() == owner) found = block;
    if (tag.owner() != kNobody) continue;
    // Its owner has died: ours now.
    uint64_t seen = tag.word();
    const Tag adopted(TagState::Region, owner, tag.aux());
    if (record(block).tag.compare_exchange_strong(seen, adopted.word(),
                                                  std::memory_order_acq_rel)) {
      found = block;
    }
  }
  const uint32_t from = found == kNoBlock ? end : found;
  cursor.searched.store(static_cast<uint64_t>(version) << 32 | from, std::memory_order_relaxed);
  return found;
}

uint32_t Heap::find_anybodys_region(int size_class) const {
  const uint32_t end = ready();
  for (uint32_t block = 0; block < end; ++block) {
    Tag tag;
    if (may_have_free_slot(block, size_class, tag)) return block;
  }
  return kNoBlock;
}

Result<uint32_t> Heap::find_region(Cursor& cursor, int size_class, MemberSlot owner) {
  const uint32_t known = find_known_region(cursor, size_class, owner);
  if (known != kNoBlock) return known;
  auto made = make_region(size_class, owner);
  if (made) return made;
  const uint32_t anybodys = find_anybodys_region(size_class);
  if (anybodys != kNoBlock) return anybodys;
  return made;
}

Result<uint32_t> Heap::make_region(int size_class, MemberSlot owner) {
  auto block = claim_run(1, owner);
  if (!block) return block;
  BlockRecord& region = record(*block);
  Status ready = commit_run(*block, 1, owner);
  if (ready && (region.flags.load(std::memory_order_relaxed) & kTagsCommitted) == 0) {
    ready = commit(layout_.tags_at + *block * kBlockTagBytes, kBlockTagBytes, owner);
  }
  if (!ready) {
    unclaim(*block, 1);
    return ready.error();
  }
  // The block is ours alone, but a late note_free_slot() may still touch the flags.
  const uint32_t slots = slots_in_region(size_class);
  uint32_t flags = region.flags.load(std::memory_order_relaxed);
  uint32_t wanted;
  do {
    const uint32_t most = std::max(flags >> kSlotsShift, slots);
    wanted = (flags & 0xffff) | kTagsCommitted | kMaybeFree | most << kSlotsShift;
  } while (!region.flags.compare_exchange_weak(flags, wanted, std::memory_order_release));
  // The commit; pairs with the acquire loads in find() and find_known_region().
  region.tag.store(Tag(TagState::Region, owner, static_cast<uint64_t>(size_class)).word(),
                   std::memory_order_seq_cst);
  return block;
}

bool Heap::close_region(uint32_t block, MemberSlot by) {
  std::atomic<uint64_t>& tag = record(block).tag;
  const Tag open(tag.load(std::memory_order_acquire));
  if (open.state() != TagState::Region || open.aux() >= kSizeClasses) return false;
  const uint32_t slots = slots_in_region(static_cast<int>(open.aux()));
  const auto all_free = [&] {
    for (uint32_t index = 0; index < slots; ++index) {
      if (slot_tag(block, index).load(std::memory_order_seq_cst) != 0) return false;
    }
    return true;
  };
  if (!all_free()) return false;
  const Tag closing(TagState::Closing, by, open.aux());
  uint64_t seen = open.word();
  // Marked first, looked at then: take_slot() does it the other way round.
  if (!tag.compare_exchange_strong(seen, closing.word(), std::memory_order_seq_cst)) return false;
  if (!all_free()) {
    tag.store(open.word(), std::memory_order_release);
    return false;
  }
  tag.store(Tag(TagState::Part, by, block).word(), std::memory_order_release);
  unclaim(block, 1);
  return true;
}

uint32_t Heap::close_empty_regions(MemberSlot by) {
  uint32_t closed = 0;
  const uint32_t end = ready();
  for (uint32_t block = 0; block < end; ++block) closed += close_region(block, by);
  return closed;
}

}  // namespace brood
