#include "sync/condition.hpp"

#include <algorithm>

namespace brood {

Result<Condition> Condition::create(Holdings& holdings, uint32_t waiters) {
  auto held = holdings.create(ObjectType::Condition, state_bytes(waiters));
  if (!held) return held.error().with_context("making a condition");
  reinterpret_cast<ConditionState*>(held->data())->waiters = waiters;
  return Condition(std::move(*held), waiters);
}

Result<Condition> Condition::from(Held held) {
  constexpr const char* kWhat = "a condition's";
  BROOD_TRY(expect(held, ObjectType::Condition, state_bytes(0), kWhat));
  const uint32_t places = reinterpret_cast<const ConditionState*>(held.data())->waiters;
  if (places > kMostWaiters) return Error(Code::Protocol, "the condition's handle is damaged");
  BROOD_TRY(expect(held, ObjectType::Condition, state_bytes(places), kWhat));
  return Condition(std::move(held), places);
}

uint32_t Condition::used() const {
  return std::min(state().used.load(std::memory_order_seq_cst), places_);
}

Condition::Place* Condition::claim(WaitWord mine) const {
  for (uint32_t index = 0; index < places_; ++index) {
    std::atomic<uint32_t>& used = state().used;
    uint32_t known = used.load(std::memory_order_seq_cst);
    // Before the place is taken: a signal looks at all that may be.
    while (known < index + 1 && !used.compare_exchange_weak(known, index + 1)) {
    }
    Place& place = state().places[index];
    const WaitWord seen{place.word.load(std::memory_order_seq_cst)};
    // A signal that the dead did not use is passed on first.
    const bool dead =
        seen.word != 0 && seen.state() != WaitWord::Signalled && members().is_gone(seen.member());
    if (seen.word != 0 && !dead) continue;
    uint64_t expected = seen.word;
    // One CAS takes the place and says whose it is.
    if (place.word.compare_exchange_strong(expected, mine.word, std::memory_order_seq_cst)) {
      return &place;
    }
  }
  return nullptr;
}

bool Condition::signal_first() const {
  for (;;) {
    Place* first = nullptr;
    WaitWord found;
    uint64_t lowest = UINT64_MAX;
    const uint32_t end = used();
    for (uint32_t index = 0; index < end; ++index) {
      Place& place = state().places[index];
      const WaitWord seen{place.word.load(std::memory_order_seq_cst)};
      if (seen.state() != WaitWord::Waiting || members().is_gone(seen.member())) continue;
      const uint64_t ticket = place.ticket.load(std::memory_order_relaxed);
      if (ticket >= lowest) continue;
      first = &place;
      found = seen;
      lowest = ticket;
    }
    if (first == nullptr) return false;
    uint64_t expected = found.word;
    // The commit. Fails when it gave up, or was signalled by another, just now.
    if (!first->word.compare_exchange_strong(expected, found.in(WaitWord::Signalled).word,
                                             std::memory_order_seq_cst)) {
      continue;
    }
    members().ring(found.bell());
    return true;
  }
}

uint32_t Condition::signal(uint32_t count) const {
  uint32_t signalled = 0;
  while (signalled < count && signal_first()) ++signalled;
  return signalled;
}

void Condition::pass_on_signals_of_the_dead(MemberId me) const {
  const uint32_t end = used();
  for (uint32_t index = 0; index < end; ++index) {
    std::atomic<uint64_t>& word = state().places[index].word;
    const WaitWord seen{word.load(std::memory_order_seq_cst)};
    if (seen.state() != WaitWord::Signalled || !members().is_gone(seen.member())) continue;
    // Ours first: if we die over it, it is a dead member's signal again.
    uint64_t expected = seen.word;
    const WaitWord ours = WaitWord::make(me, {}, WaitWord::Signalled);
    if (!word.compare_exchange_strong(expected, ours.word, std::memory_order_seq_cst)) continue;
    (void)signal_first();
    word.store(0, std::memory_order_seq_cst);
  }
}

Status Condition::wait(BellRack& rack, const LockView& lock, uint64_t owner, Deadline deadline,
                       const CancelToken* cancel) const {
  if (!lock.held(rack, owner)) {
    return Error(Code::State, "the caller does not hold the lock that goes with the condition");
  }
  Waiter& waiter = Waiter::current(rack);
  pass_on_signals_of_the_dead(rack.me());
  const WaitWord mine = WaitWord::make(rack.me(), waiter.bell_id(), WaitWord::Claimed);
  Place* place = claim(mine);
  if (place == nullptr) {
    return Error(Code::NoSpace, "the condition has places for " + std::to_string(places_) +
                                    " waiters, and all are taken");
  }
  const uint64_t ticket = state().tickets.fetch_add(1, std::memory_order_seq_cst) + 1;
  place->ticket.store(ticket, std::memory_order_relaxed);
  const uint64_t waiting = mine.in(WaitWord::Waiting).word;
  const uint64_t signalled = mine.in(WaitWord::Signalled).word;
  // From here on signals reach it. Before the lock is free.
  place->word.store(waiting, std::memory_order_seq_cst);
  const uint32_t depth = lock.release_all(rack);

  Status status = waiter.wait(deadline, cancel, [&] {
    if (place->word.load(std::memory_order_seq_cst) == signalled) return true;
    // Whoever was signalled may have died of it: the reaper rings everybody.
    pass_on_signals_of_the_dead(rack.me());
    return place->word.load(std::memory_order_seq_cst) == signalled;
  });
  if (!status) {
    uint64_t expected = waiting;
    // A signal came first after all: it must not be lost.
    if (!place->word.compare_exchange_strong(expected, 0, std::memory_order_seq_cst)) status = {};
  }
  // The signal stays in its place until the lock is there: who dies over that passes it on.
  const Status locked = lock.acquire_all(rack, owner, depth);
  if (status) place->word.store(0, std::memory_order_seq_cst);
  return locked ? status : locked;
}

}  // namespace brood
