// A pool: its seats, its queue of tasks, and what happens to both. One mutex guards everything that
// is not atomic; workers never see it. Threads that come here: callers of the API, the pool's own
// thread (the attendant), and the loop's thread with news of processes. Counted: the user's handle,
// each task's owner and the runtime hold one reference each.
#pragma once

#include <atomic>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "pool/future.hpp"
#include "pool/seat.hpp"
#include "process/household.hpp"
#include "sync/waiter.hpp"

namespace brood {

struct PoolOptions {
  uint32_t workers = 1;
  uint32_t max_tasks_per_worker = 0;
  uint64_t max_pending = 0;
  int32_t retries = 0;
  std::string name;
  std::string initializer;
  std::vector<std::byte> initializer_data;
  std::vector<Held> initializer_handles;
  uint8_t initializer_codec = 0;
  std::string finalizer;
  ChildRequest program;  // command, environment, cwd, limits: what is the same for each worker
};

struct SubmitOptions {
  int64_t run_limit_ms = 0;
  int32_t retries = 0;  // 0: the pool's; negative: none
  uint8_t codec = 0;
  Deadline room = Deadline::after_ms(0);
  const CancelToken* cancel = nullptr;
};

struct PoolStats {
  uint32_t workers = 0, idle = 0, starting = 0;
  uint64_t pending = 0, done = 0, failed = 0, canceled = 0, lost = 0, timed_out = 0, retried = 0;
  uint64_t moved = 0, workers_started = 0;
};

struct WorkerInfo {
  uint32_t id;
  SeatState state;
  bool busy;
  int64_t pid;
  uint64_t tasks;
};

class Pool : public Waitable {
 public:
  // Makes it and asks for its workers. `retired` is called once, on some thread, when its last
  // worker is gone for good; the pool may then be forgotten.
  static Result<Pool*> create(Household& household, PoolOptions options,
                              std::function<void(Pool*)> retired);

  // `message` may be null; otherwise its handles travel along, and it is taken on success if it has
  // any.
  Result<Future*> submit(std::string_view function, std::span<const std::byte> bytes,
                         Message::Ptr* message, const SubmitOptions& options);
  // Submits and waits for the value; a call that is given up is cancelled.
  Result<Message::Ptr> call(std::string_view function, std::span<const std::byte> bytes,
                            const SubmitOptions& options, Deadline deadline,
                            const CancelToken* cancel);
  // The index under which a function's name is known here.
  uint32_t function_index(std::string_view name);
  // Queues items; their job keeps them until they are dropped. The mutex is held.
  Status accept_locked(const Span& span);
  // True when the call is now cancelled, or its worker is being killed for it; false: it is done.
  bool cancel(Future& future);
  // Cancels whatever of the job is not done.
  void cancel_all(Job& job);
  // How often an item may be run again, where the options say so.
  int32_t retries(int32_t wanted) const { return wanted == 0 ? options_.retries : wanted; }

  // Waits until `done()` is true, which must become so by a task's end. The caller fetches results
  // itself while nobody else does. `what` is notified when that may have happened; null: room in
  // the pool is waited for.
  Status wait(Deadline deadline, const CancelToken* cancel, const std::function<bool()>& done,
              Waitable* what);
  // Fetches what results there are, now.
  void poll();
  // What somebody may wait for was changed by other means than a task's end.
  void changed();
  void note_change_locked();
  void nudge_drainer();

  void shutdown();
  void terminate();
  // The user's handle is given back: a pool that nobody shut down is terminated.
  void release();
  Status join(Deadline deadline, const CancelToken* cancel);

  PoolStats stats();
  std::vector<WorkerInfo> workers();
  const PoolOptions& options() const { return options_; }
  Household& household() { return household_; }
  std::mutex& mutex() const { return mutex_; }

  // For jobs, with the mutex held.
  void call_later_locked(std::function<void()> callback) {
    callbacks_.push_back(std::move(callback));
  }
  void unread_failure(const Error& error);
  // Runs what was left for a moment without the lock.
  void run_callbacks();

  // A heap chunk for an argument that is too big for a lane; freed when the item is done.
  Result<Argument> keep_argument(std::span<const std::byte> bytes,
                                 std::span<const Held> handles = {});
  void drop_argument(const Argument& argument) {
    if (argument.in_heap) Chunk::free(household_.holdings(), argument.where);
  }

  bool ready() const override { return retired_.load(std::memory_order_acquire); }

 private:
  friend class WorkerEvents;
  enum class Phase : uint8_t { Open, Draining, Ending, Ended };

  Pool(Household& household, PoolOptions options, std::function<void(Pool*)> retired);
  ~Pool() override;
  std::mutex& watch_mutex() const override { return mutex_; }
  Status prepare();

  // scheduling (pool.cpp)
  void dispatch_locked();
  void rebalance_locked();
  void ring_workers_locked();
  Status enqueue_bounded(Future& future, const SubmitOptions& options);
  void settle_locked(const JobItem& item, Outcome outcome);
  void finish_locked(const JobItem& item, Message::Ptr value);
  void fail_locked(const JobItem& item, Error error);
  void fail_span_locked(const Span& span, const Error& error);
  void fail_all_locked(const Error& error);
  void advance_phase_locked();
  void retire_locked();
  void tell_room_locked();
  void cancel_locked(Future& future);
  void cancel_on_seat_locked(Seat& seat, Job& job);
  uint32_t room_for_tasks(const Seat& seat) const;
  Seat* roomiest_locked() const;
  void ring(uint32_t bell_id);
  Status refusal_locked() const;

