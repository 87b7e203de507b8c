// Fetching results, and waiting for them. At any moment at most one thread, the drainer, sleeps on
// behalf of the pool's results: a caller that waits, or the attendant when no caller does. Workers
// ring the drainer if one is named in the PoolBlock, else the attendant.
#include <cstring>
#include <optional>

#include "base/patience.hpp"
#include "pool/failure.hpp"
#include "pool/pool.hpp"
#include "sync/bell_watcher.hpp"

namespace brood {

namespace {

// Where results come in crowds, so many may gather before a worker that has more to do rings; who
// sleeps then looks by itself after a moment, so that a slow task does not hold back the results
// before it.
constexpr uint32_t kGather = 512;
constexpr int64_t kGatherMs = 1;
// So many results in one sleep are a crowd.
constexpr uint64_t kCrowd = 16;

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
      receive_record(household_.holdings(), blocks_, seat.member.slot, header, bytes);
  if (!value) return value.error();
  const JobItem item = seat.finish(frame.sequence);
  // What the pool took from a worker that it is killing has its outcome already.
  if (item.job == nullptr && seat.killed_by_pool) return {};
  if (item.job == nullptr) {
    return Error(Code::Protocol, "a worker answered task " + std::to_string(frame.sequence) +
                                     ", which it does not hold");
  }
  seat.last_result = results_.load(std::memory_order_relaxed) + 1;
  results_.store(seat.last_result, std::memory_order_relaxed);
  if (header.kind == kResultRecord) {
    finish_locked(item, std::move(*value));
    return {};
  }
  Result<ErrorRecord> failure = decode_failure({(*value)->data(), (*value)->size()});
  if (!failure) {
    failure = ErrorRecord{.code = Code::Protocol, .message = failure.error().message()};
  }
  failure->pid = seat.pid;
  fruitless_deaths_ = 0;
  fail_locked(item, Error(std::move(*failure)));
  item.job->drop_locked(1);
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
    bool news = drain_locked();
    for (auto& seat : seats_) news |= seat->take_room();
    if (news) {
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
    if (seat->has_news() && !seat->lane_broken.load(std::memory_order_relaxed)) return true;
  }
  return false;
}

// Where the worker runs that was sent something last: spinning pays only if that is another CPU.
// -1: do not.
int Pool::busy_cpu() const {
  const Seat& seat = *seats_[last_sent_.load(std::memory_order_relaxed)];
  return seat.block().worker_cpu.load(std::memory_order_relaxed);
}

// Gives the role back, whatever happens.
class Pool::DrainerRole {
 public:
  DrainerRole(Pool& pool, Waiter& waiter) : pool_(pool.become_drainer(waiter) ? &pool : nullptr) {}
  DrainerRole(const DrainerRole&) = delete;
  DrainerRole& operator=(const DrainerRole&) = delete;
  ~DrainerRole() {
    if (pool_ != nullptr) pool_->leave_as_drainer();
  }
  explicit operator bool() const { return pool_ != nullptr; }

