// The clock of a pool: run limits of tasks, and pauses before a worker is started again. Looked at
// on the loop's thread, only while there is one of either.
#include <algorithm>

#include "pool/pool.hpp"

namespace brood {

void Pool::arm_timer_locked(Clock::time_point at) {
  if (at >= timer_at_) return;
  timer_at_ = at;
  ref();
  household_.loop().post([this, at] {
    set_timer(at);
    unref();
  });
}

void Pool::set_timer(Clock::time_point at) {
  if (!timer_) timer_ = household_.loop().timer([this] { check_time(); });
  timer_->start_at(at);
}

// A worker may begin a timed task at any moment from now on: the clock is looked at when the
// shortest limit it holds could have passed.
void Pool::look_at_clock_locked() {
  int64_t shortest = INT64_MAX;
  for (const auto& seat : seats_) {
    if (seat->holds_timed()) shortest = std::min(shortest, seat->shortest_limit_ms());
  }
  if (shortest == INT64_MAX) return;
  arm_timer_locked(Clock::now() + std::chrono::milliseconds(shortest));
}

void Pool::check_time() {
  {
    std::lock_guard lock(mutex_);
    timer_at_ = Clock::time_point::max();
    drain_locked();  // a result that was committed in time wins
    const auto now = Clock::now();
    auto next = Clock::time_point::max();
    for (auto& seat : seats_) {
      if (seat->state == SeatState::Pausing) {
        if (seat->pause_ends <= now) {
          start_worker_locked(*seat);
        } else {
          next = std::min(next, seat->pause_ends);
        }
      }
      if (seat->holds_timed()) next = std::min(next, check_limit_locked(*seat, now));
    }
    if (next != Clock::time_point::max()) arm_timer_locked(next);
    dispatch_locked();
    rebalance_locked();
    advance_phase_locked();
  }
  nudge_drainer();
  run_callbacks();
}

// Kills the seat's worker if what it runs is over its limit; returns when to look again.
Clock::time_point Pool::check_limit_locked(Seat& seat, Clock::time_point now) {
  const auto again = now + std::chrono::milliseconds(seat.shortest_limit_ms());
  const std::optional<Seat::Running> running = seat.running();
  if (!running || seat.state == SeatState::Ending) return again;
  const JobItem item = seat.find(running->sequence);
  if (item.job == nullptr || item.job->run_limit_ms == 0) return again;
  const auto since = Clock::time_point(std::chrono::nanoseconds(running->since_ns));
  const auto ends = since + std::chrono::milliseconds(item.job->run_limit_ms);
  if (ends > now) return std::min(again, ends);
  trouble_locked(item).timed_out = true;
  kill_locked(seat);
  return again;
}

}  // namespace brood
