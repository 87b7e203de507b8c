// The word that says what a piece of the heap is and whose. Every change of ownership is one CAS on
// it, which names the new owner: there is no instant at which a piece belongs to nobody and is not
// free.
//
//   63    60 59      48 47  46                                            0
//   +-------+----------+---+----------------------------------------------+
//   | state | owner    | C | aux                                          |
//   +-------+----------+---+----------------------------------------------+
//
//   state     owner             aux
//   Free      0                 0               the whole word is 0
//   Owned     member            0
//   Sending   sender            position of the record that carries it in the sender's result lane
//   Queued    who will take it  the same position
//   Object    0                 0               lives as long as its ObjectHeader counts references
//   Region    home or 0         size class      a block cut into small slots
//   Closing   closer            size class      a region that is being given back, if it is empty
//   Part      claimer           head's block    a block of a large run, or claimed for one
//   Freeing   who frees it      0               a large run's head: free, its parts not all yet
//   Dying     who destroys it   0               an object without references, until its parts are
//   gone
//
// A piece can also be part of an object, and then lives no longer than it; see shm/parts. Here aux
// is a place / 64:
//
//   Kept      0                 object          the object's
//   Joining   member            side            a member's, until the side's next commit: Kept then
//   Leaving   member            side            Kept, until the side's next commit: the member's
//   then Leased    member            object          a member's, and back to the object if that one
//   dies Finishing member            side            Leased, until the side's next commit: the
//   member's Returned  0                 object          was leased to a member that died, or gave
//   it back
//
// C: the piece begins with a RefList (shm/object), whose references are given up with it.
#pragma once

#include <cstdint>

#include "shm/layout.hpp"

namespace brood {

enum class TagState : uint8_t {
  Free = 0,
  Owned,
  Sending,
  Queued,
  Object,
  Region,
  Closing,
  Part,
  Freeing,
  Dying,
  Kept,
  Joining,
  Leaving,
  Leased,
  Finishing,
  Returned,
};

class Tag {
 public:
  static constexpr int kAuxBits = 47;
  static constexpr uint64_t kAuxMask = (uint64_t{1} << kAuxBits) - 1;

  constexpr Tag() = default;
  constexpr explicit Tag(uint64_t word) : word_(word) {}
  constexpr Tag(TagState state, MemberSlot owner, uint64_t aux = 0, bool carries = false)
      : word_(static_cast<uint64_t>(state) << 60 | static_cast<uint64_t>(owner & 0xfff) << 48 |
              static_cast<uint64_t>(carries) << kAuxBits | (aux & kAuxMask)) {}

  constexpr uint64_t word() const { return word_; }
  constexpr TagState state() const { return static_cast<TagState>(word_ >> 60); }
  constexpr MemberSlot owner() const { return (word_ >> 48) & 0xfff; }
  constexpr bool carries() const { return (word_ >> kAuxBits & 1) != 0; }
  constexpr uint64_t aux() const { return word_ & kAuxMask; }
  constexpr bool is(TagState state, MemberSlot owner) const {
    return this->state() == state && this->owner() == owner;
  }
  // The first block of a large piece that somebody can name.
  constexpr bool is_piece() const {
    return (state() >= TagState::Owned && state() <= TagState::Object) ||
           state() >= TagState::Dying;
  }
  // The place that aux means, of a piece that has to do with an object.
  constexpr Offset place() const { return aux() * kSmallestSlot; }

 private:
  uint64_t word_ = 0;
};
static_assert(kMostMembers - 1 <= 0xfff && Tag().state() == TagState::Free);

// True if a record at `position` is committed in a lane whose tail is `tail`. Tags keep the low
// bits of a position; a lane is far smaller than half of what they count.
constexpr bool position_committed(uint64_t position, uint64_t tail) {
  const uint64_t ahead = (tail - position) & Tag::kAuxMask;
  return ahead != 0 && ahead < (Tag::kAuxMask >> 1);
}

}  // namespace brood