 private:
  Pool* pool_;
};

Status Pool::wait(Deadline deadline, const CancelToken* cancel, const std::function<bool()>& done,
                  Waitable* what) {
  poll();
  if (done()) return {};
  if (deadline.is_now()) return Error(Code::Timeout);
  Waiter& waiter = Waiter::current(*household_.rack());
  ref();
  Status status;
  while (status.ok() && !done()) {
    if (const DrainerRole role(*this, waiter); role) {
      status = wait_as_drainer(waiter, deadline, cancel, done);
    } else {
      status = wait_as_follower(waiter, deadline, cancel, done, what);
    }
  }
  if (!status.ok() && done()) status = Status();  // it came in the last moment
  unref();
  return status;
}

// Submits and waits. This thread is named before the worker hears of the task: a quick result then
// wakes nobody else.
Result<Message::Ptr> Pool::call(std::string_view function, std::span<const std::byte> bytes,
                                const SubmitOptions& options, Deadline deadline,
                                const CancelToken* cancel) {
  std::optional<Patience> patience;
  Future::Ptr future;
  Status status;
  {
    Waiter& waiter = Waiter::current(*household_.rack());
    // For room in a bounded pool it would have to wait in the ordinary way first.
    std::optional<DrainerRole> role;
    if (options_.max_pending == 0) role.emplace(*this, waiter);
    Result<Future*> submitted = submit(function, bytes, nullptr, options);
    if (!submitted) return submitted.error();
    future.reset(*submitted);
    patience.emplace();  // what was submitted is waited for, or cancelled
    if (role && *role) {
      status = wait_as_drainer(waiter, deadline, cancel, [&] { return future->done(); });
    }
  }
  if (status && !future->done()) status = future->wait(deadline, cancel);
  if (future->done()) return future->take();
  future->cancel();
  return status.error();
}

bool Pool::become_drainer(Waiter& waiter) {
  uint32_t nobody = 0;
  const uint32_t bell = waiter.bell_id().pack();
  if (!drainer_.compare_exchange_strong(nobody, bell, std::memory_order_acq_rel)) return false;
  std::lock_guard lock(mutex_);
  block_->drainer.store(bell, std::memory_order_seq_cst);
  return true;
}

Status Pool::wait_as_drainer(Waiter& waiter, Deadline deadline, const CancelToken* cancel,
                             const std::function<bool()>& done) {
  uint64_t seen = results_.load(std::memory_order_relaxed);
  poll();
  Status status;
  while (status.ok()) {
    // Before the look: what changes after it ends the sleep.
    const uint64_t changes = changes_.load(std::memory_order_acquire);
    if (done()) break;
    status = sleep_for_results(waiter, deadline, cancel, seen, [&] {
      return anything_there() || changes_.load(std::memory_order_relaxed) != changes;
    });
    poll();
  }
  return status;
}

// In a crowd this thread will most likely be back at once: it stays named, so that nobody else is
// woken meanwhile, and the attendant looks after what comes if it is not.
void Pool::leave_as_drainer() {
  std::lock_guard lock(mutex_);
  const bool stays_named = crowded();  // under the lock: so it is when the crowd is over
  if (!stays_named) block_->drainer.store(0, std::memory_order_seq_cst);
  drainer_.store(0, std::memory_order_seq_cst);
  // A worker that still saw us named has committed its result before: whoever looks next finds it.
  // Pairs with the fence between a worker's commit and its look at `drainer`.
  std::atomic_thread_fence(std::memory_order_seq_cst);
  if (!followers_.empty()) followers_.front()->ring();
  // Also then: the follower may be about to leave.
  if (!stays_named && anything_there()) ring(block_->attendant.load(std::memory_order_relaxed));
}

template <class Ready>
Status Pool::sleep_for_results(Waiter& waiter, Deadline deadline, const CancelToken* cancel,
                               uint64_t& seen, Ready ready) {
  const uint64_t now = results_.load(std::memory_order_relaxed);
  if (now - seen >= kCrowd && !crowded()) {
    block_->ring_after.store(kGather, std::memory_order_seq_cst);
    ring(block_->attendant.load(std::memory_order_relaxed));  // it looks after the end of it
  }
  seen = now;
  if (!crowded()) return waiter.wait(deadline, cancel, ready, busy_cpu());
  Status status =
      waiter.wait(deadline.sooner(Deadline::after_ms(kGatherMs)), cancel, ready, busy_cpu());
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
  const auto stops = [this] { return attendant_stops_.load(std::memory_order_acquire); };
  const auto is_needed = [&] {
    return stops() || crowded() ||
           (drainer_.load(std::memory_order_acquire) == 0 && anything_there());
  };
  uint64_t seen = 0;
  while (!stops()) {
    if (drainer_.load(std::memory_order_acquire) == 0) poll();
    const uint64_t now = results_.load(std::memory_order_relaxed);
    const bool crowd = now - std::exchange(seen, now) >= kCrowd;
    if (crowd && !crowded() && drainer_.load(std::memory_order_acquire) == 0) {
      block_->ring_after.store(kGather, std::memory_order_seq_cst);
    }
    if (!crowd && crowded()) end_crowd(waiter);
    if (crowded()) {
      waiter.nap(Deadline::after_ms(kGatherMs));
    } else {
      (void)waiter.wait(Deadline::forever(), nullptr, is_needed);
    }
  }
}

void Pool::end_crowd(Waiter& waiter) {
  {
    std::lock_guard lock(mutex_);
    block_->ring_after.store(1, std::memory_order_seq_cst);
    if (drainer_.load(std::memory_order_acquire) == 0) {
      block_->drainer.store(0, std::memory_order_seq_cst);
    }
  }
  // A worker may still gather, or ring somebody who has left. Between its commit and its look at
  // what to do there is no fence, so that it needs none for each result: a moment later it has
  // committed, and this finds it.
  std::atomic_thread_fence(std::memory_order_seq_cst);
  waiter.nap(Deadline::after_ms(kGatherMs));
  poll();
  nudge_drainer();  // it may sleep without a limit, and its result have been among them
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
