#include "sync/waiter.hpp"

namespace brood {

BellRack::BellRack(Arena& arena, MemberId me) : arena_(arena), me_(me) {
  // Left by the slot's last life: nobody runs there yet.
  for (BellSeat& seat : arena.members().at(me.slot).bells) {
    seat.cpu.store(Waiter::kNoSpin, std::memory_order_relaxed);
  }
}

uint16_t BellRack::lease() {
  uint16_t index = kCrowdBell;
  // Private to the process; the bells themselves order what passes between threads.
  uint64_t leased = leased_.load(std::memory_order_relaxed);
  for (;;) {
    index = 0;
    while (index < kCrowdBell && (leased >> index & 1) != 0) ++index;
    if (index == kCrowdBell) break;
    if (leased_.compare_exchange_weak(leased, leased | uint64_t{1} << index,
                                      std::memory_order_acq_rel)) {
      break;
    }
  }
  std::atomic<uint32_t>& used = arena_.members().at(me_.slot).bells_used;
  uint32_t known = used.load(std::memory_order_relaxed);
  // Pairs with Members::ring_everybody(): either it rings this bell, or its bearer sees in the look
  // before it sleeps what the reaper did before.
  while (known < index + 1u && !used.compare_exchange_weak(known, index + 1u)) {
  }
  return index;
}

void BellRack::give_back(uint16_t index) {
  if (index == kCrowdBell) return;
  leased_.fetch_and(~(uint64_t{1} << index), std::memory_order_release);
}

void SpinBudget::note(bool paid) {
  ++spins_;
  paid_ += paid;
  if (spins_ < kWindow) return;
  const bool worth_it = paid_ * 4 >= spins_;
  ns_ = worth_it ? std::min(ns_ * 2, kMostNs) : std::max(ns_ / 2, kLeastNs);
  spins_ = 0;
  paid_ = 0;
}

Waiter& Waiter::current(BellRack& rack) {
  // Seldom more than one rack in a process: the thread keeps the waiter of the last it used.
  thread_local std::unique_ptr<Waiter> mine;
  if (!mine || mine->rack_.get() != &rack) {
    mine.reset();
    mine.reset(new Waiter(rack.shared_from_this(), rack.lease()));
    mine->note_running();
  }
  return *mine;
}

Waiter::~Waiter() { rack_->give_back(index_); }

int Waiter::cpu_of(Members& members, BellId id) {
  const BellSeat* seat = members.seat(id);
  return seat == nullptr ? kNoSpin : seat->cpu.load(std::memory_order_relaxed);
}

}  // namespace brood
