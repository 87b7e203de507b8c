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
#include "pool/task_queue.hpp"
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
  // Sends the first task of `pending`, and those of its group that fit its chunk, if there is room.
  // `most` bounds the number of items. Returns how many were sent; publish() makes them visible.
  uint32_t send(TaskQueue& pending, const std::vector<std::string>& functions, uint32_t most);
  // Commits what was sent; true if the worker may have to be woken.
  bool publish();
  // No more tasks: the worker ends when it has read its lane.
  void close_lane() { tasks_.close(); }

  // The task whose result has this sequence, taken off the seat; null if it holds none such.
  Task* finish(uint64_t sequence);
  // Takes back up to `most` tasks that were not started, from the end, in order.
  TaskQueue take_back(uint64_t most);
  // Takes back one task; false if it was started.
  bool take_back_one(Task& task);
  // After its worker's death and the last drain: what it had begun, and what it had not.
  struct Remains {
    TaskQueue begun;
    TaskQueue untouched;
  };
  Remains clear();

  // The timed item that runs, and since when; nothing when none does.
  struct Running {
    uint64_t sequence;
    int64_t since_ns;
  };
  std::optional<Running> running() const;
  Task* find(uint64_t sequence) const;
  // Of the timed tasks that it holds.
  int64_t shortest_limit_ms() const;
  static size_t channel_bytes();
  bool holds_timed() const { return timed_ > 0; }
  bool holds_group(const void* group) const;

  uint32_t index() const { return index_; }
  ChannelBlock& block() const { return *block_; }
  LaneReader& results() { return results_; }
  uint64_t held() const { return sent_.size(); }
  const TaskQueue& sent() const { return sent_; }
  // Tasks it holds that are surely not started yet.
  uint64_t unstarted() const;
  // Looks at shared words only: any thread, no lock.
  bool has_results() const {
    return result_lane_->tail.load(std::memory_order_acquire) !=
           result_lane_->head.load(std::memory_order_relaxed);
  }

  SeatState state = SeatState::Empty;
  std::shared_ptr<Child> child;
  platform::Fd control;  // closed, it ends the worker
  int64_t pid = 0;
  MemberId member;
  uint64_t generation = 0;     // counts workers: an event of an earlier one is recognised by it
  uint64_t start_number = 0;   // which start of the pool's brought this worker
  uint64_t results_given = 0;  // by this worker
  uint64_t last_result = 0;    // the pool's count of results when it gave its last one
  bool lane_broken = false;    // its results made no sense: nothing more is read
  std::unique_ptr<Error> start_failure;  // what it reported before it died
  bool full = false;                     // found so in this round of dispatching
  bool killed_by_pool = false;           // its death is the pool's own doing, no sign of trouble
  Clock::time_point pause_ends{};

 private:
  struct Sent {
    uint64_t first;
    uint32_t count;
    uint64_t position;
  };
  TaskFrame* frame_at(uint64_t position) {
    return reinterpret_cast<TaskFrame*>(tasks_.record_at(position) + 1);
  }
  bool send_function(uint32_t function, const std::string& name);
  void write_item(std::byte*& at, const Task& task);

  uint32_t index_;
  ChannelBlock* block_;
  LaneHeader* const result_lane_;
  LaneWriter tasks_;
  LaneReader results_;
  TaskQueue sent_;
  std::deque<Sent> records_;
  std::vector<bool> known_functions_;
  uint64_t next_sequence_ = 0;
  uint64_t timed_ = 0;
};

}  // namespace brood
