// Pieces of the heap that are parts of an object: a queue's segments and messages. They live no
// longer than it does. A piece becomes a part, or ceases to be one, together with the commit of one
// of the object's ring sides (shm/ring_side): under the side's lock its tag says Joining or Leaving
// before, and what it is then after. If the member dies in between, its reaper reads off the side
// which of the two holds.
#pragma once

#include <atomic>

#include "base/result.hpp"
#include "shm/arena.hpp"
#include "shm/object.hpp"
#include "shm/ring_side.hpp"

namespace brood {

// What a leased piece begins with: an item that a member took and may have to give back.
//   0   side     whose item it is
//   8   number   of the item there: while the side has not passed it, nothing was taken
struct Lease {
  std::atomic<Offset> side;
  std::atomic<uint64_t> number;
};
static_assert(SharedPod<Lease> && sizeof(Lease) == 16);

class Parts {
 public:
  // For the object that `side` belongs to.
  Parts(Arena& arena, MemberSlot me, const RingSide& side)
      : arena_(arena), me_(me), side_(arena.offset_of(&side)), object_(side.object.load()) {}

  // Before the commit, with the side's lock and `pending` written.
  bool join(Offset piece) { return change(piece, TagState::Owned, me_, TagState::Joining, me_); }
  // The part may still be in the hands of the one who put it in at `from`. State when it is no
  // part.
  bool leave(Offset piece, const RingSide& from);
  bool finish(Offset piece) {
    return change(piece, TagState::Leased, me_, TagState::Finishing, me_);
  }
  bool finish_returned(Offset piece) {
    return change(piece, TagState::Returned, kNobody, TagState::Finishing, me_);
  }
  // After it.
  void joined(Offset piece) { change(piece, TagState::Joining, me_, TagState::Kept, kNobody); }
  void left(Offset piece) { change(piece, TagState::Leaving, me_, TagState::Owned, me_); }
  void finished(Offset piece) { change(piece, TagState::Finishing, me_, TagState::Owned, me_); }
  // Instead of it.
  void not_joined(Offset piece) { change(piece, TagState::Joining, me_, TagState::Owned, me_); }
  void not_left(Offset piece) { change(piece, TagState::Leaving, me_, TagState::Kept, kNobody); }
  void not_finished(Offset piece) {
    change(piece, TagState::Finishing, me_, TagState::Leased, me_);
  }

  // A piece of our own that begins with a Lease becomes a lease; one that came back becomes ours;
  // ours is given back; and the end of one of which nothing is to be told.
  bool lease(Offset piece) { return change(piece, TagState::Owned, me_, TagState::Leased, me_); }
  bool lease_again(Offset piece) {
    return change(piece, TagState::Returned, kNobody, TagState::Leased, me_);
  }
  bool give_back(Offset piece) {
    return change(piece, TagState::Leased, me_, TagState::Returned, kNobody);
  }
  bool drop_lease(Offset piece) {
    return change(piece, TagState::Leased, me_, TagState::Owned, me_);
  }

 private:
  // Whether a tag in this state names the side; the others name the object.
  static bool names_side(TagState state) {
    return state == TagState::Joining || state == TagState::Leaving || state == TagState::Finishing;
  }
  uint64_t aux(TagState state) const {
    if (state == TagState::Owned) return 0;
    return (names_side(state) ? side_ : object_) / kSmallestSlot;
  }
  bool change(Offset piece, TagState from, MemberSlot from_owner, TagState to, MemberSlot to_owner);

  Arena& arena_;
  const MemberSlot me_;
  const Offset side_;
  const Offset object_;
};

// Makes a piece of `me` a part at once: of an object that nobody else knows yet.
bool keep_part(Arena& arena, Offset piece, Offset object, MemberSlot me);

// Calls `visit(piece)` for what came back to the object from members that died.
template <class Visit>
void visit_returned(Arena& arena, Offset object, Visit&& visit) {
  arena.heap().visit_pieces([&](Offset piece, Tag tag) {
    if (tag.state() == TagState::Returned && tag.place() == object) visit(piece);
  });
}

// ---- for who destroys an object, and the reaper ----

// An object that has parts lost its last reference to `by`: it is `by`'s to take apart. False when
// it was given up before.
bool begin_dying(Arena& arena, Offset object, MemberSlot by);
// Frees every dying object of `by`, its parts, and what went with these.
void dismantle(Arena& arena, MemberSlot by);
// Settles what `dead` had begun with parts, before its locks are free; its leases go back.
void settle_parts(Arena& arena, MemberSlot dead, MemberSlot by);

}  // namespace brood
