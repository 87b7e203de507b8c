#include "shm/heap.hpp"

#include <cstring>

#include "platform/platform.hpp"
#include "shm/poison.hpp"

namespace brood {

namespace {

Error no_such_piece(Offset offset) {
  return Error(Code::State, "there is no memory to give back or hand over at " +
                                std::to_string(offset) + ": freed before, or never taken");
}

Error not_yours(Offset offset, Tag tag) {
  return Error(Code::State, "the memory at " + std::to_string(offset) + " is in state " +
                                std::to_string(static_cast<int>(tag.state())) + " and of member " +
                                std::to_string(tag.owner()) + ": freed before, or somebody else's");
}

int class_for(size_t bytes) {
  // The classes are few and the small ones are asked for most.
  for (int index = 0; index < kSizeClasses; ++index) {
    if (bytes <= kClassBytes[static_cast<size_t>(index)]) return index;
  }
  return -1;
}

}  // namespace

Heap::Heap(std::byte* base, int fd, const Layout& layout)
    : base_(base),
      fd_(fd),
      layout_(layout),
      control_(reinterpret_cast<HeapControl*>(base + layout.control_at)),
      records_(reinterpret_cast<BlockRecord*>(base + layout.records_at)),
      tags_(reinterpret_cast<std::atomic<uint64_t>*>(base + layout.tags_at)) {}

uint32_t Heap::ready() const {
  // Pairs with the release in make_records_ready(): the memory was there before the number. What
  // another process wrote is never believed beyond the table's end.
  return std::min(control_->records_ready.load(std::memory_order_acquire), layout_.blocks);
}

Result<Offset> Heap::allocate(size_t bytes, MemberSlot owner) {
  const int size_class = class_for(bytes);
  return size_class >= 0 ? allocate_small(size_class, owner) : allocate_large(bytes, owner);
}

Result<Offset> Heap::allocate_zeroed(size_t bytes, MemberSlot owner) {
  auto offset = allocate(bytes, owner);
  // Fresh memory is zero anyway, but nobody says which it is; its first touch costs far more than
  // this.
  if (offset) std::memset(base_ + *offset, 0, bytes);
  return offset;
}

Heap::Place Heap::find(Offset offset) const {
  Place place;
  if (offset < layout_.data_at) return place;
  const uint64_t inside = offset - layout_.data_at;
  if (inside / kBlockBytes >= ready()) return place;
  place.block = static_cast<uint32_t>(inside / kBlockBytes);
  const auto within = static_cast<uint32_t>(inside % kBlockBytes);

  BlockRecord& block = record(place.block);
  // Pairs with the commit of a region or run: its class or length was there before.
  const Tag tag(block.tag.load(std::memory_order_acquire));
  if (tag.state() == TagState::Region || tag.state() == TagState::Closing) {
    if (tag.aux() >= kSizeClasses) return place;
    const int size_class = static_cast<int>(tag.aux());
    const uint32_t slot_bytes = kClassBytes[tag.aux()];
    const uint32_t index = within / slot_bytes;
    if (index * slot_bytes != within || index >= slots_in_region(size_class)) return place;
    place.size_class = size_class;
    place.tag = &slot_tag(place.block, index);
  } else if (within == 0 && tag.is_piece()) {
    place.tag = &block.tag;
  }
  return place;
}

Tag Heap::tag_of(Offset offset) const {
  const Place place = find(offset);
  // Pairs with hand(): who sees the new owner sees what the old one wrote.
  return place.tag == nullptr ? Tag() : Tag(place.tag->load(std::memory_order_acquire));
}

size_t Heap::size_of(Offset offset) const {
  const Place place = find(offset);
  if (place.tag == nullptr || place.tag->load(std::memory_order_acquire) == 0) return 0;
  if (place.size_class >= 0) return kClassBytes[static_cast<size_t>(place.size_class)];
  // Bounded here: it comes from another process.
  const uint32_t run = record(place.block).run.load(std::memory_order_relaxed);
  return std::min(run, layout_.blocks - place.block) * kBlockBytes;
}

Status Heap::hand(Offset offset, Tag from, Tag to) {
  const Place place = find(offset);
  if (place.tag == nullptr) return no_such_piece(offset);
  uint64_t seen = from.word();
  // Release: the bytes are there for the new owner, whose take() or tag_of() acquires them.
  // Acquire: the last owner's reads and writes are over.
  if (!place.tag->compare_exchange_strong(seen, to.word(), std::memory_order_acq_rel)) {
    return not_yours(offset, Tag(seen));
  }
  return {};
}

bool Heap::change_tag(Offset offset, Tag from, Tag to) { return hand(offset, from, to).ok(); }

Status Heap::begin_send(Offset offset, MemberSlot owner, uint64_t position) {
  const Tag tag = tag_of(offset);
  if (!tag.is(TagState::Owned, owner)) return not_yours(offset, tag);
  return hand(offset, tag, Tag(TagState::Sending, owner, position, tag.carries()));
}

Status Heap::take(Offset offset, MemberSlot from, MemberSlot owner) {
  for (;;) {
    const Tag tag = tag_of(offset);
    const bool sent = tag.is(TagState::Sending, from) || tag.is(TagState::Queued, owner);
    if (!sent) return not_yours(offset, tag);
    // Fails when the sender's reaper makes it Queued just now; then that is taken.
    if (change_tag(offset, tag, Tag(TagState::Owned, owner, 0, tag.carries()))) return {};
  }
}

Status Heap::mark_carrying(Offset offset, MemberSlot owner) {
  return hand(offset, Tag(TagState::Owned, owner), Tag(TagState::Owned, owner, 0, true));
}

Status Heap::make_object(Offset offset, MemberSlot owner) {
  return hand(offset, Tag(TagState::Owned, owner), Tag(TagState::Object, kNobody));
}

Status Heap::free(Offset offset, MemberSlot owner) {
  const Tag tag = tag_of(offset);
  if (!tag.is(TagState::Owned, owner)) return not_yours(offset, tag);
  return release(offset, tag, owner);
}

Status Heap::free_object(Offset offset, MemberSlot by) {
  return release(offset, Tag(TagState::Object, kNobody), by);
}

Status Heap::free_dying(Offset offset, MemberSlot by) {
  return release(offset, Tag(TagState::Dying, by), by);
}

Status Heap::release(Offset offset, Tag expected, MemberSlot by) {
  const Place place = find(offset);
  if (place.tag == nullptr) return no_such_piece(offset);
  uint64_t seen = place.tag->load(std::memory_order_relaxed);
  if (seen != expected.word()) return not_yours(offset, Tag(seen));
  // An object's header says who destroys it, until its tag is free.
  if (expected.state() != TagState::Object) poison_freed(base_ + offset, size_of(offset));
  const bool small = place.size_class >= 0;
  const Tag freed = small ? Tag() : Tag(TagState::Freeing, by);
  // The commit: from here on it is free. Sequentially consistent for small slots, because
  // note_free_slot() looks at the region's flag next, and take_from_region() the other way round.
  if (!place.tag->compare_exchange_strong(seen, freed.word(), std::memory_order_seq_cst)) {
    return not_yours(offset, Tag(seen));
  }
  if (small) {
    const uint64_t within = (offset - layout_.data_at) % kBlockBytes;
    const auto index =
        static_cast<uint32_t>(within / kClassBytes[static_cast<size_t>(place.size_class)]);
    note_free_slot(place.block, index, place.size_class, by);
  } else {
    give_back_above_limit(place.block);
    finish_free(place.block);
  }
  return {};
}

uint64_t Heap::live_bytes() const {
  uint64_t bytes = 0;
  visit_pieces([&](Offset offset, Tag) { bytes += size_of(offset); });
  return bytes;
}

}  // namespace brood
