// Workers come and go: starting them, what their death means for the tasks they held, and when to
// give up.
#include <algorithm>
#include <csignal>
#include <cstring>

#include "pool/failure.hpp"
#include "pool/pool.hpp"
#include "pool/start_orders.hpp"
#include "process/launch.hpp"
#include "shm/reaper.hpp"

namespace brood {

namespace {

// A pool gives up after this many starts in a row beyond one a seat that did not lead to a ready
// worker,
constexpr uint32_t kMostFailedStarts = 3;
// and after this many deaths in a row without a single result between them.
constexpr uint32_t kMostFruitlessDeaths = 32;
constexpr uint32_t kDeathsWithoutPause = 4;

// How long to wait before the next start after `deaths` in a row that led to nothing.
std::chrono::milliseconds pause_after(uint32_t deaths) {
  if (deaths <= kDeathsWithoutPause) return std::chrono::milliseconds(0);
  return std::chrono::milliseconds(1) * (1 << std::min(deaths - kDeathsWithoutPause, 8u));
}

std::string how_it_ended(const ExitReport& report) {
  if (report.nursery_lost) return "its nursery was killed";
  std::string how = report.signal != 0 ? "killed by signal " + std::to_string(report.signal)
                                       : "exited with code " + std::to_string(report.exit_code);
  if (report.keeper_lost) how += " after its keeper was killed";
  if (report.out_of_memory) how += ", likely out of memory";
  return how;
}

ErrorRecord death_record(Code code, const ExitReport& report, int64_t pid, std::string message) {
  ErrorRecord record;
  record.code = code;
  record.message = std::move(message);
  record.pid = pid;
  record.exit_code = report.signal != 0 ? -1 : report.exit_code;
  record.signal = report.signal;
  return record;
}

}  // namespace

// News of one worker, for the seat it sits on. Holds its pool.
class WorkerEvents final : public ChildEvents {
 public:
  WorkerEvents(Pool& pool, uint32_t seat, uint64_t generation)
      : pool_(pool), seat_(seat), generation_(generation) {
    pool_.ref();
  }
  ~WorkerEvents() override { pool_.unref(); }
  void started(int64_t pid) override { pool_.on_started(seat_, generation_, pid); }
  void failed(const Error& error) override { pool_.on_failed(seat_, generation_, error); }
  void died(const ExitReport& report) override { pool_.on_died(seat_, generation_, report); }
  void tree_gone() override { pool_.on_tree_gone(); }

