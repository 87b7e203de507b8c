// A barrier: a number of parties wait for each other, round after round. It breaks when one of them
// gives up, and when a process that holds it dies: then nobody waits any more until it is reset.
#pragma once

#include "shm/barrier_word.hpp"
#include "sync/shared_object.hpp"
#include "sync/waiter.hpp"

namespace brood {

class Barrier final : public SharedObject {
 public:
  static Result<Barrier> create(Holdings& holdings, uint32_t parties);
  static Result<Barrier> from(Held held);

  // Arrives, and waits for the others; the number of those who were here before. The last one does
  // not wait: it lets the others go by open(). Broken. Timeout and Canceled break it for all.
  Result<uint32_t> arrive(BellRack& rack, Deadline deadline, const CancelToken* cancel) const;
  // By the last to arrive, who may do something first. Broken when it was broken meanwhile.
  Status open() const;
  // Breaks it, until the reset.
  void abort() const { break_barrier(state(), parked(), members()); }
  // Begins a new round; who waits in the old one hears that it is broken.
  void reset() const;

  uint32_t parties() const { return parties_; }
  uint32_t waiting() const {
    const BarrierWord seen = look();
    return seen.broken() ? 0 : seen.here();
  }
  bool broken() const { return look().broken(); }

  bool ready() const override { return false; }
  // Nobody waits for it without arriving.
  WaiterSet* waiters() const override { return nullptr; }

 private:
  Barrier(Held held, uint32_t parties) : SharedObject(std::move(held)), parties_(parties) {}
  WaiterSet& parked() const { return *SharedObject::waiters(); }
  BarrierState& state() const { return state_as<BarrierState>(); }
  BarrierWord look() const { return {state().word.load(std::memory_order_seq_cst)}; }
  bool change(BarrierWord& from, BarrierWord to) const {
    return state().word.compare_exchange_strong(from.word, to.word, std::memory_order_seq_cst);
  }
  bool try_arrive(BarrierWord& arrived) const;
  void give_up(uint32_t round) const;

  uint32_t parties_;  // as it was when the handle was made, and checked
};

}  // namespace brood
