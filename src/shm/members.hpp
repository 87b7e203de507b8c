// Who belongs to the family: a slot for each process that maps the arena, in shared memory. A slot
// goes
//
//   Free --reserve--> Reserved --join--> Live --mark_dead--> Dead --reaper--> Reaping --> Settled
//   --> Free
//
// with a new generation each time round. From Settled on nothing that the member did is under way
// any more, and what it held is there to be taken. Every step is one CAS on the state word, which
// also names who took it, so that a death on the way leaves nobody's slot.
#pragma once

#include <atomic>
#include <cstdint>

#include "base/result.hpp"
#include "base/shared_pod.hpp"
#include "shm/bell.hpp"
#include "shm/layout.hpp"

namespace brood {

enum class MemberState : uint8_t { Free = 0, Reserved, Live, Dead, Reaping, Settled };

//   63               32 31             20 19       8 7      0
//   +------------------+-----------------+----------+--------+
//   | generation       | 0               | by       | state  |     by: reserver, or the reaper
//   +------------------+-----------------+----------+--------+
struct MemberWord {
  uint64_t word = 0;

  static constexpr MemberWord make(uint32_t generation, MemberSlot by, MemberState state) {
    return {static_cast<uint64_t>(generation) << 32 | static_cast<uint64_t>(by & 0xfff) << 8 |
            static_cast<uint64_t>(state)};
  }
  constexpr uint32_t generation() const { return static_cast<uint32_t>(word >> 32); }
  constexpr MemberSlot by() const { return (word >> 8) & 0xfff; }
  constexpr MemberState state() const { return static_cast<MemberState>(word & 0xff); }
};

// One life of a slot.
struct MemberId {
  MemberSlot slot = kNobody;
  uint32_t generation = 0;
  bool operator==(const MemberId&) const = default;
};

// Names one bell of the family, in a word that fits where others register: 0 is none.
struct BellId {
  MemberSlot slot = kNobody;
  uint16_t index = 0;

  static constexpr BellId unpack(uint32_t word) {
    return {static_cast<MemberSlot>(word >> 16), static_cast<uint16_t>(word & 0xffff)};
  }
  constexpr uint32_t pack() const { return static_cast<uint32_t>(slot) << 16 | index; }
  constexpr explicit operator bool() const { return slot != kNobody; }
};

// A bell on a line of its own, and where the thread that sleeps on it ran last.
struct alignas(kCacheLine) BellSeat {
  Bell bell;
  std::atomic<int32_t> cpu;  // -1: unknown
};
static_assert(SharedPod<BellSeat> && sizeof(BellSeat) == 64);

inline constexpr uint16_t kBells = 48;
// Shared by all threads of a member that found no other; its W bit is never taken back by a
// sleeper.
inline constexpr uint16_t kCrowdBell = kBells - 1;

// What a member is about to do to the count of an object (shm/object), written before it does it.
struct Intent {
  // number << 1 | 1 while it is not finished. Only the member writes, only its reaper reads.
  std::atomic<uint64_t> active;
  std::atomic<Offset> object;
  std::atomic<Offset> ref;     // the word that will name the object, or cease to
  std::atomic<int64_t> delta;  // +1 or -1
  // The last number that somebody saw done, before he wrote his own name over it.
  std::atomic<uint64_t> helped;
};
static_assert(SharedPod<Intent> && sizeof(Intent) == 40);

//   0    state                      who and where
//   64   pid, start time, ...       written by its owner before it is Live
//   128  intent
//   1024 bells
struct Member {
  std::atomic<uint64_t> state;
  alignas(64) std::atomic<int64_t> pid;
  std::atomic<uint64_t> start_time;
  std::atomic<MemberSlot> host;           // who reserved it: takes what it had sent
  std::atomic<uint32_t> host_generation;  // so that a successor in that slot takes nothing
  std::atomic<Offset> result_tail;        // the word with the committed tail of its result lane
  std::atomic<uint32_t> bells_used;       // bells above were never slept on
  std::atomic<uint32_t> slots_used;       // in slot 0 only: slots above were never reserved
  std::atomic<uint32_t> orderly;          // it ended brood by itself: nobody misses it
  alignas(128) Intent intent;
  alignas(1024) BellSeat bells[kBells];
};
static_assert(SharedPod<Member> && sizeof(Member) == kMemberBytes && offsetof(Member, pid) == 64 &&
              offsetof(Member, intent) == 128 && offsetof(Member, bells) == 1024);

class Members {
 public:
  // `base` is where the arena is mapped, `fd` gives memory.
  Members(std::byte* base, int fd, const Layout& layout) : base_(base), fd_(fd), layout_(layout) {}
  Members(const Members&) = delete;
  Members& operator=(const Members&) = delete;

