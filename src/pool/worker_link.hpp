// A worker's end of its lanes: takes tasks, gives answers. One thread takes at a time; any thread
// answers. Nothing here calls user code.
#pragma once

#include <deque>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "channel/lane.hpp"
#include "channel/message.hpp"
#include "pool/frames.hpp"
#include "pool/start_orders.hpp"
#include "shm/arena.hpp"
#include "sync/cancel.hpp"
#include "sync/waiter.hpp"

namespace brood {

class WorkerLink;

// One call, from the moment this worker started it to its answer. Its argument may lie in the lane,
// which stays as it is until the answer.
class WorkerTask {
 public:
  WorkerTask() = default;
  WorkerTask(const WorkerTask&) = delete;
  WorkerTask& operator=(const WorkerTask&) = delete;

  const std::string& function() const { return *function_; }
  // What the caller found under that name, kept for the next task of the same function; null at
  // first.
  const void*& resolved() { return *resolved_; }
  Message& argument() { return *argument_; }
  bool answered() const { return answered_.load(std::memory_order_acquire); }
  // It was answered with a failure.
  bool failed() const { return failed_; }

 private:
  friend class WorkerLink;
  enum class Kind : uint8_t { Task, Initializer, Finalizer };
  Kind kind_ = Kind::Task;
  const std::string* function_ = nullptr;
  const void** resolved_ = nullptr;
  Message::Ptr argument_;
  uint64_t sequence_ = 0;
  bool timed_ = false;
  std::atomic<bool> answered_{false};  // or being answered: decides between threads
  bool failed_ = false;
};

class WorkerLink {
 public:
  // Protocol when the orders name something that is not there.
  static Result<std::unique_ptr<WorkerLink>> open(Holdings& holdings,
                                                  std::shared_ptr<BellRack> rack,
                                                  StartOrders orders);

  // Starts the next item: first the initializer, if there is one, whose answer tells the host
  // whether this worker is ready; last the finalizer. Closed when no more will come.
  Status next(Deadline deadline, const CancelToken* cancel, WorkerTask& task);

  // From now on a task is answered before the next one is taken: no lock is needed.
  void answer_in_turn() { in_turn_ = true; }
  // Each task once; State the second time. A failure leaves the task unanswered.
  Status reply(WorkerTask& task, std::span<const std::byte> bytes, uint8_t codec);
  // Takes the message on success.
  Status reply(WorkerTask& task, Message::Ptr& message);
  Status fail(WorkerTask& task, const ErrorRecord& record);
  // A message in the heap, filled in place and given to reply() without a copy.
  Result<Message::Ptr> loan(size_t size, uint8_t codec);

  const StartOrders& orders() const { return orders_; }

 private:
  struct Function {
    std::string name;
    const void* resolved = nullptr;
  };
  // A task record that is being worked on; its place in the lane is given back when all is
  // answered. The thread that takes moves through it without a lock; who answers only reads how far
  // that came.
  struct Open {
    TaskFrame* frame;
    Function* function;
    uint64_t first;
    uint32_t count;
    uint32_t answered = 0;  // under the lock
    std::byte* next_item;
    std::byte* end;
    uint64_t end_position;
    uint8_t codec;
    bool timed;
    std::atomic<uint32_t> started{0};
    std::atomic<bool> exhausted{false};  // the host took the rest back, or all is started
  };

  WorkerLink(Holdings& holdings, std::shared_ptr<BellRack> rack, StartOrders orders,
             ChannelBlock* channel, PoolBlock* pool);

  enum class Stage : uint8_t { Begin, Initializing, Tasks, Finalizing, Over };
  Result<bool> start_bracket(WorkerTask& task);
  Status begin_bracket(WorkerTask& task, WorkerTask::Kind kind);
  Status next_task(Deadline deadline, const CancelToken* cancel, WorkerTask& task);
  Status answer_bracket(WorkerTask& task, const ErrorRecord* failure);
  Result<Message::Ptr> initializer_argument();
  Status report_ready_locked();
  Status report_start_failure_locked(ErrorRecord failure);

  Result<bool> start_item(Open& open, WorkerTask& task);
  Result<bool> read_record();
  Status open_task(const LaneReader::Record& record);
  void leave_record();
  Status learn_function(const LaneReader::Record& record);
  Status read_argument(Open& open, const Item& item, Message::Ptr& argument);
  Status wait_for_task(Deadline deadline, const CancelToken* cancel);

  template <class Answer>
  Status once(WorkerTask& task, Answer answer);
  Status answer(WorkerTask& task, uint16_t kind, std::span<const std::byte> bytes, uint8_t codec,
                Message::Ptr* message);
  Status write(uint16_t kind, uint64_t sequence, std::span<const std::byte> bytes, uint8_t codec,
               Message::Ptr* message);
  Result<Chunk::Name> chunk_for(std::span<const std::byte> bytes, Message::Ptr* message);
  Status write_record(uint16_t kind, uint64_t sequence, std::span<const std::byte> bytes,
                      uint8_t codec, const HeapBytes* in_heap);
  Result<RecordHeader*> room_for(size_t size);
  void tell_host();
  void ring_host(bool idle);
  void close_item(uint64_t sequence);
  void give_back();

  Holdings& holdings_;
  Arena& arena_;
  const std::shared_ptr<BellRack> rack_;
  const StartOrders orders_;
  ChannelBlock* const channel_;
  PoolBlock* const pool_;
  LaneReader tasks_;
  LaneHeader* task_lane_ = nullptr;
  std::vector<std::unique_ptr<Function>> functions_;  // by index; pointers stay
  const void* bracket_resolved_ = nullptr;
  Open* taking_ = nullptr;  // the record whose items are being started

  // Held while the lane and what belongs to it are used, unless answers come in turn.
  std::unique_lock<std::mutex> turn() {
    return in_turn_ ? std::unique_lock<std::mutex>() : std::unique_lock(answering_);
  }

  bool in_turn_ = false;
  std::mutex answering_;  // guards changes of the stage, the result lane and the open records
  std::atomic<Stage> stage_{Stage::Begin};
  LaneWriter results_;
  LaneHeader* result_lane_ = nullptr;
  std::deque<Open> open_;
  std::atomic<uint64_t> read_to_{0};  // how far the task lane was read; by the thread that takes
  uint32_t unrung_ = 0;               // results committed since the host was last told
  bool room_untold_ = false;          // space given back since then
};

}  // namespace brood
