#include "pool/seat.hpp"

#include <algorithm>
#include <cstring>

namespace brood {

namespace {

// More tasks than this in one lane gain nothing, and cost memory when they must be taken back.
constexpr uint64_t kMostHeld = 1024;
constexpr size_t kMostRecordBytes = 32 * 1024;

bool lies_in_heap(const Argument& argument) { return argument.chunk.offset != 0; }

size_t item_bytes(const Task& task) {
  const size_t body = lies_in_heap(task.argument) ? sizeof(HeapBytes) : task.argument.size;
  return sizeof(Item) + padded(body);
}

}  // namespace

Seat::Seat(uint32_t index, ChannelBlock* block)
    : index_(index),
      block_(block),
      result_lane_(reinterpret_cast<LaneHeader*>(block->lanes + lane_bytes(kTaskLaneBytes))) {
  open_channel();
}

void Seat::open_channel() {
  std::byte* lanes = block_->lanes;
  block_->magic = kChannelMagic;
  block_->worker_id = static_cast<int32_t>(index_);
  block_->listener.store(0, std::memory_order_relaxed);
  block_->room_listener.store(0, std::memory_order_relaxed);
  block_->worker_cpu.store(-1, std::memory_order_relaxed);
  block_->host_cpu.store(-1, std::memory_order_relaxed);
  block_->running.store(kNothingRuns, std::memory_order_relaxed);
  tasks_ = LaneWriter(make_lane(lanes, kTaskLaneBytes), kTaskLaneBytes);
  make_lane(lanes + lane_bytes(kTaskLaneBytes), kResultLaneBytes);
  results_ = LaneReader(result_lane_, kResultLaneBytes);
  known_functions_.clear();
  next_sequence_ = 0;
  results_given = 0;
  killed_by_pool = false;
  lane_broken = false;
  start_failure.reset();
}

bool Seat::send_function(uint32_t function, const std::string& name) {
  if (function < known_functions_.size() && known_functions_[function]) return true;
  RecordHeader* record = tasks_.reserve(sizeof function + name.size());
  if (record == nullptr) return false;
  *record = {static_cast<uint32_t>(sizeof function + name.size()), kFunctionRecord, 0, 0};
  auto* at = reinterpret_cast<std::byte*>(record + 1);
  std::memcpy(at, &function, sizeof function);
  std::memcpy(at + sizeof function, name.data(), name.size());
  if (known_functions_.size() <= function) known_functions_.resize(function + 1);
  known_functions_[function] = true;
  return true;
}

void Seat::write_item(std::byte*& at, const Task& task) {
  const Argument& argument = task.argument;
  Item item{0, 0};
  std::byte* body = at + sizeof item;
  if (lies_in_heap(argument)) {
    item.flags |= kInHeap;
    const HeapBytes bytes{argument.chunk.offset, argument.chunk.size, argument.chunk.refs, 0};
    std::memcpy(body, &bytes, sizeof bytes);
    body += sizeof bytes;
  } else if (argument.size != 0) {
    std::memcpy(body, argument.data, argument.size);
    body += argument.size;
  }
  item.size = static_cast<uint32_t>(body - at - sizeof item);
  std::memcpy(at, &item, sizeof item);
  at += sizeof item + padded(item.size);
}

uint32_t Seat::send(TaskQueue& pending, const std::vector<std::string>& functions, uint32_t most) {
  if (held() >= kMostHeld) return 0;
  const Task& first = *pending.first();
  most = std::min<uint64_t>({most, first.chunk, kMostHeld - held()});
  size_t size = sizeof(TaskFrame);
  uint32_t count = 0;
  for (const Task* task = &first; task != nullptr && count < most; task = task->next, ++count) {
    const bool same = task == &first || (task->group() == first.group() && !task->done());
    if (!same || (count > 0 && size + item_bytes(*task) > kMostRecordBytes)) break;
    size += item_bytes(*task);
  }
  if (!send_function(first.function, functions[first.function])) return 0;
  RecordHeader* record = tasks_.reserve(size);
  if (record == nullptr) return 0;
  *record = {static_cast<uint32_t>(size), kTaskRecord, first.codec,
             static_cast<uint8_t>(first.run_limit_ms > 0 ? kTimed : 0)};
  auto* frame = reinterpret_cast<TaskFrame*>(record + 1);
  frame->claim.reset(count);
  frame->function = first.function;
  frame->sequence = next_sequence_;
  frame->count = count;
  frame->reserved = 0;
  records_.push_back({next_sequence_, count, tasks_.last_position()});
  auto* at = reinterpret_cast<std::byte*>(frame + 1);
  for (uint32_t i = 0; i < count; ++i) {
    Task* task = pending.pop_front();
    write_item(at, *task);
    task->sequence = next_sequence_++;
    task->seat = index_;
    task->state.store(TaskState::Sent, std::memory_order_relaxed);
    if (task->run_limit_ms > 0) ++timed_;
    sent_.push_back(task);
  }
  return count;
}

bool Seat::publish() {
  if (!tasks_.has_unpublished()) return false;
  tasks_.publish();
  return true;
}

Task* Seat::finish(uint64_t sequence) {
  if (sent_.empty()) return nullptr;
  Task* task = sent_.first()->sequence == sequence
                   ? sent_.pop_front()
                   : sent_.remove_if([&](const Task& t) { return t.sequence == sequence; });
  if (task == nullptr) return nullptr;
  if (task->run_limit_ms > 0) --timed_;
  const uint64_t first_held = sent_.empty() ? next_sequence_ : sent_.first()->sequence;
  while (!records_.empty() && records_.front().first + records_.front().count <= first_held) {
    records_.pop_front();
  }
  ++results_given;
  return task;
}

uint64_t Seat::unstarted() const {
  // The first one may be running. That a later one is too (a worker that answers out of order) is
  // found out by the claim.
  return sent_.empty() ? 0 : sent_.size() - 1;
}

TaskQueue Seat::take_back(uint64_t most) {
  if (most == 0 || sent_.empty()) return {};
  // Everything from `cut` on comes back; the claims may move it towards the end.
  uint64_t cut = next_sequence_;
  uint64_t wanted = most;
  while (!records_.empty() && wanted > 0) {
    Sent& last = records_.back();
    const uint32_t keep = last.count > wanted ? last.count - static_cast<uint32_t>(wanted) : 0;
    Claim& claim = frame_at(last.position)->claim;
    const bool as_wished = claim.revoke_from(keep);
    const uint32_t kept = as_wished ? keep : claim.revoke_rest();
    wanted -= last.count - kept;
    cut = last.first + kept;
    last.count = kept;
    if (kept == 0) records_.pop_back();
    if (!as_wished || kept > 0) break;
  }
  TaskQueue taken = sent_.split([&](const Task& task) { return task.sequence >= cut; });
  for (Task* task = taken.first(); task != nullptr; task = task->next) {
    task->state.store(TaskState::Queued, std::memory_order_relaxed);
    if (task->run_limit_ms > 0) --timed_;
  }
  return taken;
}

bool Seat::take_back_one(Task& task) {
  for (size_t i = 0; i < records_.size(); ++i) {
    const Sent& sent = records_[i];
    if (task.sequence < sent.first || task.sequence >= sent.first + sent.count) continue;
    if (sent.count != 1 || !frame_at(sent.position)->claim.revoke_from(0)) return false;
    records_.erase(records_.begin() + static_cast<std::ptrdiff_t>(i));
    sent_.remove_if([&](const Task& t) { return &t == &task; });
    if (task.run_limit_ms > 0) --timed_;
    return true;
  }
  return false;
}

Seat::Remains Seat::clear() {
  Remains remains;
  while (!sent_.empty()) {
    Task* task = sent_.pop_front();
    while (!records_.empty() && records_.front().first + records_.front().count <= task->sequence) {
      records_.pop_front();
    }
    const Sent& sent = records_.front();
    const bool begun = task->sequence < sent.first + frame_at(sent.position)->claim.started();
    task->state.store(TaskState::Queued, std::memory_order_relaxed);
    (begun ? remains.begun : remains.untouched).push_back(task);
  }
  records_.clear();
  timed_ = 0;
  return remains;
}

std::optional<Seat::Running> Seat::running() const {
  const uint64_t sequence = block_->running.load(std::memory_order_acquire);
  const int64_t since = block_->running_since_ns.load(std::memory_order_acquire);
  // The worker clears the sequence before it changes the time: the same one twice means that the
  // time between belongs to it.
  if (sequence == kNothingRuns || block_->running.load(std::memory_order_acquire) != sequence) {
    return std::nullopt;
  }
  return Running{sequence, since};
}

int64_t Seat::shortest_limit_ms() const {
  int64_t shortest = INT64_MAX;
  for (Task* task = sent_.first(); task != nullptr; task = task->next) {
    if (task->run_limit_ms > 0) shortest = std::min(shortest, task->run_limit_ms);
  }
  return shortest;
}

size_t Seat::channel_bytes() {
  return offsetof(ChannelBlock, lanes) + lane_bytes(kTaskLaneBytes) + lane_bytes(kResultLaneBytes);
}

bool Seat::holds_group(const void* group) const {
  for (Task* task = sent_.first(); task != nullptr; task = task->next) {
    if (task->group() == group) return true;
  }
  return false;
}

Task* Seat::find(uint64_t sequence) const {
  for (Task* task = sent_.first(); task != nullptr; task = task->next) {
    if (task->sequence == sequence) return task;
  }
  return nullptr;
}

}  // namespace brood
