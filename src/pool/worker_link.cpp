#include "pool/worker_link.hpp"

#include <cstring>

#include "base/patience.hpp"
#include "pool/failure.hpp"

namespace brood {

namespace {

Error damaged(const std::string& what) {
  return Error(Code::Protocol, what + ": the host must run the same brood as this worker");
}

}  // namespace

// ---- opening -----------------------------------------------------------------------------------

Result<std::unique_ptr<WorkerLink>> WorkerLink::open(Holdings& holdings,
                                                     std::shared_ptr<BellRack> rack,
                                                     StartOrders orders) {
  Arena& arena = holdings.arena();
  constexpr size_t kFixed = offsetof(ChannelBlock, lanes);
  const size_t task_bytes = lane_bytes(kTaskLaneBytes);
  const size_t whole = kFixed + task_bytes + lane_bytes(kResultLaneBytes);
  std::byte* memory = arena.at(orders.channel, whole);
  std::byte* pool = arena.at(orders.pool_block, sizeof(PoolBlock));
  if (memory == nullptr || orders.channel_bytes != whole || orders.channel % kCacheLine != 0 ||
      pool == nullptr || orders.pool_block % kCacheLine != 0) {
    return damaged("the start orders name lanes that are not there");
  }
  auto* channel = reinterpret_cast<ChannelBlock*>(memory);
  std::byte* results = memory + kFixed + task_bytes;
  if (channel->magic != kChannelMagic ||
      lane_capacity(memory + kFixed, task_bytes) != kTaskLaneBytes ||
      lane_capacity(results, lane_bytes(kResultLaneBytes)) != kResultLaneBytes) {
    return damaged("the lanes that the start orders name are damaged");
  }
  std::unique_ptr<WorkerLink> link(new WorkerLink(holdings, std::move(rack), std::move(orders),
                                                  channel, reinterpret_cast<PoolBlock*>(pool)));
  arena.members().set_result_tail(holdings.me(), arena.offset_of(&link->result_lane_->tail));
  return link;
}

WorkerLink::WorkerLink(Holdings& holdings, std::shared_ptr<BellRack> rack, StartOrders orders,
                       ChannelBlock* channel, PoolBlock* pool)
    : holdings_(holdings),
      arena_(holdings.arena()),
      rack_(std::move(rack)),
      orders_(std::move(orders)),
      channel_(channel),
      pool_(pool),
      task_lane_(reinterpret_cast<LaneHeader*>(channel->lanes)),
      result_lane_(reinterpret_cast<LaneHeader*>(channel->lanes + lane_bytes(kTaskLaneBytes))) {
  tasks_ = LaneReader(task_lane_, kTaskLaneBytes);
  results_ = LaneWriter(result_lane_, kResultLaneBytes);
}

Result<Message::Ptr> WorkerLink::initializer_argument() {
  const HeapBytes& name = orders_.initializer_data;
  if (name.offset == 0) return Message::borrow(nullptr, 0, 0);
  return Chunk::borrow(holdings_, {name.offset, name.size, name.refs},
                       static_cast<uint8_t>(name.codec));
}

// ---- taking ------------------------------------------------------------------------------------

Status WorkerLink::next(Deadline deadline, const CancelToken* cancel, WorkerTask& task) {
  if (stage_.load(std::memory_order_acquire) != Stage::Tasks) {
    const auto lock = turn();
    Result<bool> bracket = start_bracket(task);
    if (!bracket) return bracket.error();
    if (*bracket) return {};
  }
  Status status = next_task(deadline, cancel, task);
  if (status.code() != Code::Closed) return status;
  const auto lock = turn();
  if (stage_ != Stage::Tasks || orders_.finalizer.empty()) {
    stage_ = Stage::Over;
    return status;
  }
  stage_ = Stage::Finalizing;
  return begin_bracket(task, WorkerTask::Kind::Finalizer);
}

// Before the first task and after the last. True if `task` is the initializer.
Result<bool> WorkerLink::start_bracket(WorkerTask& task) {
  switch (stage_) {
    case Stage::Begin:
      if (orders_.initializer.empty()) {
        BROOD_TRY(report_ready_locked());
        stage_ = Stage::Tasks;
        return false;
      }
      stage_ = Stage::Initializing;
      BROOD_TRY(begin_bracket(task, WorkerTask::Kind::Initializer));
      return true;
    case Stage::Initializing:
      return Error(Code::State, "the initializer was not answered yet: answer it first");
    case Stage::Tasks:
      return false;
    default:
      return Error(Code::Closed);
  }
}

Status WorkerLink::begin_bracket(WorkerTask& task, WorkerTask::Kind kind) {
  const bool first = kind == WorkerTask::Kind::Initializer;
  Result<Message::Ptr> argument =
      first ? initializer_argument() : Result<Message::Ptr>(Message::borrow(nullptr, 0, 0));
  if (!argument) return argument.error();
  task.kind_ = kind;
  task.function_ = first ? &orders_.initializer : &orders_.finalizer;
  bracket_resolved_ = nullptr;
  task.resolved_ = &bracket_resolved_;
  task.argument_ = std::move(*argument);
  task.timed_ = task.failed_ = false;
  task.answered_.store(false, std::memory_order_relaxed);
  return {};
}

Status WorkerLink::answer_bracket(WorkerTask& task, const ErrorRecord* failure) {
  task.failed_ = failure != nullptr;
  task.argument_.reset();
  if (task.kind_ == WorkerTask::Kind::Finalizer) return {};
  if (failure == nullptr) {
    stage_ = Stage::Tasks;
    return report_ready_locked();
  }
  stage_ = Stage::Over;
  ErrorRecord record = *failure;
  record.message = "the initializer \"" + orders_.initializer + "\" failed: " + record.message;
  return report_start_failure_locked(std::move(record));
}

Status WorkerLink::next_task(Deadline deadline, const CancelToken* cancel, WorkerTask& task) {
  const Patience patience;  // what is claimed has to be run
  for (;;) {
    if (taking_ != nullptr) {
      Result<bool> started = start_item(*taking_, task);
      if (!started) return started.error();
      if (*started) return {};
    }
    Result<bool> read = read_record();
    if (!read) return read.error();
    if (!*read) BROOD_TRY(wait_for_task(deadline, cancel));
  }
}

Result<bool> WorkerLink::start_item(Open& open, WorkerTask& task) {
  Item item;
  const uint32_t index = open.started.load(std::memory_order_relaxed);
  const auto left = static_cast<size_t>(open.end - open.next_item);
  if (left < sizeof item || !open.frame->claim.start(index)) {
    leave_record();
    return false;
  }
  std::memcpy(&item, open.next_item, sizeof item);
  if (item.size > left - sizeof item) return damaged("a task's argument is cut");
  task.kind_ = WorkerTask::Kind::Task;
  task.sequence_ = open.first + index;
  task.function_ = &open.function->name;
  task.resolved_ = &open.function->resolved;
  task.timed_ = open.timed;
  task.failed_ = false;
  task.answered_.store(false, std::memory_order_relaxed);
  BROOD_TRY(read_argument(open, item, task.argument_));
  open.next_item += std::min(left, sizeof item + padded(item.size));
  if (open.timed) {
    channel_->running_since_ns.store(Clock::now().time_since_epoch().count(),
                                     std::memory_order_relaxed);
    // Release: whoever sees the sequence sees since when.
    channel_->running.store(task.sequence_, std::memory_order_release);
  }
  // Before the item can be answered: its answer may be the record's last. Release: who sees that
  // the record is exhausted sees how much of it was started.
  open.started.store(index + 1, std::memory_order_relaxed);
  if (index + 1 == open.count) {
    taking_ = nullptr;
    open.exhausted.store(true, std::memory_order_release);
  }
  return true;
}

// The host took the rest of the record back.
void WorkerLink::leave_record() {
  const auto lock = turn();
  std::exchange(taking_, nullptr)->exhausted.store(true, std::memory_order_relaxed);
  give_back();
  room_untold_ = true;
}

Status WorkerLink::read_argument(Open& open, const Item& item, Message::Ptr& argument) {
  std::byte* body = open.next_item + sizeof item;
  if ((item.flags & kInHeap) == 0) {
    // The last task's message serves again if it was no more than a view.
    if (!argument || !argument->borrow_again(body, item.size, open.codec)) {
      argument = Message::borrow(body, item.size, open.codec);
    }
    return {};
  }
  HeapBytes bytes;
  if (item.size != sizeof bytes) return damaged("a task's argument is cut");
  std::memcpy(&bytes, body, sizeof bytes);
  Result<Message::Ptr> message =
      Chunk::borrow(holdings_, {bytes.offset, bytes.size, bytes.refs}, open.codec);
  if (!message) return message.error();
  argument = std::move(*message);
  return {};
}

// Moves to the next task record; false when there is none now.
Result<bool> WorkerLink::read_record() {
  LaneReader::Record record;
  for (;;) {
    Result<bool> got = tasks_.next(record);
    if (!got) return got.error();
    if (!*got) {
      if (tasks_.ended()) return Error(Code::Closed);
      return false;
    }
    if (record.header.kind == kFunctionRecord) {
      BROOD_TRY(learn_function(record));
    } else if (record.header.kind == kTaskRecord) {
      BROOD_TRY(open_task(record));
      return true;
    } else {
      return damaged("the host sent a record of the unknown kind " +
                     std::to_string(record.header.kind));
    }
  }
}

Status WorkerLink::learn_function(const LaneReader::Record& record) {
  uint32_t index;
  if (record.header.size < sizeof index) return damaged("a function's name is cut");
  std::memcpy(&index, record.data, sizeof index);
  if (index > 1u << 20) return damaged("a function has the number " + std::to_string(index));
  if (functions_.size() <= index) functions_.resize(index + 1);
  functions_[index] = std::make_unique<Function>();
  functions_[index]->name.assign(reinterpret_cast<const char*>(record.data) + sizeof index,
                                 record.header.size - sizeof index);
  return {};
}

Status WorkerLink::open_task(const LaneReader::Record& record) {
  if (record.header.size < sizeof(TaskFrame)) return damaged("a task is cut");
  auto* frame = reinterpret_cast<TaskFrame*>(record.data);
  const uint32_t function = frame->function;
  const uint32_t count = frame->count;
  if (function >= functions_.size() || !functions_[function] || count == 0 ||
      count > Claim::kMostItems) {
    return damaged("a task names no function");
  }
  const auto lock = turn();
  Open& open = open_.emplace_back();
  open.frame = frame;
  open.function = functions_[function].get();
  open.first = frame->sequence;
  open.count = count;
  open.next_item = record.data + sizeof(TaskFrame);
  open.end = record.data + record.header.size;
  open.end_position = tasks_.position();
  open.codec = record.header.codec;
  open.timed = (record.header.flags & kTimed) != 0;
  read_to_.store(open.end_position, std::memory_order_relaxed);
  taking_ = &open;
  return {};
}

Status WorkerLink::wait_for_task(Deadline deadline, const CancelToken* cancel) {
  if (deadline.is_now()) return Error(Code::Timeout);
  {
    // The host is told before this thread sleeps, whatever it gathers.
    const auto lock = turn();
    if (unrung_ != 0 || room_untold_) ring_host(true);
  }
  Waiter& waiter = Waiter::current(*rack_);
  channel_->worker_cpu.store(platform::current_cpu(), std::memory_order_relaxed);
  if (channel_->listener.load(std::memory_order_relaxed) != waiter.bell_id().pack()) {
    // Pairs with the host's fence between its commit and its look at the bell.
    channel_->listener.store(waiter.bell_id().pack(), std::memory_order_seq_cst);
  }
  return waiter.wait(
      deadline, cancel, [this] { return !tasks_.empty() || tasks_.ended(); },
      channel_->host_cpu.load(std::memory_order_relaxed));
}

}  // namespace brood
