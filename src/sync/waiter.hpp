// How a thread waits for anything: it looks, spins as long as that has been paying, then sleeps on
// its bell until whoever makes the thing ready rings. A wait ends by the thing, the deadline or a
// cancel token.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <mutex>

#include "base/deadline.hpp"
#include "base/result.hpp"
#include "platform/platform.hpp"
#include "shm/arena.hpp"
#include "sync/cancel.hpp"

namespace brood {

// The bells of this process's member, lent to its threads. One for each membership, made by
// std::make_shared: a thread that ends later than it gives its bell back to it all the same.
class BellRack : public std::enable_shared_from_this<BellRack> {
 public:
  BellRack(Arena& arena, MemberId me);
  BellRack(const BellRack&) = delete;
  BellRack& operator=(const BellRack&) = delete;

  Arena& arena() const { return arena_; }
  MemberId me() const { return me_; }

 private:
  friend class Waiter;
  uint16_t lease();
  void give_back(uint16_t index);

  Arena& arena_;
  const MemberId me_;
  // A bit for each bell in use. Private to the process: the next member in this slot starts anew.
  std::atomic<uint64_t> leased_{0};
  static_assert(kBells <= 64);
};

// How long to spin: doubled while spinning pays, halved while fewer than one spin in four does.
class SpinBudget {
 public:
  int64_t ns() const { return ns_; }
  void note(bool paid);

 private:
  static constexpr int64_t kMostNs = 20'000;
  static constexpr int64_t kLeastNs = 2'000;
  static constexpr int kWindow = 16;
  int64_t ns_ = 5'000;
  int spins_ = 0;
  int paid_ = 0;
};

class Waiter {
 public:
  // The calling thread's waiter: its bell stays the same for as long as the thread lives.
  static Waiter& current(BellRack& rack);

  ~Waiter();
  Waiter(const Waiter&) = delete;
  Waiter& operator=(const Waiter&) = delete;

  // What others ring. Give it to them before the last look at what is waited for: inside `ready` at
  // the latest.
  BellId bell_id() const { return {rack_->me().slot, index_}; }
  Bell& bell() const { return seat().bell; }

  static constexpr int kNoSpin = -1;
  // Waits until `ready()` is true; it is called any number of times, and wins over a fired token.
  // Timeout, Canceled. `peer_cpu` is where the one who will make it ready runs just now (see
  // cpu_of()); kNoSpin when it is not running, or nobody knows.
  template <class Ready>
  Status wait(Deadline deadline, const CancelToken* cancel, Ready&& ready, int peer_cpu = kNoSpin) {
    if (ready()) return {};
    if (cancel != nullptr && cancel->fired()) return Error(Code::Canceled);
    if (deadline.is_now()) return Error(Code::Timeout);
    if (should_spin(peer_cpu) && spin(ready)) return {};
    return park(deadline, cancel, ready);
  }

  // The same for an object in shared memory that tells those registered in `set` of its changes.
  // `ready()` may take what it finds. A wake that was meant for this thread goes on to another one
  // when the wait failed, or when `more()`, asked after it succeeded, says that something is left.
  template <class Ready, class More>
  Status wait_on(WaiterSet& set, Deadline deadline, const CancelToken* cancel, Ready&& ready,
                 More&& more, int peer_cpu = kNoSpin, bool fence_others = false) {
    if (ready()) return {};
    if (cancel != nullptr && cancel->fired()) return Error(Code::Canceled);
    if (deadline.is_now()) return Error(Code::Timeout);
    if (should_spin(peer_cpu) && spin(ready)) return {};
    Members& members = rack_->arena().members();
    Registration place(&set, members, rack_->me(), bell_id(), fence_others);
    auto look = [&] {
      place.enlist();
      return ready();
    };
    Status status = park(deadline, cancel, look);
    if (place.leave() && (!status || more())) set.wake_one(members);
    return status;
  }

  // Sleeps until the bell is rung, for whatever reason, or the deadline.
  void nap(Deadline deadline) {
    const uint32_t seen = bell().prepare();
    seat().cpu.store(kNoSpin, std::memory_order_relaxed);
    bell().sleep(seen, deadline);
    finish();
  }

  // Tells the others that this thread runs, and where, so that they may spin for it.
  void note_running() {
    const int cpu = platform::current_cpu();
    std::atomic<int32_t>& noted = seat().cpu;
    // Only a hint: no order.
    if (noted.load(std::memory_order_relaxed) != cpu) noted.store(cpu, std::memory_order_relaxed);
  }
  // Where the thread with that bell runs; kNoSpin while it sleeps, or when it never said.
  static int cpu_of(Members& members, BellId id);

 private:
  Waiter(std::shared_ptr<BellRack> rack, uint16_t index) : rack_(std::move(rack)), index_(index) {}

  BellSeat& seat() const { return rack_->arena().members().at(rack_->me().slot).bells[index_]; }
  static bool should_spin(int peer_cpu) {
    return peer_cpu >= 0 && peer_cpu != platform::current_cpu();
  }

  template <class Ready>
  bool spin(Ready& ready) {
    // Waiting anyway: the clock costs nothing that matters here.
    const auto end = Clock::now() + std::chrono::nanoseconds(budget_.ns());
    do {
      for (int turn = 0; turn < 16; ++turn) {
        platform::cpu_relax();
        if (!ready()) continue;
        budget_.note(true);
        return true;
      }
    } while (Clock::now() < end);
    budget_.note(false);
    return false;
  }

  template <class Ready>
  Status park(Deadline deadline, const CancelToken* cancel, Ready& ready) {
    Registration on_token(cancel != nullptr ? cancel->waiters() : nullptr, rack_->arena().members(),
                          rack_->me(), bell_id());
    for (;;) {
      // Pairs with Bell::ring(): announced first, looked at then.
      const uint32_t seen = bell().prepare();
      on_token.enlist();
      const bool is_ready = ready();
      const bool canceled = !is_ready && cancel != nullptr && cancel->fired();
      if (is_ready || canceled || deadline.passed()) {
        finish();
        if (is_ready) return {};
        return Error(canceled ? Code::Canceled : Code::Timeout);
      }
      seat().cpu.store(kNoSpin, std::memory_order_relaxed);
      bell().sleep(seen, deadline);
    }
  }
  void finish() {
    // Others may still sleep on the crowd's bell.
    if (index_ != kCrowdBell) bell().done();
    note_running();
  }

  std::shared_ptr<BellRack> rack_;
  uint16_t index_;
  SpinBudget budget_;
};

}  // namespace brood
