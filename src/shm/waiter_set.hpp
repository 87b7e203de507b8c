// Who wants to be rung when an object in shared memory changes: places that each name one bell, and
// a bit for each place that says whether its bearer still wants a wake.
//
//   0   wanting   bit i: the bearer of place i sleeps, or is about to, and nobody has woken it yet
//                 bit 31 (crowd): someone found no place; ring every bell of every member
//   4   turn      where the next wake begins to look, so that no place starves; a hint
//   8   bells     15 places: generation << 32 | BellId, or 0
//
// A waiter takes a place by one CAS that names it, sets its bit, then looks at the object, then
// sleeps. Whoever changes the object commits first, then looks at `wanting`: nothing is done when
// it is 0. A wake is the taking of a bit by one RMW: so no two wakes go to the same sleeper, and
// one wakes one. A bearer that leaves and finds its bit taken was woken, whether it needed that or
// not: it passes the wake on when there is something left for another. There are no counts that a
// killed waiter would leave wrong: a place names its bearer's generation, so that the dead one's is
// known as stale; and a wake that went to the dead, or that the dead owed, is made good by the
// reaper, who rings everybody: the living look again, and set their bits again. Checked by
// tests/model/waiters.pml.
#pragma once

#include <atomic>
#include <cstdint>

#include "base/shared_pod.hpp"
#include "shm/members.hpp"

namespace brood {

class WaiterSet {
 public:
  static constexpr int kPlaces = 15;

  // After a sequentially consistent RMW or fence that made something ready. Wakes one waiter, if
  // there is one. Any thread, any member, signal handlers.
  void wake_one(const Members& members) {
    // Pairs with Registration::enlist(), which sets the bit first and looks at the object then.
    if (wanting_.load(std::memory_order_seq_cst) != 0) wake_next(members);
  }
  // The same for up to `count` of them.
  void wake(const Members& members, uint64_t count) {
    while (count-- > 0 && wanting_.load(std::memory_order_seq_cst) != 0) {
      if (!wake_next(members)) return;
    }
  }
  // The same for all of them.
  void wake_all(const Members& members) {
    if (wanting_.load(std::memory_order_seq_cst) != 0) wake_everyone(members);
  }
  // Rings all who have a place, whether they asked for a wake or only for this
  // (Registration::list).
  void ring_listed(const Members& members) {
    for (int index = 0; index < kPlaces; ++index) (void)ring_place(members, index);
  }
  // Someone may want a wake.
  bool anyone() const { return wanting_.load(std::memory_order_seq_cst) != 0; }
  // Someone found no place. Until the crowd is woken.
  bool crowded() const { return (wanting_.load(std::memory_order_seq_cst) & kCrowd) != 0; }
  bool empty() const {
    for (const auto& place : bells_) {
      if (place.load(std::memory_order_seq_cst) != 0) return false;
    }
    return true;
  }

 private:
  friend class Registration;
  static constexpr uint32_t kCrowd = uint32_t{1} << 31;

  bool wake_next(const Members& members);
  void wake_everyone(const Members& members);
  bool ring_place(const Members& members, int index);

  std::atomic<uint32_t> wanting_;
  std::atomic<uint32_t> turn_;
  std::atomic<uint64_t> bells_[kPlaces];
};
static_assert(SharedPod<WaiterSet> && sizeof(WaiterSet) == 128);

// One thread's place in a set, from its first enlist() to leave(). The set must outlive it.
class Registration {
 public:
  // Nothing is registered with `set` null. `fence_others`: for what others change without a fence
  // of their own before they look at the set.
  Registration(WaiterSet* set, const Members& members, MemberId me, BellId bell,
               bool fence_others = false)
      : set_(set),
        members_(members),
        fence_others_(fence_others),
        word_(static_cast<uint64_t>(me.generation) << 32 | bell.pack()) {}
  ~Registration() { (void)leave(); }
  Registration(const Registration&) = delete;
  Registration& operator=(const Registration&) = delete;

  // Makes sure that the next change rings the bell. Call it each time before the look that comes
  // before a sleep.
  void enlist() {
    if (set_ == nullptr) return;
    // While the bit stands nobody has rung for it, and it was set before this look.
    if ((set_->wanting_.load(std::memory_order_seq_cst) & bit_) == 0) enlist_anew();
  }
  // Takes a place, if there is one, without asking for a wake.
  void list() {
    if (set_ != nullptr && place_ < 0) (void)take_place();
  }
  // Gives the place back. True when a wake was meant for this bearer.
  [[nodiscard]] bool leave();

 private:
  void enlist_anew();
  bool take_place();

  WaiterSet* set_;
  const Members& members_;
  const bool fence_others_;
  const uint64_t word_;
  int place_ = -1;
  uint32_t bit_ = 0;
};

}  // namespace brood
