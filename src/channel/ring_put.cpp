// The writing end of a ring.
#include <algorithm>
#include <new>

#include "channel/ring.hpp"

namespace brood {

namespace {

constexpr int64_t kMostLookAgainMs = 64;

uint64_t record_size(const Outgoing& item) {
  return item.chunk.offset != 0 ? sizeof(ChunkRecord) : item.size;
}

}  // namespace

Status Ring::check_sizes(std::span<const Outgoing> items) const {
  if (most_bytes_ == UINT64_MAX || one_may_exceed_) return {};
  for (const Outgoing& item : items) {
    if (item.size <= most_bytes_) continue;
    return Error(Code::TooBig, "a message of " + std::to_string(item.size) +
                                   " bytes never fits into a capacity of " +
                                   std::to_string(most_bytes_) + " bytes");
  }
  return {};
}

Result<size_t> Ring::put(std::span<const Outgoing> items, const Deadline& deadline,
                         const CancelToken* cancel, const Ended& ended) {
  BROOD_TRY(check_sizes(items));
  for (int64_t look_again_ms = 1;; look_again_ms = std::min(2 * look_again_ms, kMostLookAgainMs)) {
    if (ended.is_over()) return Error(Code::Closed);
    auto put = try_put(items, deadline, cancel);
    if (!put || *put > 0) return put;
    // Full. The other end rings when much is taken (Ring::available): if it takes longer over that,
    // the room that there is has to be found.
    const Deadline look_again = deadline.is_now() ? deadline : Deadline::after_ms(look_again_ms);
    const Status status = wait_for_room(items[0], deadline.sooner(look_again), cancel, ended);
    if (!status && (status.code() != Code::Timeout || deadline.passed())) return status.error();
  }
}

Result<size_t> Ring::try_put(std::span<const Outgoing> items, const Deadline& deadline,
                             const CancelToken* cancel) {
  size_t count = items.size();
  {
    const SideLock lock(*this, shared_.tail, shared_.tail_lock, deadline, cancel);
    BROOD_TRY(lock.status());
    const SideWord before{shared_.tail.word.load(std::memory_order_relaxed)};
    if (before.closed()) return Error(Code::Closed);
    Cursor cursor = cursor_of(shared_.tail, before);
    if (bounded_) count = fitting(before, cursor, items);
    if (count == 0) return size_t{0};
    if (joining_.capacity() < 2 * count) joining_.reserve(2 * count);
    PutUndo undo(*this, items);
    // For the reaper: what became of the operation is told by the difference.
    shared_.tail.pending.store(before.word, std::memory_order_relaxed);
    for (const Outgoing& item : items.first(count)) {
      const bool small = item.chunk.offset == 0;
      if (small && append(cursor, item.data, item.size, item.codec)) continue;
      BROOD_TRY(write(cursor, item));
    }
    write_state(shared_.tail, before, cursor);
    // The commit. It fails if the ring was shut down meanwhile. Release: everything written so far;
    // pairs with tail_word() at the other end.
    uint64_t seen = before.word;
    if (!shared_.tail.word.compare_exchange_strong(seen, before.after(count).word,
                                                   std::memory_order_seq_cst)) {
      return Error(Code::Closed);
    }
    undo.dismiss();
    for (const Offset piece : joining_) tail_parts_.joined(piece);
    joining_.clear();
  }
  // The lock's release is a sequentially consistent store after the commit: pairs with enlist().
  shared_.takers.wake(arena().members(), count);
  return count;
}

// How many of the items there is room for now.
size_t Ring::fitting(SideWord before, const Cursor& from, std::span<const Outgoing> items) {
  Passed head = known_head_;
  for (bool again = false;; again = true) {
    uint64_t used_items = before.items() - head.items;
    uint64_t used_bytes = from.bytes - head.bytes;
    size_t count = 0;
    while (count < items.size() && used_items < most_items_ &&
           (items[count].size <= most_bytes_ - std::min(most_bytes_, used_bytes) ||
            (one_may_exceed_ && used_items == 0))) {
      ++used_items;
      used_bytes += items[count++].size;
    }
    // What was known of the other end may be old: it is read only when it matters.
    if (count == items.size() || again) return count;
    known_head_ = head = passed(shared_.head);
  }
}

Status Ring::write(Cursor& cursor, const Outgoing& item) {
  const uint64_t size = record_size(item);
  const uint64_t need = record_bytes(size);
  std::byte* segment = nullptr;
  if (cursor.segment != 0) {
    segment = segment_at(writing_, cursor.segment);
    if (segment == nullptr || !is_position(cursor.position)) return damaged();
  }
  if (segment == nullptr || need > kSegmentBytes - cursor.position) {
    BROOD_TRY(add_segment(cursor, segment));
    segment = writing_.data;
  }
  auto* record = reinterpret_cast<RecordHeader*>(segment + cursor.position);
  const bool in_chunk = item.chunk.offset != 0;
  *record = {static_cast<uint32_t>(size), in_chunk ? kRingChunk : kRingInline, item.codec, 0};
  if (in_chunk) {
    if (!tail_parts_.join(item.chunk.offset)) {
      return Error(Code::State, "the message's chunk is not this process's to send");
    }
    joining_.push_back(item.chunk.offset);
    const ChunkRecord chunk{item.chunk.offset, item.size, item.chunk.refs};
    std::memcpy(record_data(record), &chunk, sizeof chunk);
  } else if (size > 0) {
    std::memcpy(record_data(record), item.data, size);
  }
  cursor.position += need;
  cursor.bytes += item.size;
  return {};
}

// `last` is where the ring ends so far; null at its beginning.
Status Ring::add_segment(Cursor& cursor, std::byte* last) {
  auto piece = arena().heap().allocate(kSegmentBytes, holdings_.me());
  if (!piece) return piece.error();
  std::byte* data = arena().at(*piece, kSegmentBytes);
  new (data) Segment{};
  if (!tail_parts_.join(*piece)) return Error(Code::Internal, "a fresh segment is not ours");
  joining_.push_back(*piece);
  // Nobody follows the link, or meets the end mark, before the commit; whoever comes after a death
  // writes over them.
  if (last == nullptr) {
    shared_.first.store(*piece, std::memory_order_relaxed);
  } else {
    reinterpret_cast<Segment*>(last)->next.store(*piece, std::memory_order_relaxed);
    if (cursor.position + sizeof(RecordHeader) <= kSegmentBytes) {
      *reinterpret_cast<RecordHeader*>(last + cursor.position) = {0, kRingEnd, 0, 0};
    }
  }
  writing_ = {*piece, data};
  cursor.segment = *piece;
  cursor.position = Segment::kRecordsAt;
  return {};
}

// Segments are freed, chunks stay the caller's.
Ring::PutUndo::~PutUndo() {
  if (dismissed_) return;
  for (const Offset piece : ring_.joining_) {
    ring_.tail_parts_.not_joined(piece);
    const bool chunk = std::any_of(items_.begin(), items_.end(), [&](const Outgoing& item) {
      return item.chunk.offset == piece;
    });
    if (!chunk) (void)ring_.arena().heap().free(piece, ring_.holdings_.me());
  }
  ring_.joining_.clear();
  ring_.writing_ = {};
}

}  // namespace brood
