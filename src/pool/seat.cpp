#include "pool/seat.hpp"

#include <algorithm>
#include <cstring>

namespace brood {

namespace {

// More items than this in one lane gain nothing, and cost time when they must be taken back.
constexpr uint64_t kMostHeld = 1024;
constexpr size_t kMostRecordBytes = 32 * 1024;

size_t item_bytes(const Argument& argument) {
  return sizeof(Item) + padded(argument.in_heap ? sizeof(HeapBytes) : argument.size);
}

void write_item(std::byte*& at, const Argument& argument) {
  Item item{static_cast<uint32_t>(argument.size), 0};
  std::byte* body = at + sizeof item;
  if (argument.in_heap) {
    item = {sizeof(HeapBytes), kInHeap};
    const HeapBytes bytes{argument.where, argument.size, static_cast<uint32_t>(argument.refs), 0};
    std::memcpy(body, &bytes, sizeof bytes);
  } else if (argument.size != 0) {
    std::memcpy(body, argument.data(), argument.size);
  }
  std::memcpy(at, &item, sizeof item);
  at = body + padded(item.size);
}

}  // namespace

Seat::Seat(uint32_t index, ChannelBlock* block)
    : index_(index),
      block_(block),
      task_lane_(reinterpret_cast<LaneHeader*>(block->lanes)),
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
  wants_room_beyond_.store(kWantsNone, std::memory_order_relaxed);
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

uint32_t Seat::send(SpanQueue& pending, const std::vector<std::string>& functions, uint32_t most) {
  if (held_ >= kMostHeld) return 0;
  const Span span = pending.front();
  Job& job = *span.job;
  const uint64_t bound = std::min<uint64_t>({most, job.chunk, span.count, kMostHeld - held_});
  const Arguments arguments = job.arguments(span.first);
  size_t size = sizeof(TaskFrame);
  uint32_t count = 0;
  for (; count < bound; ++count) {
    const size_t more = item_bytes(arguments[count]);
    if (count > 0 && size + more > kMostRecordBytes) break;
    size += more;
  }
  RecordHeader* record = nullptr;
  if (send_function(job.function, functions[job.function])) record = tasks_.reserve(size);
  if (record == nullptr) {
    // Pairs with the worker's fence between giving space back and its look whom to ring.
    wants_room_beyond_.store(tasks_.known_head(), std::memory_order_seq_cst);
    return 0;
  }
  const bool timed = job.run_limit_ms > 0;
  *record = {static_cast<uint32_t>(size), kTaskRecord, job.codec,
             static_cast<uint8_t>(timed ? kTimed : 0)};
  auto* frame = reinterpret_cast<TaskFrame*>(record + 1);
  frame->claim.reset(count);
  frame->function = job.function;
  frame->sequence = next_sequence_;
  frame->count = count;
  frame->reserved = 0;
  auto* at = reinterpret_cast<std::byte*>(frame + 1);
  for (uint32_t i = 0; i < count; ++i) write_item(at, arguments[i]);
  records_.push_back({&job, span.first, next_sequence_, tasks_.last_position(), count, 0, nullptr});
  next_sequence_ += count;
  held_ += count;
  if (timed) timed_ += count;
  job.seat = index_;
  pending.drop_front(count);
  return count;
}

bool Seat::publish() {
  if (!tasks_.has_unpublished()) return false;
  tasks_.publish();
  return true;
}

// ---- what it holds -----------------------------------------------------------------------------

bool Seat::Sent::answer(uint32_t i) {
  if (was_answered(i)) return false;
  if (i == answered_first && !answered) {
    ++answered_first;
    return true;
  }
  if (!answered) answered = std::make_unique<std::vector<bool>>(count);
  (*answered)[i] = true;
  while (answered_first < count && (*answered)[answered_first]) ++answered_first;
  return true;
}

// The record that holds the item, or null. A worker that answers in order means the first one.
Seat::Sent* Seat::record_of(uint64_t sequence) {
  for (Sent& sent : records_) {
    if (sequence - sent.sequence < sent.count) return &sent;
  }
  return nullptr;
}

void Seat::forget(const Sent& sent, uint64_t items) {
  held_ -= items;
  if (sent.job->run_limit_ms > 0) timed_ -= items;
}

JobItem Seat::finish(uint64_t sequence) {
  Sent* sent = record_of(sequence);
  if (sent == nullptr) return {};
  const auto i = static_cast<uint32_t>(sequence - sent->sequence);
  if (!sent->answer(i)) return {};
  const JobItem item{sent->job, sent->ticket + i};
  forget(*sent, 1);
  ++results_given;
  if (sent->done()) {
    if (sent == &records_.front()) {
      records_.pop_front();
    } else {
      std::erase_if(records_, [](const Sent& record) { return record.done(); });
    }
  }
  return item;
}

JobItem Seat::find(uint64_t sequence) const {
  const Sent* sent = const_cast<Seat*>(this)->record_of(sequence);
  if (sent == nullptr) return {};
  const auto i = static_cast<uint32_t>(sequence - sent->sequence);
  return sent->was_answered(i) ? JobItem{} : JobItem{sent->job, sent->ticket + i};
}

SpanQueue Seat::take_back(uint64_t most) {
  SpanQueue taken;
  uint64_t wanted = std::min(most, held_);
  while (!records_.empty() && wanted > 0) {
    Sent& last = records_.back();
    const uint32_t keep = last.count > wanted ? last.count - static_cast<uint32_t>(wanted) : 0;
    Claim& claim = frame_at(last.position)->claim;
    const bool as_wished = claim.revoke_from(keep);
    const uint32_t kept = as_wished ? keep : claim.revoke_rest();
    const uint32_t count = last.count - kept;
    if (count > 0) taken.push_front({last.job, last.ticket + kept, count});
    if (count > 0) last.job->seat = Job::kNoSeat;
    forget(last, count);
    wanted -= count;
    last.count = kept;
    if (last.done()) records_.pop_back();
    if (!as_wished || kept > 0) break;
  }
  return taken;
}

bool Seat::take_back_one(const Job& job) {
  for (auto sent = records_.begin(); sent != records_.end(); ++sent) {
    if (sent->job != &job) continue;
    if (!frame_at(sent->position)->claim.revoke_from(0)) return false;
    forget(*sent, 1);
    records_.erase(sent);
    return true;
  }
  return false;
}

Seat::Remains Seat::clear() {
  Remains remains;
  for (const Sent& sent : records_) {
    const uint32_t started = frame_at(sent.position)->claim.started();
    for (uint32_t i = sent.answered_first; i < sent.count; ++i) {
      if (sent.was_answered(i)) continue;
      (i < started ? remains.begun : remains.untouched).push_back({sent.job, sent.ticket + i, 1});
      sent.job->seat = Job::kNoSeat;
    }
  }
  records_.clear();
  held_ = timed_ = 0;
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
  for (const Sent& sent : records_) {
    if (sent.job->run_limit_ms > 0) shortest = std::min(shortest, sent.job->run_limit_ms);
  }
  return shortest;
}

bool Seat::take_room() {
  if (!has_room_again()) return false;
  wants_room_beyond_.store(kWantsNone, std::memory_order_relaxed);
  return true;
}

size_t Seat::channel_bytes() {
  return offsetof(ChannelBlock, lanes) + lane_bytes(kTaskLaneBytes) + lane_bytes(kResultLaneBytes);
}

bool Seat::holds(const Job* job) const {
  return std::any_of(records_.begin(), records_.end(),
                     [&](const Sent& sent) { return sent.job == job; });
}

}  // namespace brood