  // results (pool_results.cpp)
  bool drain_locked();
  void drain_seat_locked(Seat& seat);
  Status take_record_locked(Seat& seat, const LaneReader::Record& record);
  Status take_outcome_locked(Seat& seat, const RecordHeader& header,
                             std::span<const std::byte> bytes);
  void protocol_broken_locked(Seat& seat, const Error& error);
  bool anything_there() const;
  int busy_cpu() const;
  Status wait_as_drainer(Waiter& waiter, Deadline deadline, const CancelToken* cancel,
                         const std::function<bool()>& done);
  Status wait_as_follower(Waiter& waiter, Deadline deadline, const CancelToken* cancel,
                          const std::function<bool()>& done, Waitable* what);
  class DrainerRole;
  bool become_drainer(Waiter& waiter);
  void leave_as_drainer();
  template <class Ready>
  Status sleep_for_results(Waiter& waiter, Deadline deadline, const CancelToken* cancel,
                           uint64_t& seen, Ready ready);
  void attend();
  void end_crowd(Waiter& waiter);
  // Results come so fast that a wake for each would cost more than the tasks.
  bool crowded() const { return block_->ring_after.load(std::memory_order_acquire) > 1; }

  // workers (pool_workers.cpp)
  void start_worker_locked(Seat& seat);
  Status launch_locked(Seat& seat);
  void give_up_member_locked(Seat& seat);
  Error why_not_ready(const Seat& seat, const ExitReport& report) const;
  void worker_ready_locked(Seat& seat);
  void end_in_order_locked(Seat& seat);
  void on_started(uint32_t seat, uint64_t generation, int64_t pid);
  void on_failed(uint32_t seat, uint64_t generation, const Error& error);
  void on_died(uint32_t seat, uint64_t generation, const ExitReport& report);
  void on_tree_gone();
  void bury_locked(Seat& seat, const ExitReport& report);
  void note_fruitless_death_locked(const Seat& seat, const ExitReport& report);
  void blame_locked(Seat& seat, const JobItem& item, const ExitReport& report);
  void start_failed_locked(Seat& seat, const Error& error);
  void replace_locked(Seat& seat, bool at_once);
  void break_locked(const Error& cause);
  void kill_locked(Seat& seat);

  // time (pool_time.cpp)
  void look_at_clock_locked();
  void check_time();
  Clock::time_point check_limit_locked(Seat& seat, Clock::time_point now);
  void arm_timer_locked(Clock::time_point at);
  void set_timer(Clock::time_point at);

  Household& household_;
  PoolOptions options_;
  std::function<void(Pool*)> retired_callback_;
  mutable std::mutex mutex_;
  Phase phase_ = Phase::Open;
  std::optional<Error> broken_;  // why no more tasks are taken
  std::vector<std::unique_ptr<Seat>> seats_;
  SpanQueue pending_;
  // What is to be known of an item besides its job, until it is done: few have any.
  struct Trouble {
    int32_t deaths = 0;      // workers that died with it
    std::string history;     // how
    bool canceled = false;   // while it ran: its worker's death is no failure
    bool timed_out = false;  // its worker was killed for its run limit
  };
  using TroubleKey = std::pair<const Job*, uint64_t>;
  std::map<TroubleKey, Trouble> troubles_;
  Trouble& trouble_locked(const JobItem& item) { return troubles_[{item.job, item.ticket}]; }
  uint64_t outstanding_ = 0;  // submitted and not done
  MessageBlocks blocks_;      // where results lie
  std::vector<Watcher*> room_watchers_;
  std::vector<std::string> functions_;
  std::map<std::string, uint32_t, std::less<>> function_indexes_;
  std::vector<std::function<void()>> callbacks_;
  uint32_t running_callbacks_ = 0;
  bool is_retiring_ = false;
  PoolStats stats_;
  std::atomic<uint32_t> last_sent_{0};  // a seat, as a hint for who waits
  std::atomic<uint64_t> results_{0};    // received; written with the mutex held
  std::atomic<uint64_t> changes_{0};  // of what waits look at, results or not; with the mutex held
  std::mutex unread_mutex_;           // guards the next line only
  std::optional<Error> unread_failure_;
  uint32_t trees_ = 0;                // process trees that are not gone yet
  uint32_t failed_starts_ = 0;        // since the last worker that became ready
  uint32_t fruitless_deaths_ = 0;     // workers lost since the last result
  uint64_t started_before_loss_ = 0;  // workers that the last nursery's death was counted for
  Clock::time_point timer_at_ = Clock::time_point::max();
  std::unique_ptr<Timer> timer_;  // made, used and destroyed on the loop's thread

  uint64_t memory_ = 0;  // the chunk with the PoolBlock and every seat's channel
  Argument initializer_argument_;
  PoolBlock* block_ = nullptr;
  std::atomic<uint32_t> drainer_{0};  // as in the block; guards who fetches results
  std::vector<Bell*> followers_;      // threads that wait while another fetches
  platform::Thread* attendant_ = nullptr;
  std::atomic<bool> attendant_stops_{false};
  std::atomic<bool> retired_{false};
};

}  // namespace brood
