#include "shm/waiter_set.hpp"

#include <bit>

#include "platform/platform.hpp"

namespace brood {

namespace {

MemberId member_of(uint64_t word) {
  return {BellId::unpack(static_cast<uint32_t>(word)).slot, static_cast<uint32_t>(word >> 32)};
}

}  // namespace

bool WaiterSet::ring_place(const Members& members, int index) {
  const uint64_t word = bells_[index].load(std::memory_order_seq_cst);
  // Left, or died, with its bit set: nobody is there to be woken.
  if (word == 0 || !members.is_live(member_of(word))) return false;
  members.ring(BellId::unpack(static_cast<uint32_t>(word)));
  return true;
}

bool WaiterSet::wake_next(const Members& members) {
  const uint32_t turn = turn_.fetch_add(1, std::memory_order_relaxed) % 32;
  for (;;) {
    const uint32_t wanting = wanting_.load(std::memory_order_seq_cst);
    if (wanting == 0) return false;
    const int index =
        (std::countr_zero(std::rotr(wanting, static_cast<int>(turn))) + static_cast<int>(turn)) %
        32;
    const uint32_t bit = uint32_t{1} << index;
    // The wake belongs to whoever takes the bit.
    if ((wanting_.fetch_and(~bit, std::memory_order_seq_cst) & bit) == 0) continue;
    if (bit == kCrowd) {
      members.ring_all();
      return true;
    }
    if (index < kPlaces && ring_place(members, index)) return true;
  }
}

void WaiterSet::wake_everyone(const Members& members) {
  const uint32_t wanting = wanting_.exchange(0, std::memory_order_seq_cst);
  for (int index = 0; index < kPlaces; ++index) {
    if ((wanting >> index & 1) != 0) (void)ring_place(members, index);
  }
  if ((wanting & kCrowd) != 0) members.ring_all();
}

bool Registration::take_place() {
  for (int index = 0; index < WaiterSet::kPlaces; ++index) {
    std::atomic<uint64_t>& place = set_->bells_[index];
    uint64_t seen = place.load(std::memory_order_relaxed);
    if (seen != 0 && members_.is_live(member_of(seen))) continue;
    // One CAS takes the place and says whose it is.
    if (!place.compare_exchange_strong(seen, word_, std::memory_order_seq_cst)) continue;
    place_ = index;
    bit_ = uint32_t{1} << index;
    return true;
  }
  return false;
}

void Registration::enlist_anew() {
  // One of the crowd looks for a place each time it is up.
  if (place_ < 0 && !take_place()) bit_ = WaiterSet::kCrowd;
  set_->wanting_.fetch_or(bit_, std::memory_order_seq_cst);
  // For looks that are no sequentially consistent loads.
  std::atomic_thread_fence(std::memory_order_seq_cst);
  // Where this fails the waiter does not sleep for long (wait_for_holders).
  if (fence_others_) (void)platform::fence_everybody();
}

bool Registration::leave() {
  if (set_ == nullptr || bit_ == 0) return false;
  if (place_ < 0) {
    // The crowd's bit is everybody's: it stays, and costs the next wake a round of bells.
    bit_ = 0;
    return true;
  }
  const bool woken = (set_->wanting_.fetch_and(~bit_, std::memory_order_seq_cst) & bit_) == 0;
  uint64_t mine = word_;
  // Fails when somebody took this thread for dead, which the next bearer of the place must not
  // suffer.
  set_->bells_[place_].compare_exchange_strong(mine, 0, std::memory_order_release);
  place_ = -1;
  bit_ = 0;
  return woken;
}

}  // namespace brood
