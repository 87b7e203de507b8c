// Objects in the arena that any number of members hold and messages carry: what they begin with,
// and how their references are counted so that a death at any instruction leaves the count true.
//
// A reference is a word in shared memory that names the object. It lies in a RefList at the
// beginning of a heap piece with an owner: a message's chunk, or the list of what a member holds.
// The owner's death frees the piece, and with it the references. Count and word change together:
// the member first writes down what it is going to do (Intent), then changes the count by one CAS
// that leaves its name and the intent's number in the word, then the reference. Whoever overwrites
// a name first notes in that member's record that it was done ("helped"). So a reaper can always
// tell whether the CAS happened. The CAS that takes the last reference away marks the object as
// dying: exactly one member destroys it.
#pragma once

#include <atomic>
#include <cstdint>

#include "base/result.hpp"
#include "base/shared_pod.hpp"
#include "shm/arena.hpp"
#include "shm/waiter_set.hpp"

namespace brood {

enum class ObjectType : uint32_t {
  None = 0,
  Cancel = 1,
  Lock = 2,
  Semaphore = 3,
  Condition = 4,
  Event = 5,
  Barrier = 6,
  RwLock = 7,
  Shared = 8,
  Queue = 9,
  Pipe = 10,
  PipeEnd = 11,
};

// Names an object wherever it travels.
//   0   type
//   4   generation
//   8   arena's id (low 24 bits) << 40 | offset / 64
struct Handle {
  uint32_t type = 0;
  uint32_t generation = 0;
  uint64_t place = 0;

  Offset offset() const { return (place & ((uint64_t{1} << 40) - 1)) * kSmallestSlot; }
  uint32_t arena() const { return static_cast<uint32_t>(place >> 40); }
};
static_assert(SharedPod<Handle> && sizeof(Handle) == 16 &&
              kLargestArena / kSmallestSlot <= uint64_t{1} << 40);

//   63      48 47      36 35            4 3     1  0
//   +---------+----------+---------------+-------+---+
//   | count   | changer  | number        | 0     | D |     D: dying, by the changer
//   +---------+----------+---------------+-------+---+
struct LifeWord {
  uint64_t word = 0;

  static constexpr LifeWord make(uint64_t count, MemberSlot changer, uint32_t number,
                                 bool dying = false) {
    return {count << 48 | static_cast<uint64_t>(changer & 0xfff) << 36 |
            static_cast<uint64_t>(number) << 4 | static_cast<uint64_t>(dying)};
  }
  constexpr uint64_t count() const { return word >> 48; }
  constexpr MemberSlot changer() const { return (word >> 36) & 0xfff; }
  constexpr uint32_t number() const { return static_cast<uint32_t>(word >> 4); }
  constexpr bool dying() const { return (word & 1) != 0; }
};
inline constexpr uint64_t kMostReferences = 0xffff;

//   0    magic, type, generation
//   16   life
//   24   bytes      the size of what follows
//   32   returned   counts what came back from members that died (shm/parts)
//   40   has_parts
//   128  waiters
//   256  the object's own data
struct alignas(kFalseSharing) ObjectHeader {
  uint32_t magic;
  uint32_t type;
  uint32_t generation;
  std::atomic<uint64_t> life;
  uint64_t bytes;
  std::atomic<uint64_t> returned;
  uint32_t has_parts;
  alignas(kFalseSharing) WaiterSet waiters;
};
static_assert(SharedPod<ObjectHeader> && sizeof(ObjectHeader) == 256 &&
              offsetof(ObjectHeader, life) == 16 && offsetof(ObjectHeader, waiters) == 128);
inline constexpr uint32_t kObjectMagic = 0x6f626a31;

//   0   count    how many words follow
//   8   refs     an object's offset each, or 0
struct RefList {
  uint64_t count;
  std::atomic<Offset> refs[1];
};
static_assert(SharedPod<RefList> && sizeof(RefList) == 16);
constexpr size_t ref_list_bytes(uint64_t count) { return sizeof(uint64_t) * (count + 1); }

// The list at the beginning of a carrying piece; null when it claims more than the piece has room
// for.
RefList* ref_list_at(Arena& arena, Offset piece);

// The object that a handle names. Invalid with a story when it is of another family, or damaged;
// State when the object is gone. Only as good as the reference that the caller knows of.
Result<ObjectHeader*> find_object(Arena& arena, const Handle& handle);
Handle handle_of(Arena& arena, Offset object);
inline std::byte* object_data(ObjectHeader* header) {
  return reinterpret_cast<std::byte*>(header) + sizeof(ObjectHeader);
}

// Makes an object of `bytes` zeros with one reference, `ref`, a free word of a list that `me` owns.
// `lay_out` writes its data before anybody can name it; with one, it may have parts (shm/parts).
using LayOut = void (*)(std::byte* data, Offset object, const void* settings);
Result<Offset> create_object(Arena& arena, ObjectType type, size_t bytes, std::atomic<Offset>& ref,
                             MemberSlot me, LayOut lay_out = nullptr,
                             const void* settings = nullptr);
// Makes `ref`, a free word of a list that `me` owns, one more reference to an object that cannot go
// away meanwhile. NoSpace beyond 65535 references.
Status add_reference(Arena& arena, Offset object, std::atomic<Offset>& ref, MemberSlot me);
// Frees the word; the object goes with its last reference. Nothing happens if it is free already.
void drop_reference(Arena& arena, std::atomic<Offset>& ref, MemberSlot me);

// ---- for the reaper ----

// Completes what a dead member was doing to an object's count, or sees that nothing of it stays.
void settle_intent(Arena& arena, MemberSlot dead, MemberSlot by);
// Gives up all references of a carrying piece.
void drop_references(Arena& arena, Offset piece, MemberSlot by);
// The same, but leaves objects with parts that go with it to the caller's dismantle(): true when
// there are any.
bool give_up_references(Arena& arena, Offset piece, MemberSlot by);

}  // namespace brood