  uint32_t count() const { return layout_.members; }
  bool exists(MemberSlot slot) const { return slot < layout_.members; }

  // Takes a free slot for a process that `by` will start (kNobody: the caller itself). NoSpace.
  Result<MemberId> reserve(MemberSlot by);
  // Gives a reserved slot back that nobody joined.
  void cancel_reservation(MemberId id);
  // The process that the slot was reserved for is here. State when the reservation is gone.
  Status join(MemberId id, int64_t pid, uint64_t start_time);
  // The process has ended, or was given up before it joined. What it had is the reaper's from now
  // on.
  void mark_dead(MemberId id);

  MemberWord word(MemberSlot slot) const {
    // Pairs with the release CAS in join(): who sees Live sees pid and start time.
    return {at(slot).state.load(std::memory_order_acquire)};
  }
  MemberId id(MemberSlot slot) const { return {slot, word(slot).generation()}; }
  // True if that life of `host` reserved the place.
  bool is_hosted_by(MemberId id, MemberId host) const {
    const Member& member = at(id.slot);
    return member.host.load(std::memory_order_relaxed) == host.slot &&
           member.host_generation.load(std::memory_order_relaxed) == host.generation;
  }
  bool is_live(MemberId id) const {
    if (id.slot >= used()) return false;
    const MemberWord seen = word(id.slot);
    return seen.state() == MemberState::Live && seen.generation() == id.generation;
  }
  // Dead, and everything it had begun is finished or undone: what it held can be taken from it.
  bool is_gone(MemberId id) const {
    if (id.slot == kNobody || id.slot >= used()) return true;
    const MemberWord seen = word(id.slot);
    return seen.generation() != id.generation || seen.state() == MemberState::Settled ||
           seen.state() == MemberState::Free;
  }
  // Slots from here on were never taken, have no memory behind them and must not be looked at.
  MemberSlot used() const;
  // Where the reaper finds out which of the member's replies were committed: the tail word of its
  // result lane, which must stay where it is until the member is reaped. 0 is none.
  void set_result_tail(MemberSlot slot, Offset tail) {
    at(slot).result_tail.store(tail, std::memory_order_release);
  }

  // `slot` must exist; its page has memory once it was reserved.
  Member& at(MemberSlot slot) const {
    return *reinterpret_cast<Member*>(base_ + layout_.members_at + slot * kMemberBytes);
  }
  // Null for a name that nobody can have.
  BellSeat* seat(BellId id) const {
    return id && id.slot < used() && id.index < kBells ? &at(id.slot).bells[id.index] : nullptr;
  }
  // Signal handlers may ring.
  void ring(BellId id) const {
    if (BellSeat* seat = this->seat(id)) seat->bell.ring();
  }
  // Wakes every thread of every member that may sleep: what a dead one owed them.
  void ring_everybody() const;
  // The same for those whose bells say that they sleep. Signal handlers may call it.
  void ring_all() const;

  // For the reaper. Takes a dead member's slot to reap it; false when it is free already, alive, or
  // another living reaper has it.
  bool begin_reaping(MemberSlot slot, MemberSlot reaper);
  // Everything it had begun is settled. Before the waiters are rung.
  void settle(MemberSlot slot, MemberSlot reaper);
  void end_reaping(MemberSlot slot, MemberSlot reaper);
  // What the dead member had begun with other slots: reservations, reapings.
  void release_held_by(MemberSlot dead);

 private:
  Status make_room_for(MemberSlot slot);
  bool change(MemberSlot slot, MemberWord from, MemberWord to);

  std::byte* base_;
  int fd_;
  Layout layout_;
};

}  // namespace brood