 private:
  Pool& pool_;
  const uint32_t seat_;
  const uint64_t generation_;
};

// ---- starting ----------------------------------------------------------------------------------

Status Pool::launch_locked(Seat& seat) {
  seat.open_channel();
  Arena& arena = household_.arena();
  Result<MemberId> member = arena.members().reserve(household_.me().slot);
  if (!member) return member.error();
  seat.member = *member;
  StartOrders orders;
  orders.worker_id = static_cast<int32_t>(seat.index());
  orders.channel = arena.offset_of(&seat.block());
  orders.channel_bytes = Seat::channel_bytes();
  orders.pool_block = arena.offset_of(block_);
  if (initializer_argument_.in_heap) {
    const Chunk::Name argument = initializer_argument_.chunk();
    orders.initializer_data = {argument.offset, argument.size, argument.refs,
                               options_.initializer_codec};
  }
  orders.initializer = options_.initializer;
  orders.finalizer = options_.finalizer;
  HandOff hand_off;
  hand_off.name = options_.name + "-" + std::to_string(seat.index());
  hand_off.depth = household_.depth() + 1;
  hand_off.member = member->slot;
  hand_off.payload = encode_start_orders(orders);
  Result<WorkerProcess> process =
      launch_worker(household_, options_.program, std::move(hand_off),
                    std::make_shared<WorkerEvents>(*this, seat.index(), seat.generation));
  if (!process) {
    arena.members().cancel_reservation(*member);
    return process.error();
  }
  seat.child = std::move(process->child);
  seat.control = std::move(process->control);
  return {};
}

void Pool::start_worker_locked(Seat& seat) {
  ++seat.generation;
  seat.start_number = ++stats_.workers_started;
  seat.pid = 0;
  seat.state = SeatState::Starting;
  if (Status status = launch_locked(seat); !status) {
    seat.state = SeatState::Empty;
    start_failed_locked(seat, status.error());
    return;
  }
  ++trees_;
}

void Pool::on_started(uint32_t index, uint64_t generation, int64_t pid) {
  std::lock_guard lock(mutex_);
  Seat& seat = *seats_[index];
  if (seat.generation == generation) seat.pid = pid;
}

void Pool::worker_ready_locked(Seat& seat) {
  if (seat.state != SeatState::Starting) return;
  seat.state = SeatState::Ready;
  // The nursery's news of it may come later than its own.
  seat.pid = household_.arena().members().at(seat.member.slot).pid.load(std::memory_order_relaxed);
  failed_starts_ = 0;
  if (phase_ != Phase::Open) advance_phase_locked();
  dispatch_locked();
  rebalance_locked();
}

// No more tasks for this worker: it ends when it has done what it holds.
void Pool::end_in_order_locked(Seat& seat) {
  seat.state = SeatState::Ending;
  seat.killed_by_pool = true;
  seat.close_lane();
  std::atomic_thread_fence(std::memory_order_seq_cst);
  ring(seat.block().listener.load(std::memory_order_relaxed));
}

void Pool::kill_locked(Seat& seat) {
  seat.state = SeatState::Ending;
  seat.killed_by_pool = true;
  if (seat.child) seat.child->kill();
}

// The process that the slot was for is no more. The nursery reaps before it reports a death; where
// it could not, or is gone itself, this process does.
void Pool::give_up_member_locked(Seat& seat) {
  if (household_.arena().members().is_gone(seat.member)) return;
  household_.arena().members().mark_dead(seat.member);
  (void)reap(household_.arena(), seat.member, household_.me().slot);
}

// ---- ending ------------------------------------------------------------------------------------

void Pool::on_failed(uint32_t index, uint64_t generation, const Error& error) {
  {
    std::lock_guard lock(mutex_);
    Seat& seat = *seats_[index];
    --trees_;
    if (seat.generation == generation) {
      ExitReport report;
      report.nursery_lost = error.code() == Code::WorkerLost;
      give_up_member_locked(seat);
      drain_seat_locked(seat);
      if (seat.state == SeatState::Starting && !report.nursery_lost) {
        seat.child.reset();
        seat.control.reset();
        seat.state = SeatState::Empty;
        start_failed_locked(seat, error.with_context("the worker could not be started"));
      } else {
        // It began all the same: who should have told of it was killed before.
        report.keeper_lost = !report.nursery_lost;
        report.signal = SIGKILL;
        bury_locked(seat, report);
      }
    }
    advance_phase_locked();
  }
  nudge_drainer();
  run_callbacks();
}

void Pool::on_died(uint32_t index, uint64_t generation, const ExitReport& report) {
  {
    std::lock_guard lock(mutex_);
    Seat& seat = *seats_[index];
    if (seat.generation != generation) return;
    give_up_member_locked(seat);
    drain_seat_locked(seat);  // what it committed counts
    bury_locked(seat, report);
    advance_phase_locked();
  }
  nudge_drainer();
  run_callbacks();
}

// Blames the dead worker for what it had begun, gives the rest to others, and replaces it.
void Pool::bury_locked(Seat& seat, const ExitReport& report) {
  const SeatState was = seat.state;
  seat.child.reset();
  seat.state = SeatState::Empty;
  Seat::Remains remains = seat.clear();
  const bool lost = !remains.begun.empty();
  while (!remains.begun.empty()) {
    const Span span = remains.begun.pop_front();
    for (uint64_t i = 0; i < span.count; ++i) {
      blame_locked(seat, {span.job, span.first + i}, report);
    }
  }
  stats_.moved += remains.untouched.size();
  pending_.prepend(std::move(remains.untouched));
  if (was == SeatState::Starting && !seat.killed_by_pool && !report.nursery_lost) {
    const Error why = why_not_ready(seat, report);
    seat.control.reset();
    start_failed_locked(seat, why);
  } else {
    seat.control.reset();
    if (!seat.killed_by_pool) note_fruitless_death_locked(seat, report);
    replace_locked(seat, lost || seat.killed_by_pool);
  }
  dispatch_locked();
  rebalance_locked();
}

// A nursery takes all workers with it, those that are just starting too: that is one death, and no
// failure of theirs.
void Pool::note_fruitless_death_locked(const Seat& seat, const ExitReport& report) {
  if (report.nursery_lost) {
    if (seat.start_number <= started_before_loss_) return;
    started_before_loss_ = stats_.workers_started;
  }
  ++fruitless_deaths_;
  if (fruitless_deaths_ < kMostFruitlessDeaths) return;
  break_locked(Error(death_record(
      Code::Broken, report, seat.pid,
      "the pool \"" + options_.name + "\" gave up: " + std::to_string(fruitless_deaths_) +
          " workers died without a result between them, the last one " + how_it_ended(report))));
}

void Pool::on_tree_gone() {
  {
    std::lock_guard lock(mutex_);
    --trees_;
    advance_phase_locked();
  }
  nudge_drainer();
}

// The item that a worker died with: cancelled, over its limit, to be run again, or lost.
void Pool::blame_locked(Seat& seat, const JobItem& item, const ExitReport& report) {
  Job& job = *item.job;
  const std::string& function = functions_[job.function];
  Trouble& trouble = trouble_locked(item);
  if (trouble.canceled) {
    fail_locked(item, Error(Code::Canceled));
    job.drop_locked(1);
    return;
  }
  ++trouble.deaths;
  const std::string run = "worker " + std::to_string(seat.pid) + " " + how_it_ended(report);
  if (trouble.timed_out) {
    ++stats_.timed_out;
    fail_locked(item, Error(death_record(Code::TaskTimeout, report, seat.pid,
                                         "\"" + function + "\" passed its run limit of " +
                                             std::to_string(job.run_limit_ms) +
                                             " ms; its worker was killed")));
    job.drop_locked(1);
    return;
  }
  ++stats_.lost;
  if (trouble.deaths <= job.retries && phase_ != Phase::Ending) {
    ++stats_.retried;
    if (!trouble.history.empty()) trouble.history += "; ";
    trouble.history += run;
    pending_.push_front({&job, item.ticket, 1});
    return;
  }
  fail_locked(item, Error(death_record(Code::WorkerLost, report, seat.pid,
                                       run + " while it ran \"" + function + "\" (run " +
                                           std::to_string(trouble.deaths) + ")")));
  job.drop_locked(1);
}

Error Pool::why_not_ready(const Seat& seat, const ExitReport& report) const {
  if (seat.start_failure) return *seat.start_failure;
  // What brood_init() had to say in the worker.
  if (const Result<platform::Packet> said =
          platform::receive_packet(seat.control.get(), Deadline::after_ms(0))) {
    if (Result<ErrorRecord> failure = decode_failure(said->bytes)) {
      failure->pid = seat.pid;
      return Error(std::move(*failure));
    }
  }
  return Error(death_record(
      Code::InitFailed, report, seat.pid,
      "the worker " + how_it_ended(report) +
          " before it was ready: its program must call brood_init() first in main(), and the "
          "initializer must return"));
}

void Pool::start_failed_locked(Seat& seat, const Error& error) {
  ++failed_starts_;
  if (failed_starts_ > kMostFailedStarts) {
    ErrorRecord record = error.record();
    record.code = Code::InitFailed;
    record.message = "the pool \"" + options_.name + "\" cannot start workers: " + record.message;
    break_locked(Error(std::move(record)));
    return;
  }
  replace_locked(seat, false);
}

// Puts a new worker on an empty seat, if there is a use for one.
void Pool::replace_locked(Seat& seat, bool at_once) {
  if (broken_ || phase_ == Phase::Ending || phase_ == Phase::Ended) return;
  if (phase_ == Phase::Draining && outstanding_ == 0) return;
  const auto pause = pause_after(std::max(fruitless_deaths_, failed_starts_ + kDeathsWithoutPause));
  if (pause.count() == 0 || (at_once && fruitless_deaths_ <= kDeathsWithoutPause)) {
    start_worker_locked(seat);
    return;
  }
  seat.state = SeatState::Pausing;
  seat.pause_ends = Clock::now() + pause;
  arm_timer_locked(seat.pause_ends);
}

// No worker will come any more: everything that is not done fails with the cause.
void Pool::break_locked(const Error& cause) {
  if (broken_) return;
  broken_ = cause;
  for (auto& seat : seats_) {
    if (seat->state == SeatState::Pausing) seat->state = SeatState::Empty;
    if (seat->child) kill_locked(*seat);
  }
  fail_all_locked(cause);
}

void Pool::fail_all_locked(const Error& error) {
  for (auto& seat : seats_) {
    Seat::Remains remains = seat->clear();
    pending_.append(std::move(remains.begun));
    pending_.append(std::move(remains.untouched));
  }
  while (!pending_.empty()) fail_span_locked(pending_.pop_front(), error);
}

}  // namespace brood
