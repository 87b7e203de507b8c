#include "shm/parts.hpp"

#include <mutex>

namespace brood {

namespace {

// Null for what is no ring side of a living object: the tag comes from another process.
RingSide* side_at(Arena& arena, Offset at) {
  if (at % kSmallestSlot != 0) return nullptr;
  return reinterpret_cast<RingSide*>(arena.at(at, sizeof(RingSide)));
}

ObjectHeader* living_object(Arena& arena, Offset object) {
  if (arena.heap().tag_of(object).state() != TagState::Object) return nullptr;
  return reinterpret_cast<ObjectHeader*>(arena.at(object, sizeof(ObjectHeader)));
}

Tag part_of(TagState state, Offset object, Tag before) {
  return Tag(state, kNobody, object / kSmallestSlot, before.carries());
}

// Where a piece belongs that `dead` had in transit.
Tag settled(Arena& arena, MemberSlot dead, Tag tag) {
  const Tag owned(TagState::Owned, dead, 0, tag.carries());
  const RingSide* side = side_at(arena, tag.place());
  if (side == nullptr) return owned;
  const Offset object = side->object.load(std::memory_order_relaxed);
  const bool committed = side_committed(*side);
  if (tag.state() == TagState::Joining) {
    return committed ? part_of(TagState::Kept, object, tag) : owned;
  }
  if (committed) return owned;
  return part_of(tag.state() == TagState::Leaving ? TagState::Kept : TagState::Returned, object,
                 tag);
}

// A lease of `dead` goes back, if the item was ever taken.
Tag settled_lease(Arena& arena, MemberSlot dead, Offset piece, Tag tag) {
  const auto* lease = reinterpret_cast<const Lease*>(arena.at(piece, sizeof(Lease)));
  const RingSide* side = side_at(arena, lease->side.load(std::memory_order_relaxed));
  const bool taken = side != nullptr &&
                     side->object.load(std::memory_order_relaxed) == tag.place() &&
                     SideWord{side->word.load(std::memory_order_acquire)}.items() >
                         lease->number.load(std::memory_order_relaxed);
  if (taken && living_object(arena, tag.place()) != nullptr) {
    return part_of(TagState::Returned, tag.place(), tag);
  }
  return Tag(TagState::Owned, dead, 0, tag.carries());
}

}  // namespace

bool Parts::change(Offset piece, TagState from, MemberSlot from_owner, TagState to,
                   MemberSlot to_owner) {
  Heap& heap = arena_.heap();
  const Tag tag = heap.tag_of(piece);
  if (!tag.is(from, from_owner) || tag.aux() != aux(from)) return false;
  return heap.change_tag(piece, tag, Tag(to, to_owner, aux(to), tag.carries()));
}

bool Parts::leave(Offset piece, const RingSide& from) {
  Heap& heap = arena_.heap();
  const uint64_t joining = arena_.offset_of(&from) / kSmallestSlot;
  for (;;) {
    const Tag tag = heap.tag_of(piece);
    const bool kept = tag.state() == TagState::Kept && tag.aux() == aux(TagState::Kept);
    if (!kept && (tag.state() != TagState::Joining || tag.aux() != joining)) return false;
    // Fails when the one who put it in, or his reaper, makes it Kept just now; then that is taken.
    const Tag leaving(TagState::Leaving, me_, aux(TagState::Leaving), tag.carries());
    if (heap.change_tag(piece, tag, leaving)) return true;
  }
}

bool keep_part(Arena& arena, Offset piece, Offset object, MemberSlot me) {
  const Tag tag = arena.heap().tag_of(piece);
  return tag.is(TagState::Owned, me) &&
         arena.heap().change_tag(piece, tag, part_of(TagState::Kept, object, tag));
}

bool begin_dying(Arena& arena, Offset object, MemberSlot by) {
  return arena.heap().change_tag(object, Tag(TagState::Object, kNobody), Tag(TagState::Dying, by));
}

void settle_parts(Arena& arena, MemberSlot dead, MemberSlot by) {
  Heap& heap = arena.heap();
  heap.visit_pieces([&](Offset piece, Tag tag) {
    if (tag.owner() != dead) return;
    switch (tag.state()) {
      case TagState::Joining:
      case TagState::Leaving:
      case TagState::Finishing:
        // Fails if a living member takes it out just now: then it is that one's.
        heap.change_tag(piece, tag, settled(arena, dead, tag));
        break;
      case TagState::Leased:
        heap.change_tag(piece, tag, settled_lease(arena, dead, piece, tag));
        break;
      case TagState::Dying:
        heap.change_tag(piece, tag, Tag(TagState::Dying, by));
        break;
      default:
        break;
    }
  });
  // After the tags: a reaper that is killed in between is followed by one that comes here again.
  heap.visit_pieces([&](Offset, Tag tag) {
    if (tag.state() != TagState::Returned) return;
    if (ObjectHeader* object = living_object(arena, tag.place())) {
      object->returned.fetch_add(1, std::memory_order_seq_cst);
    }
  });
}

void dismantle(Arena& arena, MemberSlot by) {
  // One thread at a time: a piece that was freed may be another object's before the next look.
  std::lock_guard lock(arena.dismantling());
  Heap& heap = arena.heap();
  for (;;) {
    Offset object = 0;
    heap.visit_pieces([&](Offset piece, Tag tag) {
      if (tag.is(TagState::Dying, by)) object = piece;
    });
    if (object == 0) return;
    heap.visit_pieces([&](Offset piece, Tag tag) {
      const bool part = tag.state() == TagState::Kept || tag.state() == TagState::Returned;
      if (!part || tag.place() != object) return;
      if (!heap.change_tag(piece, tag, Tag(TagState::Owned, by, 0, tag.carries()))) return;
      // Objects that go with it are found by the next round: queues in queues need no deep stack.
      if (tag.carries()) (void)give_up_references(arena, piece, by);
      (void)heap.free(piece, by);
    });
    (void)heap.free_dying(object, by);
  }
}

}  // namespace brood
