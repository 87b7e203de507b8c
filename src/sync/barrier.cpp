#include "sync/barrier.hpp"

namespace brood {

namespace {

Error broken_error() {
  return Error(Code::Broken,
               "the barrier is broken: a party gave up or died, or it was aborted or reset");
}

}  // namespace

Result<Barrier> Barrier::create(Holdings& holdings, uint32_t parties) {
  auto held = holdings.create(ObjectType::Barrier, sizeof(BarrierState));
  if (!held) return held.error().with_context("making a barrier");
  reinterpret_cast<BarrierState*>(held->data())->parties = parties;
  return Barrier(std::move(*held), parties);
}

Result<Barrier> Barrier::from(Held held) {
  BROOD_TRY(expect(held, ObjectType::Barrier, sizeof(BarrierState), "a barrier's"));
  const uint32_t parties = reinterpret_cast<const BarrierState*>(held.data())->parties;
  if (parties == 0 || parties > BarrierWord::kMostParties) {
    return Error(Code::Protocol, "the barrier's handle is damaged");
  }
  return Barrier(std::move(held), parties);
}

// True when there is nothing to wait for: `arrived` is the word that says so, broken or with one
// more. False while the round before is full and not open yet.
bool Barrier::try_arrive(BarrierWord& arrived) const {
  BarrierWord seen = look();
  for (;;) {
    if (seen.broken()) {
      arrived = seen;
      return true;
    }
    if (seen.here() >= parties_) return false;
    // The commit.
    if (!change(seen, seen.one_more())) continue;
    arrived = seen.one_more();
    return true;
  }
}

// Breaks the round if it is still under way.
void Barrier::give_up(uint32_t round) const {
  BarrierWord seen = look();
  while (seen.round() == round && !seen.broken()) {
    if (change(seen, seen.broken_off())) break;
  }
  parked().wake_all(members());
}

Result<uint32_t> Barrier::arrive(BellRack& rack, Deadline deadline,
                                 const CancelToken* cancel) const {
  Waiter& waiter = Waiter::current(rack);
  const auto nothing_more = [] { return false; };
  BarrierWord arrived;
  Status status = waiter.wait_on(
      parked(), deadline, cancel, [&] { return try_arrive(arrived); }, nothing_more);
  // Not arrived: nobody counts on this one yet.
  if (!status) return status.error();
  if (arrived.broken()) return broken_error();
  const uint32_t index = arrived.here() - 1;
  if (arrived.here() == parties_) return index;
  const uint32_t round = arrived.round();
  status = waiter.wait_on(
      parked(), deadline, cancel,
      [&] {
        arrived = look();
        return arrived.round() != round || arrived.broken();
      },
      nothing_more);
  if (!status) {
    give_up(round);
    // All may have arrived in the last moment.
    if (look().passed(round)) return index;
    return status.error();
  }
  if (!arrived.passed(round)) return broken_error();
  return index;
}

Status Barrier::open() const {
  BarrierWord seen = look();
  for (;;) {
    if (seen.broken()) return broken_error();
    if (seen.here() < parties_) {
      return Error(Code::State, "the barrier waits for " + std::to_string(parties_ - seen.here()) +
                                    " more: there is nothing to open");
    }
    // The commit.
    if (change(seen, seen.next_round(false))) break;
  }
  parked().wake_all(members());
  return {};
}

void Barrier::reset() const {
  BarrierWord seen = look();
  while (!change(seen, seen.next_round(true))) {
  }
  parked().wake_all(members());
}

}  // namespace brood
