#include "sync/event.hpp"

namespace brood {

Result<Event> Event::create(Holdings& holdings) {
  auto held = holdings.create(ObjectType::Event, sizeof(EventState));
  if (!held) return held.error().with_context("making an event");
  return Event(std::move(*held));
}

Result<Event> Event::from(Held held) {
  BROOD_TRY(expect(held, ObjectType::Event, sizeof(EventState), "an event's"));
  return Event(std::move(held));
}

void Event::set() const {
  std::atomic<uint64_t>& word = state().word;
  uint64_t seen = word.load(std::memory_order_relaxed);
  // The commit. An event that is set already wakes nobody: whoever looks sees it.
  do {
    if ((seen & 1) != 0) break;
  } while (
      !word.compare_exchange_weak(seen, ((seen >> 1) + 1) << 1 | 1, std::memory_order_seq_cst));
  // Always: the one who set it may have died before it woke anybody.
  waiters()->wake_all(members());
}

Status Event::wait(BellRack& rack, Deadline deadline, const CancelToken* cancel) const {
  const uint64_t before = state().word.load(std::memory_order_seq_cst) >> 1;
  return Waiter::current(rack).wait_on(
      *waiters(), deadline, cancel,
      [&] {
        const uint64_t now = state().word.load(std::memory_order_seq_cst);
        return (now & 1) != 0 || now >> 1 != before;
      },
      [] { return false; });
}

}  // namespace brood
