// The way of most messages through a ring: small, with nobody at the same end, in a segment that is
// known. It does what ring_put.cpp and ring_get.cpp do, in the same order, and leaves whatever is
// special to them: it waits for nothing, allocates nothing and has no errors.
#include <algorithm>

#include "channel/ring.hpp"

namespace brood {

namespace {

// An end's lock, if it is free.
class FreeLock {
 public:
  FreeLock(RingSide& side, MemberId me) : side_(side), cpu_(platform::current_cpu()) {
    held_ = side.lock.try_take(me, cpu_);
    if (held_ && side.cpu.load(std::memory_order_relaxed) != cpu_) {
      side.cpu.store(cpu_, std::memory_order_relaxed);
    }
  }
  bool held() const { return held_; }
  // Once, after it was held.
  void release(bool unfenced, WaiterSet& waiters, const Members& members) {
    unfenced ? side_.lock.release_unfenced() : side_.lock.release();
    waiters.wake_one(members);
  }

 private:
  RingSide& side_;
  const int cpu_;
  bool held_;
};

}  // namespace

inline bool Ring::write_quickly(const std::byte* data, uint64_t size, uint8_t codec) noexcept {
  RingSide& side = shared_.tail;
  const SideWord before{side.word.load(std::memory_order_relaxed)};
  Cursor cursor = cursor_of(side, before);
  const uint64_t used_bytes = cursor.bytes - known_head_.bytes;
  if (before.closed() || before.items() - known_head_.items >= most_items_ ||
      size > most_bytes_ - std::min(most_bytes_, used_bytes)) {
    return false;
  }
  side.pending.store(before.word, std::memory_order_relaxed);
  if (!append(cursor, data, size, codec)) return false;
  write_state(side, before, cursor);
  // The commit, as in try_put(). It fails if the ring was shut down meanwhile.
  uint64_t seen = before.word;
  return side.word.compare_exchange_strong(seen, before.after(1).word, std::memory_order_seq_cst);
}

bool Ring::put_quickly(const std::byte* data, uint64_t size, uint8_t codec) noexcept {
  FreeLock lock(shared_.tail, me_);
  if (!lock.held()) return false;
  const bool put = write_quickly(data, size, codec);
  const Members& members = arena().members();
  lock.release(unfenced_, shared_.tail_lock, members);
  // The commit was a fence: pairs with enlist().
  if (put) shared_.takers.wake_one(members);
  return put;
}

inline Message* Ring::take_quickly(bool& wake) noexcept {
  RingSide& side = shared_.head;
  const SideWord before{side.word.load(std::memory_order_relaxed)};
  if ((remember_ == Remember::Last && in_hand_ == nullptr) || available(before, 1) == 0) {
    return nullptr;
  }
  Cursor cursor = cursor_of(side, before);
  side.pending.store(before.word, std::memory_order_relaxed);
  Message* message = next_small(cursor);
  if (message == nullptr) return nullptr;
  if (remember_ == Remember::Last) in_hand_->store(before.items(), std::memory_order_relaxed);
  commit(before, cursor, 1);
  wake = bounded_ && before.items() + 1 >= side.wake_at.load(std::memory_order_relaxed);
  return message;
}

Message* Ring::get_quickly() noexcept {
  if (remember_ == Remember::All || has_returned()) return nullptr;
  FreeLock lock(shared_.head, me_);
  if (!lock.held()) return nullptr;
  bool wake = false;
  Message* message = take_quickly(wake);
  const Members& members = arena().members();
  lock.release(unfenced_, shared_.head_lock, members);
  if (wake) {
    // After the commit: pairs with enlist().
    std::atomic_thread_fence(std::memory_order_seq_cst);
    shared_.putters.wake(members, UINT64_MAX);
  }
  return message;
}

}  // namespace brood
