#include "sync/waiter.hpp"

#include <utility>

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

namespace {

// The thread's waiter, and who gives it back when the thread ends. The pointer alone outlives that:
// in the main thread exit handlers still wait when this keeper is gone, with a waiter that nobody
// gives back.
thread_local Waiter* mine = nullptr;
struct WaiterKeeper {
  ~WaiterKeeper() { delete std::exchange(mine, nullptr); }
};
thread_local WaiterKeeper keeper;

}  // namespace

Waiter& Waiter::current(BellRack& rack) {
  // Seldom more than one rack in a process: the thread keeps the waiter of the last it used.
  if (mine == nullptr || mine->rack_.get() != &rack) {
    static_cast<void>(&keeper);  // made before its destructor is due
    delete std::exchange(mine, nullptr);
    mine = new Waiter(rack.shared_from_this(), rack.lease());
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
