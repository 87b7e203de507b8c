// How the ends of a ring wait for each other. A wake costs as much as a hundred messages, and a
// cache line that both look at as much as several: so who waits lets some messages, or some room,
// come together while a stream of them is coming.
#include "channel/ring.hpp"

namespace brood {

namespace {

// How long a taker sleeps while the other end, on the same CPU, goes on: about what ten wakes cost.
// The kernel adds its own slack.
constexpr int64_t kNapNs = 50'000;
// How long a taker leaves alone what the other end, on another CPU, writes for each message.
constexpr int64_t kDelayNs = 2'000;
// So many messages at once make it worth while.
constexpr uint64_t kMany = 8;

}  // namespace

// ---- for something to take ---------------------------------------------------------------------

// Something may be there to take; Closed when there is nothing and never will be.
Status Ring::wait_for_item(const Deadline& deadline, const CancelToken* cancel,
                           const Ended& ended) {
  // Looked at before the items: what was put before the end is found by the look that follows.
  const bool over = tail_word().closed() || ended.is_over();
  if (has_something()) return {};
  if (over) return Error(Code::Closed);
  if (!deadline.is_now() && linger(deadline)) return {};
  return Waiter::current(*rack_).wait_on(
      shared_.takers, deadline, cancel,
      [&] { return has_something() || tail_word().closed() || ended.is_over(); },
      [] { return false; }, shared_.tail.cpu.load(std::memory_order_relaxed));
}

// Waits a moment for many, if that has been paying. True when something may be there by now.
bool Ring::linger(const Deadline& deadline) {
  const int there = shared_.tail.cpu.load(std::memory_order_relaxed);
  if (there < 0) return false;
  const bool one_cpu = there == platform::current_cpu();
  Lingering& lingering = one_cpu ? naps_ : delays_;
  if (!lingering.wanted()) return false;
  const uint64_t put_before = tail_word().items();
  if (one_cpu) {
    nap(deadline);
  } else {
    const auto end = Clock::now() + std::chrono::nanoseconds(kDelayNs);
    do {
      for (int turn = 0; turn < 8; ++turn) platform::cpu_relax();
    } while (Clock::now() < end);
  }
  // Others may have taken them meanwhile.
  const uint64_t come = tail_word().items() - put_before;
  lingering.note(come >= std::min(kMany, most_items_ / 2 + 1));
  return has_items();
}

// Sleeps without asking to be woken for each message. Who finds the ring full rings.
void Ring::nap(const Deadline& deadline) {
  Waiter& waiter = Waiter::current(*rack_);
  Registration place(&shared_.takers, arena().members(), me_, waiter.bell_id());
  place.list();
  waiter.nap(deadline.sooner(Deadline::at(Clock::now() + std::chrono::nanoseconds(kNapNs))));
}

// ---- for room ----------------------------------------------------------------------------------

// Only a hint: try_put() looks under the lock.
bool Ring::has_much_room(const Outgoing& item) const {
  const Passed tail = passed(shared_.tail);
  const Passed head = passed(shared_.head);
  const uint64_t items = tail.items - head.items;
  if (items == 0) return true;
  const uint64_t bytes = tail.bytes - head.bytes + item.size;
  return items < most_items_ - most_items_ / 16 && bytes <= most_bytes_ - most_bytes_ / 16;
}

Status Ring::wait_for_room(const Outgoing& item, const Deadline& deadline,
                           const CancelToken* cancel, const Ended& ended) {
  shared_.takers.ring_listed(arena().members());
  return Waiter::current(*rack_).wait_on(
      shared_.putters, deadline, cancel,
      [&] { return tail_word().closed() || has_much_room(item) || ended.is_over(); },
      [] { return false; }, shared_.head.cpu.load(std::memory_order_relaxed));
}

}  // namespace brood
