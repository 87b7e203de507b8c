// Making a pool, taking tasks, and handing them to workers.
#include "pool/pool.hpp"

#include <algorithm>
#include <cstring>

#include "base/patience.hpp"

namespace brood {

namespace {

constexpr size_t rounded(size_t bytes) {
  return (bytes + kFalseSharing - 1) / kFalseSharing * kFalseSharing;
}

}  // namespace

// ---- making one --------------------------------------------------------------------------------

Result<Pool*> Pool::create(Household& household, PoolOptions options,
                           std::function<void(Pool*)> retired) {
  // It starts while the lanes are made.
  household.nursery().prepare();
  struct Unref {
    void operator()(Pool* pool) const { pool->unref(); }
  };
  std::unique_ptr<Pool, Unref> made(new Pool(household, std::move(options), std::move(retired)));
  BROOD_TRY(made->prepare());
  const Patience patience;  // from here on it has workers
  Pool* pool = made.release();
  std::lock_guard lock(pool->mutex_);
  for (auto& seat : pool->seats_) pool->start_worker_locked(*seat);
  return pool;
}

Pool::Pool(Household& household, PoolOptions options, std::function<void(Pool*)> retired)
    : household_(household), options_(std::move(options)), retired_callback_(std::move(retired)) {}

Status Pool::prepare() {
  const size_t each = rounded(Seat::channel_bytes());
  const size_t whole = kFalseSharing + each * options_.workers;
  Arena& arena = household_.arena();
  // Not zeroed: a lane's ring is read only where it was written, and touching it all takes long.
  Result<Offset> memory = arena.heap().allocate(whole, household_.me().slot);
  if (!memory) return memory.error().with_context("the lanes of the pool's workers");
  memory_ = *memory;
  std::byte* at = arena.at(memory_, whole);
  block_ = new (at) PoolBlock{};
  block_->ring_after.store(1, std::memory_order_relaxed);
  at += kFalseSharing;
  for (uint32_t i = 0; i < options_.workers; ++i, at += each) {
    seats_.push_back(std::make_unique<Seat>(i, new (at) ChannelBlock{}));
  }
  if (!options_.initializer_data.empty() || !options_.initializer_handles.empty()) {
    Result<Argument> kept = keep_argument(options_.initializer_data, options_.initializer_handles);
    if (!kept) return kept.error().with_context("the initializer's argument");
    initializer_argument_ = *kept;
    options_.initializer_handles.clear();
  }
  Result<platform::Thread*> thread = platform::start_thread("brood-pool", [this] { attend(); });
  if (!thread) return thread.error().with_context("the pool's thread");
  attendant_ = *thread;
  return {};
}

Pool::~Pool() {
  if (attendant_ != nullptr) {
    attendant_stops_.store(true, std::memory_order_seq_cst);
    ring(block_->attendant.load(std::memory_order_seq_cst));
    platform::join_thread(attendant_);
  }
  drop_argument(initializer_argument_);
  if (memory_ != 0) (void)household_.arena().heap().free(memory_, household_.me().slot);
}

// ---- arguments ---------------------------------------------------------------------------------

Result<Argument> Pool::keep_argument(std::span<const std::byte> bytes,
                                     std::span<const Held> handles) {
  Result<Chunk::Name> chunk = Chunk::make(household_.holdings(), bytes.size(), handles);
  if (!chunk) return chunk.error();
  if (!bytes.empty()) {
    std::memcpy(Chunk::data(household_.arena(), *chunk), bytes.data(), bytes.size());
  }
  return Argument::in_chunk(*chunk);
}

uint32_t Pool::function_index(std::string_view name) {
  std::lock_guard lock(mutex_);
  const auto found = function_indexes_.find(name);
  if (found != function_indexes_.end()) return found->second;
  const auto index = static_cast<uint32_t>(functions_.size());
  functions_.emplace_back(name);
  function_indexes_.emplace(functions_.back(), index);
  return index;
}

// ---- taking tasks ------------------------------------------------------------------------------

Status Pool::refusal_locked() const {
  if (broken_) return *broken_;
  if (phase_ != Phase::Open) {
    return Error(Code::Closed, "the pool \"" + options_.name + "\" was shut down");
  }
  return {};
}

Result<Future*> Pool::submit(std::string_view function, std::span<const std::byte> bytes,
                             Message::Ptr* message, const SubmitOptions& options) {
  const uint32_t index = function_index(function);
  // A message with handles needs a chunk that refers to them; one that lies in a chunk needs no
  // other.
  const size_t handles = message != nullptr ? (*message)->handle_count() : 0;
  const bool adopted = message != nullptr && handles == 0 && (*message)->whole_chunk();
  const bool small = !adopted && handles == 0 && bytes.size() <= kInlineBytes;
  Future::Ptr future(Future::create(*this, small ? bytes : std::span<const std::byte>()));
  if (!small && !adopted) {
    Result<Argument> kept =
        keep_argument(bytes, handles != 0 ? (*message)->handles() : std::span<const Held>());
    if (!kept) return kept.error().with_context("the argument of " + std::string(function));
    future->give_argument(*kept);
  }
  future->function = index;
  future->codec = options.codec;
  future->run_limit_ms = options.run_limit_ms;
  future->retries = retries(options.retries);
  if (!adopted) {
    BROOD_TRY(enqueue_bounded(*future, options));
    return future.release();
  }
  const Offset chunk = (*message)->chunk();
  future->give_argument(Argument::in_chunk({chunk, bytes.size(), 0}));
  Chunk::let_go(**message);
  Status status = enqueue_bounded(*future, options);
  if (status) {
    message->reset();
    return future.release();
  }
  future->give_argument(Argument());
  Chunk::take_up(**message, chunk);
  return status.error();
}

Status Pool::enqueue_bounded(Future& future, const SubmitOptions& options) {
  const Patience patience;  // what is queued is done
  const uint64_t most = options_.max_pending;
  const auto may_enter = [&] {
    std::lock_guard lock(mutex_);
    return outstanding_ < most || !refusal_locked().ok();
  };
  for (;;) {
    {
      std::lock_guard lock(mutex_);
      if (most == 0 || outstanding_ < most || !refusal_locked().ok()) {
        future.ref();  // the pool's, until it drops the call
        Status status = accept_locked({&future, 0, 1});
        if (!status) future.unref();
        return status;
      }
    }
    Status status = wait(options.room, options.cancel, may_enter, nullptr);
    if (status.code() == Code::Timeout) {
      return Error(Code::Timeout, "the pool is full: " + std::to_string(most) +
                                      " tasks are pending (max_pending)");
    }
    if (!status) return status;
  }
}

Status Pool::accept_locked(const Span& span) {
  BROOD_TRY(refusal_locked());
  pending_.push_back(span);
  outstanding_ += span.count;
  dispatch_locked();
  return {};
}

// ---- handing them out --------------------------------------------------------------------------

void Pool::dispatch_locked() {
  for (auto& seat : seats_) seat->full = false;
  // One record at a time while there are few, so that every worker gets some of them.
  const uint64_t burst = std::clamp<uint64_t>(pending_.size() / (4 * seats_.size()), 1, 32);
  while (!pending_.empty()) {
    Seat* seat = roomiest_locked();
    if (seat == nullptr) break;
    for (uint64_t i = 0; i < burst && !pending_.empty(); ++i) {
      if (pending_.front().job->withdrawn) {
        const Span span = pending_.pop_front();
        span.job->drop_locked(span.count);
      } else if (const uint32_t most = room_for_tasks(*seat);
                 most == 0 || seat->send(pending_, functions_, most) == 0) {
        seat->full = true;
        break;
      }
    }
  }
  ring_workers_locked();
}

// The ready seat that holds least; among equals the one that gave a result last, whose worker is
// warm.
Seat* Pool::roomiest_locked() const {
  Seat* best = nullptr;
  for (const auto& seat : seats_) {
    if (seat->state != SeatState::Ready || seat->full) continue;
    if (best == nullptr || seat->held() < best->held() ||
        (seat->held() == best->held() && seat->last_result > best->last_result)) {
      best = seat.get();
    }
  }
  return best;
}

uint32_t Pool::room_for_tasks(const Seat& seat) const {
  if (options_.max_tasks_per_worker == 0) return Claim::kMostItems;
  const uint64_t used = seat.results_given + seat.held();
  return used < options_.max_tasks_per_worker
             ? static_cast<uint32_t>(options_.max_tasks_per_worker - used)
             : 0;
}

void Pool::ring_workers_locked() {
  const int cpu = platform::current_cpu();
  for (auto& seat : seats_) {
    if (!seat->publish()) continue;
    if (seat->holds_timed()) look_at_clock_locked();
    ChannelBlock& block = seat->block();
    block.host_cpu.store(cpu, std::memory_order_relaxed);
    last_sent_.store(seat->index(), std::memory_order_relaxed);
    // Pairs with the worker, which names its bell, then looks at the lane again before it sleeps.
    std::atomic_thread_fence(std::memory_order_seq_cst);
    ring(block.listener.load(std::memory_order_relaxed));
  }
}

void Pool::ring(uint32_t bell_id) {
  if (bell_id != 0) household_.arena().members().ring(BellId::unpack(bell_id));
}

// Nothing is queued, and somebody is idle while others hold tasks that they have not begun: half of
// what the richest holds goes back to the queue.
void Pool::rebalance_locked() {
  for (;;) {
    if (!pending_.empty() || phase_ == Phase::Ending) return;
    const bool idle = std::any_of(seats_.begin(), seats_.end(), [&](const auto& seat) {
      return seat->state == SeatState::Ready && seat->held() == 0 && room_for_tasks(*seat) != 0;
    });
    if (!idle) return;
    Seat* richest = nullptr;
    for (auto& seat : seats_) {
      if (seat->unstarted() > (richest != nullptr ? richest->unstarted() : 0)) richest = seat.get();
    }
    if (richest == nullptr) return;
    SpanQueue taken = richest->take_back((richest->unstarted() + 1) / 2);
    if (taken.empty()) return;
    stats_.moved += taken.size();
    pending_.prepend(std::move(taken));
    dispatch_locked();
  }
}

// ---- outcomes ----------------------------------------------------------------------------------

void Pool::settle_locked(const JobItem& item, Outcome outcome) {
  if (!troubles_.empty()) troubles_.erase({item.job, item.ticket});
  --outstanding_;
  note_change_locked();
  item.job->settle_locked(*this, item.ticket, std::move(outcome));
  tell_room_locked();
}

// Who waits for room in the pool has to look again.
void Pool::tell_room_locked() {
  if (room_watchers_.empty()) return;
  std::vector<Watcher*> told;
  told.swap(room_watchers_);
  for (Watcher* watcher : told) watcher->on_ready(*this);
}

void Pool::finish_locked(const JobItem& item, Message::Ptr value) {
  ++stats_.done;
  fruitless_deaths_ = 0;
  settle_locked(item, Outcome(std::move(value)));
  item.job->drop_locked(1);
}

// The caller drops the item.
void Pool::fail_locked(const JobItem& item, Error error) {
  if (error.code() == Code::Canceled) {
    ++stats_.canceled;
  } else {
    ++stats_.failed;
  }
  if (const auto trouble = troubles_.find({item.job, item.ticket});
      trouble != troubles_.end() && !trouble->second.history.empty()) {
    ErrorRecord record = error.record();
    record.message += "; earlier runs: " + trouble->second.history;
    error = Error(std::move(record));
  }
  settle_locked(item, Outcome(std::move(error)));
}

void Pool::fail_span_locked(const Span& span, const Error& error) {
  if (!span.job->withdrawn) {
    for (uint64_t i = 0; i < span.count; ++i) fail_locked({span.job, span.first + i}, error);
  }
  span.job->drop_locked(span.count);
}

void Pool::note_change_locked() {
  // Release: who sees the new number sees what changed.
  changes_.store(changes_.load(std::memory_order_relaxed) + 1, std::memory_order_release);
}

// ---- cancelling --------------------------------------------------------------------------------

bool Pool::cancel(Future& future) {
  bool was_done = false;
  {
    std::lock_guard lock(mutex_);
    drain_locked();
    was_done = future.done();
    if (!was_done) cancel_locked(future);
    dispatch_locked();
    advance_phase_locked();
  }
  nudge_drainer();
  run_callbacks();
  return !was_done;
}

void Pool::cancel_locked(Future& future) {
  const JobItem item{&future, 0};
  if (future.seat == Job::kNoSeat) {
    fail_locked(item, Error(Code::Canceled));
    future.withdrawn = true;  // dispatch drops it when it comes to it
    return;
  }
  Seat& seat = *seats_[future.seat];
  if (seat.take_back_one(future)) {
    fail_locked(item, Error(Code::Canceled));
    future.drop_locked(1);
    return;
  }
  trouble_locked(item).canceled = true;
  kill_locked(seat);
}

void Pool::cancel_all(Job& job) {
  {
    std::lock_guard lock(mutex_);
    drain_locked();
    const Error canceled(Code::Canceled);
    SpanQueue taken = pending_.remove(&job);
    while (!taken.empty()) fail_span_locked(taken.pop_front(), canceled);
    for (auto& seat : seats_) cancel_on_seat_locked(*seat, job);
    dispatch_locked();
    advance_phase_locked();
  }
  nudge_drainer();
  run_callbacks();
}

// What the seat's worker has not begun comes back, the job's part of it for good; what it has begun
// is ended with the worker.
void Pool::cancel_on_seat_locked(Seat& seat, Job& job) {
  if (!seat.holds(&job)) return;
  const Error canceled(Code::Canceled);
  SpanQueue back = seat.take_back(seat.held());
  SpanQueue taken = back.remove(&job);
  while (!taken.empty()) fail_span_locked(taken.pop_front(), canceled);
  pending_.prepend(std::move(back));
  bool begun = false;
  seat.for_each_held([&](Job* held, uint64_t ticket) {
    if (held != &job) return;
    trouble_locked({held, ticket}).canceled = true;
    begun = true;
  });
  if (begun) kill_locked(seat);
}

}  // namespace brood
