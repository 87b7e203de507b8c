// A worker as its pool sees it: the lanes, and which tasks it holds. A seat stays when its worker
// dies; the next worker takes it over with fresh lanes. Guarded by the pool's mutex but for what
// says otherwise.
#pragma once

#include <deque>
#include <memory>
#include <string>
#include <vector>

#include "channel/lane.hpp"
#include "pool/frames.hpp"
#include "pool/span_queue.hpp"
#include "process/nursery.hpp"

namespace brood {

enum class SeatState : uint8_t {
  Empty,     // no worker, and none is coming by itself
  Pausing,   // a worker will be started when its pause is over
  Starting,  // asked of the nursery, or in its initializer
  Ready,
  Ending,  // its task lane is closed, or it was killed: it takes no more tasks
};

class Seat {
 public:
  Seat(uint32_t index, ChannelBlock* block);

  // Lays the lanes out anew for a worker that is about to start.
  void open_channel();
  // Sends the first item of `pending`, and those behind it that fit its job's chunk, if there is
  // room. `most` bounds their number. Returns how many were sent; publish() makes them visible.
  uint32_t send(SpanQueue& pending, const std::vector<std::string>& functions, uint32_t most);
  // Commits what was sent; true if the worker may have to be woken.
  bool publish();
  // No more tasks: the worker ends when it has read its lane.
  void close_lane() { tasks_.close(); }

  // The item whose result has this sequence, taken off the seat.
  JobItem finish(uint64_t sequence);
  // The same item, left where it is.
  JobItem find(uint64_t sequence) const;
  // Takes back up to `most` items that were not started, from the end, in order.
  SpanQueue take_back(uint64_t most);
  // Takes back a job of one item; false if it was started.
  bool take_back_one(const Job& job);
  // After its worker's death and the last drain: what it had begun, and what it had not.
  struct Remains {
    SpanQueue begun;
    SpanQueue untouched;
  };
  Remains clear();

  // The timed item that runs, and since when; nothing when none does.
  struct Running {
    uint64_t sequence;
    int64_t since_ns;
  };
  std::optional<Running> running() const;
  // Of the timed items that it holds.
  int64_t shortest_limit_ms() const;
  static size_t channel_bytes();
  bool holds_timed() const { return timed_ > 0; }
  bool holds(const Job* job) const;

  uint32_t index() const { return index_; }
  ChannelBlock& block() const { return *block_; }
  LaneReader& results() { return results_; }
  // Items that it was sent and has not answered.
  uint64_t held() const { return held_; }
  // Those that are surely not started yet. The first one may be running; that a later one is too (a
  // worker that answers out of order) is found out by the claim.
  uint64_t unstarted() const { return held_ == 0 ? 0 : held_ - 1; }
  // Calls `each(job, ticket)` for the items that it holds, in the order they were sent.
  template <class Each>
  void for_each_held(Each each) const {
    for (const Sent& sent : records_) {
      for (uint32_t i = sent.answered_first; i < sent.count; ++i) {
        if (!sent.was_answered(i)) each(sent.job, sent.ticket + i);
      }
    }
  }
  // The worker did something that the pool waits for: it gave results, or space back in a lane that
  // was full. Any thread, no lock.
  bool has_news() const {
    return result_lane_->tail.load(std::memory_order_acquire) !=
               result_lane_->head.load(std::memory_order_acquire) ||
           has_room_again();
  }
  // Once after a send found the lane full: true when there is room now.
  bool take_room();

  SeatState state = SeatState::Empty;
  std::shared_ptr<Child> child;
  platform::Fd control;  // closed, it ends the worker
  int64_t pid = 0;
  MemberId member;
  uint64_t generation = 0;     // counts workers: an event of an earlier one is recognised by it
  uint64_t start_number = 0;   // which start of the pool's brought this worker
  uint64_t results_given = 0;  // by this worker
  uint64_t last_result = 0;    // the pool's count of results when it gave its last one
  std::atomic<bool> lane_broken{false};  // its results made no sense: nothing more is read
  std::unique_ptr<Error> start_failure;  // what it reported before it died
  bool full = false;                     // found so in this round of dispatching
  bool killed_by_pool = false;           // its death is the pool's own doing, no sign of trouble
  Clock::time_point pause_ends{};

 private:
  // A task record in the lane.
  struct Sent {
    Job* job;
    uint64_t ticket;    // of its first item; the others follow
    uint64_t sequence;  // likewise
    uint64_t position;
    uint32_t count;               // items that were not taken back
    uint32_t answered_first = 0;  // so many from the front are answered
    // Of those behind, which are answered: only of workers that answer out of order.
    std::unique_ptr<std::vector<bool>> answered;

    bool was_answered(uint32_t i) const {
      return i < answered_first || (answered && i < answered->size() && (*answered)[i]);
    }
    // Notes an answer; false if there was one.
    bool answer(uint32_t i);
    bool done() const { return answered_first >= count; }
  };
  TaskFrame* frame_at(uint64_t position) {
    return reinterpret_cast<TaskFrame*>(tasks_.record_at(position) + 1);
  }
  bool has_room_again() const {
    const uint64_t beyond = wants_room_beyond_.load(std::memory_order_acquire);
    return beyond != kWantsNone && task_lane_->head.load(std::memory_order_acquire) != beyond;
  }
  bool send_function(uint32_t function, const std::string& name);
  Sent* record_of(uint64_t sequence);
  void forget(const Sent& sent, uint64_t items);

  uint32_t index_;
  ChannelBlock* block_;
  LaneHeader* const task_lane_;
  LaneHeader* const result_lane_;
  static constexpr uint64_t kWantsNone = UINT64_MAX;
  std::atomic<uint64_t> wants_room_beyond_{kWantsNone};  // the head of the lane that was full
  LaneWriter tasks_;
  LaneReader results_;
  std::deque<Sent> records_;  // with an item that is not answered, in order
  uint64_t held_ = 0;
  std::vector<bool> known_functions_;
  uint64_t next_sequence_ = 0;
  uint64_t timed_ = 0;  // items of jobs with a run limit
};

}  // namespace brood
