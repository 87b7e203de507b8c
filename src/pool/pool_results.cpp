// Fetching results, and waiting for them. At any moment at most one thread, the drainer, sleeps on
// behalf of the pool's results: a caller that waits, or the attendant when no caller does. Workers
// ring the drainer if one is named in the PoolBlock, else the attendant.
#include <cstring>

#include "pool/failure.hpp"
#include "pool/pool.hpp"
#include "sync/bell_watcher.hpp"

namespace brood {

namespace {

// Results that may gather while the drainer sleeps and workers have more to do; it then looks by
// itself after a moment, so that a slow task does not hold back the results before it.
constexpr uint32_t kGather = 64;
constexpr int64_t kGatherMs = 1;

}  // namespace

// ---- fetching ----------------------------------------------------------------------------------

bool Pool::drain_locked() {
  const uint64_t before = results_.load(std::memory_order_relaxed);
  for (auto& seat : seats_) {
    if (seat->state != SeatState::Empty && seat->state != SeatState::Pausing) {
      drain_seat_locked(*seat);
    }
  }
  return results_.load(std::memory_order_relaxed) != before;
}

void Pool::drain_seat_locked(Seat& seat) {
  LaneReader& lane = seat.results();
  if (seat.lane_broken || lane.empty()) return;
  LaneReader::Record record;
  for (;;) {
    Result<bool> got = lane.next(record);
    if (!got) {
      protocol_broken_locked(seat, got.error());
      return;
    }
    if (!*got) break;
    if (Status status = take_record_locked(seat, record); !status) {
      protocol_broken_locked(seat, status.error());
      return;
    }
  }
  lane.give_back();
  // Pairs with a worker that waits for room: it names its bell, then looks at the head again.
  std::atomic_thread_fence(std::memory_order_seq_cst);
  ring(seat.block().room_listener.load(std::memory_order_relaxed));
  if (options_.max_tasks_per_worker != 0 && seat.state == SeatState::Ready &&
      seat.results_given >= options_.max_tasks_per_worker) {
    end_in_order_locked(seat);
  }
}

Status Pool::take_record_locked(Seat& seat, const LaneReader::Record& record) {
  const std::span<const std::byte> bytes(record.data, record.header.size);
  switch (record.header.kind) {
    case kReadyRecord:
      worker_ready_locked(seat);
      return {};
    case kStartFailureRecord: {
      Result<ErrorRecord> failure = decode_failure(bytes);
      if (!failure) return failure.error();
      seat.start_failure = std::make_unique<Error>(std::move(*failure));
      return {};
    }
    case kResultRecord:
    case kFailureRecord:
      return take_outcome_locked(seat, record.header, bytes);
    default:
      return Error(Code::Protocol, "a worker sent a record of the unknown kind " +
                                       std::to_string(record.header.kind));
  }
}

Status Pool::take_outcome_locked(Seat& seat, const RecordHeader& header,
                                 std::span<const std::byte> bytes) {
  ResultFrame frame;
  if (bytes.size() < sizeof frame) return Error(Code::Protocol, "a worker sent a cut result");
  std::memcpy(&frame, bytes.data(), sizeof frame);
  bytes = bytes.subspan(sizeof frame);
  Result<Message::Ptr> value =
      receive_record(household_.holdings(), seat.member.slot, header, bytes);
  if (!value) return value.error();
  Task* task = seat.finish(frame.sequence);
  if (task == nullptr) {
    return Error(Code::Protocol, "a worker answered task " + std::to_string(frame.sequence) +
                                     ", which it does not hold");
  }
  seat.last_result = results_.load(std::memory_order_relaxed) + 1;
  results_.store(seat.last_result, std::memory_order_relaxed);
  if (header.kind == kResultRecord) {
    finish_task_locked(task, std::move(*value));
    return {};
  }
  Result<ErrorRecord> failure = decode_failure({(*value)->data(), (*value)->size()});
  if (!failure) {
    failure = ErrorRecord{.code = Code::Protocol, .message = failure.error().message()};
  }
  failure->pid = seat.pid;
  fruitless_deaths_ = 0;
  fail_task_locked(task, Error(std::move(*failure)));
  drop_locked(task);
  return {};
}

// A worker whose lane makes no sense is of no more use; what it holds is treated as after any
// death.
void Pool::protocol_broken_locked(Seat& seat, const Error& error) {
  seat.lane_broken = true;
  seat.start_failure = std::make_unique<Error>(error);
  kill_locked(seat);
}

void Pool::poll() {
  {
    std::lock_guard lock(mutex_);
    if (drain_locked()) {
      dispatch_locked();
      rebalance_locked();
    }
    advance_phase_locked();
  }
  run_callbacks();
}

// ---- waiting -----------------------------------------------------------------------------------

bool Pool::anything_there() const {
  for (const auto& seat : seats_) {
    if (seat->has_results()) return true;
  }
  return false;
}

// Where the worker runs that was sent something last: spinning pays only if that is another CPU.
// -1: do not.
int Pool::busy_cpu() const {
  const Seat& seat = *seats_[last_sent_.load(std::memory_order_relaxed)];
  return seat.block().worker_cpu.load(std::memory_order_relaxed);
}

Status Pool::wait(Deadline deadline, const CancelToken* cancel, const std::function<bool()>& done,
                  Waitable* what) {
  poll();
  if (done()) return {};
  if (deadline.is_now()) return Error(Code::Timeout);
  Waiter& waiter = Waiter::current(*household_.rack());
  ref();
  Status status;
  while (status.ok() && !done()) {
    uint32_t nobody = 0;
    if (drainer_.compare_exchange_strong(nobody, waiter.bell_id().pack(),
                                         std::memory_order_acq_rel)) {
      status = wait_as_drainer(waiter, deadline, cancel, done);
    } else {
      status = wait_as_follower(waiter, deadline, cancel, done, what);
    }
  }
  if (!status.ok() && done()) status = Status();  // it came in the last moment
  unref();
  return status;
}

Status Pool::wait_as_drainer(Waiter& waiter, Deadline deadline, const CancelToken* cancel,
                             const std::function<bool()>& done) {
  block_->drainer.store(waiter.bell_id().pack(), std::memory_order_seq_cst);
  uint64_t seen = results_.load(std::memory_order_relaxed);
  poll();
  Status status;
  while (status.ok()) {
    // Before the look: what changes after it ends the sleep.
    const uint64_t changes = changes_.load(std::memory_order_acquire);
    if (done()) break;
    status = sleep_for_results(waiter, deadline, cancel, seen, busy_cpu(), [&] {
      return anything_there() || changes_.load(std::memory_order_relaxed) != changes;
    });
    poll();
  }
  block_->ring_after.store(1, std::memory_order_relaxed);
  block_->drainer.store(0, std::memory_order_seq_cst);
  drainer_.store(0, std::memory_order_seq_cst);
  // A worker that still saw us named has committed its result before: this finds it. Pairs with the
  // fence between a worker's commit and its look at `drainer`.
  std::atomic_thread_fence(std::memory_order_seq_cst);
  poll();
  std::lock_guard lock(mutex_);
  if (!followers_.empty()) followers_.front()->ring();
  return status;
}

// Results that came in a crowd since `seen` are waited for in crowds.
template <class Ready>
Status Pool::sleep_for_results(Waiter& waiter, Deadline deadline, const CancelToken* cancel,
                               uint64_t& seen, int cpu, Ready ready) {
  const uint64_t now = results_.load(std::memory_order_relaxed);
  const bool crowd = now - seen >= kGather / 4;
  seen = now;
  block_->ring_after.store(crowd ? kGather : 1, std::memory_order_relaxed);
  if (!crowd) return waiter.wait(deadline, cancel, ready, cpu);
  Status status = waiter.wait(deadline.sooner(Deadline::after_ms(kGatherMs)), cancel, ready, cpu);
  return status.code() == Code::Timeout && !deadline.passed() ? Status() : status;
}

Status Pool::wait_as_follower(Waiter& waiter, Deadline deadline, const CancelToken* cancel,
                              const std::function<bool()>& done, Waitable* what) {
  BellWatcher watcher(waiter.bell());
  if (what != nullptr) (void)what->watch(&watcher);
  {
    std::lock_guard lock(mutex_);
    followers_.push_back(&waiter.bell());
    if (what == nullptr) room_watchers_.push_back(&watcher);
  }
  Status status = waiter.wait(
      deadline, cancel,
      [&] { return watcher.rung() || drainer_.load(std::memory_order_acquire) == 0 || done(); },
      -1);
  if (what != nullptr) what->unwatch(&watcher);
  std::lock_guard lock(mutex_);
  std::erase(followers_, &waiter.bell());
  if (what == nullptr) std::erase(room_watchers_, &watcher);
  return status;
}

// The pool's own thread: fetches results while no caller waits for any, and calls back.
void Pool::attend() {
  Waiter& waiter = Waiter::current(*household_.rack());
  block_->attendant.store(waiter.bell_id().pack(), std::memory_order_seq_cst);
  uint64_t seen = 0;
  while (!attendant_stops_.load(std::memory_order_acquire)) {
    poll();
    (void)sleep_for_results(waiter, Deadline::forever(), nullptr, seen, -1, [this] {
      return attendant_stops_.load(std::memory_order_acquire) ||
             (drainer_.load(std::memory_order_acquire) == 0 && anything_there());
    });
  }
}

void Pool::changed() {
  {
    std::lock_guard lock(mutex_);
    note_change_locked();
  }
  nudge_drainer();
}

// Somebody else changed what the drainer waits for.
void Pool::nudge_drainer() { ring(drainer_.load(std::memory_order_seq_cst)); }

}  // namespace brood
