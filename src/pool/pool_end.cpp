// How a pool ends, and what it tells of itself.
#include "pool/pool.hpp"

namespace brood {

void Pool::shutdown() {
  {
    std::lock_guard lock(mutex_);
    if (phase_ == Phase::Open) phase_ = Phase::Draining;
    note_change_locked();
    tell_room_locked();
    advance_phase_locked();
  }
  nudge_drainer();
}

void Pool::terminate() {
  {
    std::lock_guard lock(mutex_);
    drain_locked();
    if (phase_ == Phase::Ended) return;
    phase_ = Phase::Ending;
    for (auto& seat : seats_) {
      if (seat->state == SeatState::Pausing) seat->state = SeatState::Empty;
      if (seat->child) kill_locked(*seat);
    }
    fail_all_locked(Error(Code::Canceled));
    advance_phase_locked();
  }
  nudge_drainer();
  run_callbacks();
}

// Moves a pool that is to end towards its end, as far as it can go now.
void Pool::advance_phase_locked() {
  if (phase_ == Phase::Draining && outstanding_ == 0) {
    phase_ = Phase::Ending;
    fail_all_locked(Error(Code::Canceled));  // only what was cancelled before is left
    for (auto& seat : seats_) {
      if (seat->state == SeatState::Ready) end_in_order_locked(*seat);
      if (seat->state == SeatState::Starting) kill_locked(*seat);
      if (seat->state == SeatState::Pausing) seat->state = SeatState::Empty;
    }
  }
  const bool over = phase_ == Phase::Ending && trees_ == 0;
  if (!over) return;
  phase_ = Phase::Ended;
  retired_.store(true, std::memory_order_release);
  note_change_locked();
  notify_locked();
  retire_locked();
}

// The pool may be forgotten once it is over and no callback runs: one that holds the last reference
// would end the pool on the pool's own thread.
void Pool::retire_locked() {
  if (phase_ != Phase::Ended || running_callbacks_ != 0 || !callbacks_.empty()) return;
  if (std::exchange(is_retiring_, true)) return;
  ref();
  household_.loop().post([this] {
    timer_.reset();
    retired_callback_(this);
    unref();
  });
}

Status Pool::join(Deadline deadline, const CancelToken* cancel) {
  {
    std::lock_guard lock(mutex_);
    if (phase_ == Phase::Open && !broken_) {
      return Error(Code::State,
                   "join waits for the end of a pool: call brood_pool_shutdown() or "
                   "brood_pool_terminate() first");
    }
    if (phase_ == Phase::Open) phase_ = Phase::Ending;
    advance_phase_locked();
  }
  BROOD_TRY(wait(
      deadline, cancel, [this] { return ready(); }, this));
  std::lock_guard lock(unread_mutex_);
  if (!unread_failure_) return {};
  const Error failure = *unread_failure_;
  unread_failure_.reset();
  return failure;
}

void Pool::release() {
  bool abandoned;
  {
    std::lock_guard lock(mutex_);
    abandoned = phase_ == Phase::Open;
  }
  if (abandoned) terminate();
  unref();
}

// ---- reports -----------------------------------------------------------------------------------

void Pool::unread_failure(const Error& error) {
  if (error.code() == Code::Canceled) return;
  std::lock_guard lock(unread_mutex_);
  if (!unread_failure_)
    unread_failure_ = error.with_context("a task that nobody asked about failed");
}

void Pool::run_callbacks() {
  std::vector<std::function<void()>> callbacks;
  {
    std::lock_guard lock(mutex_);
    if (callbacks_.empty()) return;
    callbacks.swap(callbacks_);
    ++running_callbacks_;
  }
  for (auto& callback : callbacks) callback();
  std::lock_guard lock(mutex_);
  --running_callbacks_;
  retire_locked();
}

PoolStats Pool::stats() {
  poll();
  std::lock_guard lock(mutex_);
  PoolStats stats = stats_;
  stats.pending = outstanding_;
  for (const auto& seat : seats_) {
    if (seat->state == SeatState::Ready) {
      ++stats.workers;
      if (seat->held() == 0) ++stats.idle;
    } else if (seat->state == SeatState::Starting) {
      ++stats.starting;
    }
  }
  return stats;
}

std::vector<WorkerInfo> Pool::workers() {
  poll();
  std::lock_guard lock(mutex_);
  std::vector<WorkerInfo> workers;
  for (const auto& seat : seats_) {
    if (seat->state == SeatState::Empty || seat->state == SeatState::Pausing) continue;
    workers.push_back(
        {seat->index(), seat->state, seat->held() != 0, seat->pid, seat->results_given});
  }
  return workers;
}

}  // namespace brood
