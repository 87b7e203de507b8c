#include "sync/semaphore.hpp"

namespace brood {

Result<Semaphore> Semaphore::create(Holdings& holdings, uint32_t value, uint32_t limit,
                                    bool owned) {
  auto held = holdings.create(ObjectType::Semaphore, state_bytes(owned ? limit : 0));
  if (!held) return held.error().with_context("making a semaphore");
  auto* state = reinterpret_cast<SemaphoreState*>(held->data());
  state->value.store(value, std::memory_order_relaxed);
  state->limit = limit;
  state->owned = owned;
  return Semaphore(std::move(*held), limit, owned);
}

Result<Semaphore> Semaphore::from(Held held) {
  constexpr const char* kWhat = "a semaphore's";
  BROOD_TRY(expect(held, ObjectType::Semaphore, state_bytes(0), kWhat));
  const auto* state = reinterpret_cast<const SemaphoreState*>(held.data());
  const uint32_t limit = state->limit;
  const bool owned = state->owned != 0;
  if (owned) {
    if (limit > kMostOwned) return Error(Code::Protocol, "the semaphore's handle is damaged");
    BROOD_TRY(expect(held, ObjectType::Semaphore, state_bytes(limit), kWhat));
  }
  return Semaphore(std::move(held), limit, owned);
}

bool Semaphore::try_own(MemberId me) const {
  for (uint32_t index = 0; index < limit_; ++index) {
    const OwnerWord seen = permit(index).look();
    if (!seen.free() && !members().is_gone(seen.holder())) continue;
    if (permit(index).take_from(seen, me, platform::current_cpu())) return true;
  }
  return false;
}

bool Semaphore::try_acquire(MemberId me) const {
  if (owned_) return try_own(me);
  std::atomic<uint32_t>& value = state().value;
  uint32_t seen = value.load(std::memory_order_seq_cst);
  while (seen > 0) {
    // The commit. Acquire: what was done before the release.
    if (value.compare_exchange_weak(seen, seen - 1, std::memory_order_seq_cst)) return true;
  }
  return false;
}

Status Semaphore::acquire(BellRack& rack, Deadline deadline, const CancelToken* cancel) const {
  if (try_acquire(rack.me())) return {};
  const auto look_after_holders = [&] {
    MemberId last;
    for (uint32_t index = 0; owned_ && index < limit_; ++index) {
      const MemberId holder = permit(index).look().holder();
      if (holder != last) look_after(arena(), holder, rack.me());
      last = holder;
    }
  };
  return wait_for_holders(
      rack, *waiters(), deadline, cancel, [&] { return try_acquire(rack.me()); },
      [&] { return ready(); }, owned_ && limit_ > 0 ? permit(0).look().cpu() : Waiter::kNoSpin,
      look_after_holders);
}

Status Semaphore::give_back(BellRack& rack, uint32_t count) const {
  uint32_t mine = 0;
  for (uint32_t index = 0; index < limit_; ++index) mine += permit(index).held_by(rack.me());
  if (mine < count) {
    return Error(Code::State, "this process has " + std::to_string(mine) +
                                  " of the permits: it cannot release " + std::to_string(count));
  }
  for (uint32_t index = 0; index < limit_ && count > 0; ++index) {
    const OwnerWord seen = permit(index).look();
    if (seen.holder() == rack.me() && permit(index).release_from(seen)) --count;
  }
  if (count == 0) return {};
  return Error(Code::State, "another thread of this process released permits at the same time");
}

Status Semaphore::release(BellRack& rack, uint32_t count) const {
  if (owned_) {
    BROOD_TRY(give_back(rack, count));
  } else {
    std::atomic<uint32_t>& value = state().value;
    uint32_t seen = value.load(std::memory_order_seq_cst);
    do {
      if (seen > limit_ || count > limit_ - seen) {
        return Error(Code::State, "the semaphore has " + std::to_string(seen) + " of at most " +
                                      std::to_string(limit_) + " permits: it was released more " +
                                      "often than acquired");
      }
      // The commit.
    } while (!value.compare_exchange_weak(seen, seen + count, std::memory_order_seq_cst));
  }
  waiters()->wake(members(), count);
  return {};
}

uint32_t Semaphore::value() const {
  if (!owned_) return state().value.load(std::memory_order_seq_cst);
  uint32_t there = 0;
  for (uint32_t index = 0; index < limit_; ++index) {
    const OwnerWord seen = permit(index).look();
    there += seen.free() || members().is_gone(seen.holder());
  }
  return there;
}

}  // namespace brood
