// The worker's way back: answers, and waking the host for them.
#include <algorithm>
#include <cstring>

#include "pool/failure.hpp"
#include "pool/worker_link.hpp"

namespace brood {

Status WorkerLink::reply(WorkerTask& task, std::span<const std::byte> bytes, uint8_t codec) {
  return answer(task, kResultRecord, bytes, codec, nullptr);
}

Status WorkerLink::reply(WorkerTask& task, Message::Ptr& message) {
  return answer(task, kResultRecord, {message->data(), message->size()}, message->codec(),
                &message);
}

Status WorkerLink::fail(WorkerTask& task, const ErrorRecord& record) {
  if (task.kind_ != WorkerTask::Kind::Task) {
    return once(task, [&] { return answer_bracket(task, &record); });
  }
  const std::vector<std::byte> bytes = encode_failure(record);
  return answer(task, kFailureRecord, bytes, 0, nullptr);
}

Result<Message::Ptr> WorkerLink::loan(size_t size, uint8_t codec) {
  if (size <= kInlineBytes) return Message::copy(nullptr, size, codec);
  Result<Chunk::Name> chunk = Chunk::make(holdings_, size, {});
  if (!chunk) return chunk.error().with_context("room for a result");
  return Chunk::own(holdings_, *chunk, codec);
}

// Of threads that answer the same task one does; the task stays unanswered if that fails.
template <class Answer>
Status WorkerLink::once(WorkerTask& task, Answer answer) {
  if (task.answered_.exchange(true, std::memory_order_acq_rel)) {
    return Error(Code::State, "this task was already answered");
  }
  const auto lock = turn();
  Status status = answer();
  if (!status) task.answered_.store(false, std::memory_order_release);
  return status;
}

Status WorkerLink::answer(WorkerTask& task, uint16_t kind, std::span<const std::byte> bytes,
                          uint8_t codec, Message::Ptr* message) {
  return once(task, [&]() -> Status {
    if (task.kind_ != WorkerTask::Kind::Task) return answer_bracket(task, nullptr);
    // The time stops before the result is there: a limit that passes from now on is of no interest.
    if (task.timed_) channel_->running.store(kNothingRuns, std::memory_order_release);
    if (Status status = write(kind, task.sequence_, bytes, codec, message); !status) {
      // It goes on, since when it did.
      if (task.timed_) channel_->running.store(task.sequence_, std::memory_order_release);
      return status;
    }
    task.failed_ = kind == kFailureRecord;
    task.argument_->drop_handles();
    // In this order: once the host hears of the result, the task's place is there for the next one.
    close_item(task.sequence_);
    tell_host();
    return {};
  });
}

// Where the bytes of an answer lie that does not fit the lane: a chunk of ours.
Result<Chunk::Name> WorkerLink::chunk_for(std::span<const std::byte> bytes, Message::Ptr* message) {
  const size_t handles = message != nullptr ? (*message)->handle_count() : 0;
  if (message != nullptr && handles == 0 && (*message)->whole_chunk()) {
    return Chunk::Name{(*message)->chunk(), bytes.size(), 0};
  }
  Result<Chunk::Name> chunk = Chunk::make(
      holdings_, bytes.size(), handles != 0 ? (*message)->handles() : std::span<const Held>());
  if (!chunk) return chunk.error().with_context("a result");
  if (!bytes.empty()) {
    std::memcpy(Chunk::data(arena_, *chunk), bytes.data(), bytes.size());
  }
  return chunk;
}

Status WorkerLink::write(uint16_t kind, uint64_t sequence, std::span<const std::byte> bytes,
                         uint8_t codec, Message::Ptr* message) {
  const bool small =
      bytes.size() <= kInlineBytes && (message == nullptr || (*message)->handle_count() == 0);
  if (small) {
    BROOD_TRY(write_record(kind, sequence, bytes, codec, nullptr));
  } else {
    Result<Chunk::Name> chunk = chunk_for(bytes, message);
    if (!chunk) return chunk.error();
    const HeapBytes name{chunk->offset, chunk->size, chunk->refs, 0};
    const Status sent =
        write_record(kind, sequence, std::as_bytes(std::span(&name, 1)), codec, &name);
    const bool lent = message != nullptr && (*message)->chunk() == name.offset;
    if (!sent && !lent) Chunk::free(holdings_, name.offset);
    if (!sent) return sent;
    // The host owns the chunk from the commit on.
    if (message != nullptr) Chunk::let_go(**message);
  }
  if (message != nullptr) message->reset();
  return {};
}

// Commits one answer. `in_heap`: its bytes name a chunk, which goes with it.
Status WorkerLink::write_record(uint16_t kind, uint64_t sequence, std::span<const std::byte> bytes,
                                uint8_t codec, const HeapBytes* in_heap) {
  Result<RecordHeader*> room = room_for(sizeof(ResultFrame) + bytes.size());
  if (!room) return room.error();
  RecordHeader* record = *room;
  *record = {static_cast<uint32_t>(sizeof(ResultFrame) + bytes.size()), kind, codec,
             static_cast<uint8_t>(in_heap == nullptr ? 0 : kInHeap)};
  auto* at = reinterpret_cast<std::byte*>(record + 1);
  const ResultFrame frame{sequence};
  std::memcpy(at, &frame, sizeof frame);
  if (!bytes.empty()) std::memcpy(at + sizeof frame, bytes.data(), bytes.size());
  if (in_heap != nullptr) {
    Status sending =
        arena_.heap().begin_send(in_heap->offset, holdings_.me(), results_.last_position());
    if (!sending) {
      results_.forget();
      return sending;
    }
  }
  results_.publish();
  ++unrung_;
  return {};
}

// Waits for the host to fetch results while the lane is full. With the lock held: answers keep
// their order.
Result<RecordHeader*> WorkerLink::room_for(size_t size) {
  RecordHeader* record = results_.reserve(size);
  if (record != nullptr) return record;
  Waiter& waiter = Waiter::current(*rack_);
  ring_host(true);
  // Pairs with the host's fence between giving space back and its look at this bell.
  channel_->room_listener.store(waiter.bell_id().pack(), std::memory_order_seq_cst);
  Status status;
  while (record == nullptr && status.ok()) {
    status = waiter.wait(
        Deadline::forever(), nullptr, [&] { return (record = results_.reserve(size)) != nullptr; },
        channel_->host_cpu.load(std::memory_order_relaxed));
  }
  channel_->room_listener.store(0, std::memory_order_relaxed);
  if (record == nullptr) return status.error();
  return record;
}

// Something was committed: rings the host, unless it is better told of more at once.
void WorkerLink::tell_host() {
  const bool more =
      (!open_.empty() && !open_.back().exhausted.load(std::memory_order_relaxed)) ||
      task_lane_->tail.load(std::memory_order_relaxed) != read_to_.load(std::memory_order_relaxed);
  if (!more || unrung_ >= pool_->ring_after.load(std::memory_order_relaxed)) ring_host(!more);
}

// `idle`: this worker has nothing to do until the host has looked.
void WorkerLink::ring_host(bool idle) {
  unrung_ = 0;
  room_untold_ = false;
  // Pairs with the drainer, who names himself, then looks at the lanes again before he sleeps or
  // leaves.
  std::atomic_thread_fence(std::memory_order_seq_cst);
  Members& members = arena_.members();
  const uint32_t drainer = pool_->drainer.load(std::memory_order_relaxed);
  const bool crowded = pool_->ring_after.load(std::memory_order_relaxed) > 1;
  if (drainer != 0) members.ring(BellId::unpack(drainer));
  // In a crowd the drainer stays named while it is elsewhere.
  if (drainer == 0 || (crowded && idle)) {
    members.ring(BellId::unpack(pool_->attendant.load(std::memory_order_relaxed)));
  }
}

// One more item of an open record is answered.
void WorkerLink::close_item(uint64_t sequence) {
  for (Open& open : open_) {
    if (sequence < open.first || sequence >= open.first + open.count) continue;
    ++open.answered;
    break;
  }
  give_back();
}

// Gives back the place of the records at the front that are done with. With the lock held.
void WorkerLink::give_back() {
  // Pairs with the release in start_item(): exhausted, then how much was started.
  while (!open_.empty() && open_.front().exhausted.load(std::memory_order_acquire) &&
         open_.front().answered == open_.front().started.load(std::memory_order_relaxed)) {
    tasks_.give_back_to(open_.front().end_position);
    open_.pop_front();
  }
}

Status WorkerLink::report_ready_locked() {
  Result<RecordHeader*> record = room_for(0);
  if (!record) return record.error();
  **record = {0, kReadyRecord, 0, 0};
  results_.publish();
  ring_host(true);
  return {};
}

Status WorkerLink::report_start_failure_locked(ErrorRecord failure) {
  // It has to fit the lane.
  failure.message.resize(std::min<size_t>(failure.message.size(), 4096));
  failure.kind.resize(std::min<size_t>(failure.kind.size(), 512));
  failure.traceback.resize(std::min<size_t>(failure.traceback.size(), 16384));
  const std::vector<std::byte> bytes = encode_failure(failure);
  Result<RecordHeader*> record = room_for(bytes.size());
  if (!record) return record.error();
  **record = {static_cast<uint32_t>(bytes.size()), kStartFailureRecord, 0, 0};
  std::memcpy(*record + 1, bytes.data(), bytes.size());
  results_.publish();
  ring_host(true);
  return {};
}

}  // namespace brood
