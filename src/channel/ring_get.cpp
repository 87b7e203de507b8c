// The reading end of a ring.
#include <algorithm>

#include "channel/ring.hpp"

namespace brood {

Result<size_t> Ring::get(std::span<Message::Ptr> out, const Deadline& deadline,
                         const CancelToken* cancel, const Ended& ended) {
  for (;;) {
    auto got = has_something() ? try_get(out, deadline, cancel) : Result<size_t>(size_t{0});
    // A wake that was meant for this thread is another's now.
    if (!got) shared_.takers.wake_one(arena().members());
    if (!got || *got > 0) return got;
    BROOD_TRY(wait_for_item(deadline, cancel, ended));
  }
}

Result<size_t> Ring::try_get(std::span<Message::Ptr> out, const Deadline& deadline,
                             const CancelToken* cancel) {
  size_t count = 0;
  bool wake = false;
  {
    const SideLock lock(*this, shared_.head, shared_.head_lock, deadline, cancel);
    BROOD_TRY(lock.status());
    if (has_returned()) {
      auto ticket = settle_returned();
      if (!ticket) return ticket.error();
      if (*ticket != 0) {
        auto message = deliver_again(*ticket);
        if (!message) return message.error();
        out[0] = std::move(*message);
        return size_t{1};
      }
    }
    const SideWord before{shared_.head.word.load(std::memory_order_relaxed)};
    count = static_cast<size_t>(available(before, out.size()));
    if (count == 0) return size_t{0};
    BROOD_TRY(take(before, out.subspan(0, count)));
    wake =
        bounded_ && before.items() + count >= shared_.head.wake_at.load(std::memory_order_relaxed);
  }
  // The lock's release is a sequentially consistent store after the commit: pairs with enlist().
  if (wake) shared_.putters.wake(arena().members(), UINT64_MAX);
  return count;
}

// How many of `wanted` items there are. Under the lock.
uint64_t Ring::available(SideWord before, uint64_t wanted) {
  SideWord tail{shared_.head.known.load(std::memory_order_relaxed)};
  if (tail.items() < before.items() + wanted) {
    // Pairs with the commit of a put: its bytes are there.
    tail = tail_word();
    shared_.head.known.store(tail.word, std::memory_order_relaxed);
    // Whoever waits for room is woken once for many messages: when half is taken, so that both ends
    // work at the same time, or nearly all where they share a CPU.
    const uint64_t there = tail.items() - before.items();
    const bool one_cpu = shared_.tail.cpu.load(std::memory_order_relaxed) ==
                         shared_.head.cpu.load(std::memory_order_relaxed);
    const uint64_t wake_after = one_cpu ? there - there / 8 : there / 2;
    shared_.head.wake_at.store(before.items() + wake_after, std::memory_order_relaxed);
  }
  return std::min(tail.items() - before.items(), wanted);
}

// Takes the next `out.size()` items, which are there, under the lock.
Status Ring::take(SideWord before, std::span<Message::Ptr> out) {
  Cursor cursor = cursor_of(shared_.head, before);
  if (leaving_.capacity() < 2 * out.size()) leaving_.reserve(2 * out.size());
  GetUndo undo(*this, out);
  // For the reaper: what became of the operation is told by the difference.
  shared_.head.pending.store(before.word, std::memory_order_relaxed);
  for (size_t index = 0; index < out.size(); ++index) {
    out[index].reset(next_small(cursor));
    if (!out[index]) BROOD_TRY(next_message(cursor, out[index]));
    if (remember_ == Remember::All) BROOD_TRY(open_ticket(before.items() + index));
  }
  if (remember_ == Remember::Last) BROOD_TRY(note_in_hand(before.items() + out.size() - 1));
  if (remember_ == Remember::All) {
    open_tickets_.insert(open_tickets_.end(), new_tickets_.begin(), new_tickets_.end());
    new_tickets_.clear();
  }
  commit(before, cursor, out.size());
  undo.dismiss();
  if (!leaving_.empty()) finish_leaving();
  return {};
}

// The next one, whatever it is.
Status Ring::next_message(Cursor& cursor, Message::Ptr& out) {
  auto record = next_record(cursor);
  if (!record) return record.error();
  auto message = receive(*record);
  if (!message) return message.error();
  out = std::move(*message);
  cursor.bytes += record->size;
  return {};
}

void Ring::commit(SideWord before, const Cursor& cursor, uint64_t count) {
  write_state(shared_.head, before, cursor);
  // Release: everything was read, and may be written over from now on.
  shared_.head.word.store(before.after(count).word, std::memory_order_release);
}

// What left by the commit is ours: chunks go with their messages, segments are freed.
void Ring::finish_leaving() {
  for (const Leaving& leaving : leaving_) {
    head_parts_.left(leaving.piece);
    if (leaving.message != nullptr) {
      Chunk::give(*leaving.message, holdings_, leaving.piece);
    } else {
      (void)arena().heap().free(leaving.piece, holdings_.me());
    }
  }
  leaving_.clear();
}

Ring::GetUndo::~GetUndo() {
  if (dismissed_) return;
  for (const Leaving& leaving : ring_.leaving_) ring_.head_parts_.not_left(leaving.piece);
  ring_.leaving_.clear();
  ring_.reading_ = {};
  ring_.drop_new_tickets();
  for (Message::Ptr& message : out_) message.reset();
}

// ---- records -----------------------------------------------------------------------------------

Result<Ring::Record> Ring::next_record(Cursor& cursor) {
  for (int segments = 0;; ++segments) {
    std::byte* segment = nullptr;
    if (cursor.segment != 0) {
      segment = segment_at(reading_, cursor.segment);
      if (segment == nullptr || !is_position(cursor.position)) return damaged();
    }
    RecordHeader header{0, kRingEnd, 0, 0};
    const uint64_t room = segment != nullptr ? kSegmentBytes - cursor.position : 0;
    if (room >= sizeof header) std::memcpy(&header, segment + cursor.position, sizeof header);
    if (header.kind == kRingEnd) {
      // No record is so large that an empty segment has no room for it.
      if (segments > 1) return damaged();
      BROOD_TRY(next_segment(cursor, segment));
      continue;
    }
    const uint64_t whole = record_bytes(header.size);
    if (whole > room) return damaged();
    const std::byte* data = segment + cursor.position + sizeof header;
    cursor.position += whole;
    Record record{header, data, header.size, {}};
    if (header.kind == kRingChunk) {
      if (header.size != sizeof record.chunk) return damaged();
      std::memcpy(&record.chunk, data, sizeof record.chunk);
      record.size = record.chunk.size;
    } else if (header.kind != kRingInline) {
      return damaged();
    }
    return record;
  }
}

// Goes on to the segment after `last`, which ceases to be a part by the commit.
Status Ring::next_segment(Cursor& cursor, const std::byte* last) {
  Offset next = shared_.first.load(std::memory_order_relaxed);
  if (last != nullptr) {
    next = reinterpret_cast<const Segment*>(last)->next.load(std::memory_order_relaxed);
    if (!head_parts_.leave(cursor.segment, shared_.tail)) return damaged();
    leaving_.push_back({cursor.segment, nullptr});
  }
  cursor.segment = next;
  cursor.position = Segment::kRecordsAt;
  return next == 0 ? Status(damaged()) : Status();
}

Result<Message::Ptr> Ring::receive(const Record& record) {
  if (record.header.kind == kRingInline) {
    return blocks_.copy(record.data, record.header.size, record.header.codec);
  }
  const Chunk::Name name = record.chunk.name();
  if (!head_parts_.leave(name.offset, shared_.tail)) return damaged();
  leaving_.push_back({name.offset, nullptr});
  auto message = Chunk::borrow(holdings_, name, record.header.codec);
  if (message) leaving_.back().message = message->get();
  return message;
}

// ---- looking before taking ---------------------------------------------------------------------

Result<uint64_t> Ring::peek_size(const Deadline& deadline, const CancelToken* cancel,
                                 const Ended& ended) {
  uint64_t size = 0;
  uint8_t codec = 0;
  // Nothing is taken into no room at all, but for an empty message.
  auto taken = look(std::span<std::byte>(), false, size, codec, deadline, cancel, ended);
  if (!taken) return taken.error();
  return size;
}

Result<bool> Ring::get_into(std::span<std::byte> room, uint64_t& size, uint8_t& codec,
                            const Deadline& deadline, const CancelToken* cancel,
                            const Ended& ended) {
  return look(room, true, size, codec, deadline, cancel, ended);
}

Result<bool> Ring::look(std::span<std::byte> room, bool take_it, uint64_t& size, uint8_t& codec,
                        const Deadline& deadline, const CancelToken* cancel, const Ended& ended) {
  for (;;) {
    bool taken = false;
    bool found = false;
    if (has_items()) {
      const SideLock lock(*this, shared_.head, shared_.head_lock, deadline, cancel);
      BROOD_TRY(lock.status());
      const SideWord before = head_word();
      found = available(before, 1) > 0;
      if (found) {
        auto done = look_at_next(before, room, take_it, size, codec);
        if (!done) return done;
        taken = *done;
      }
    }
    if (taken && bounded_) shared_.putters.wake_one(arena().members());
    if (found) return taken;
    BROOD_TRY(wait_for_item(deadline, cancel, ended));
  }
}

Result<bool> Ring::look_at_next(SideWord before, std::span<std::byte> room, bool take_it,
                                uint64_t& size, uint8_t& codec) {
  Cursor cursor = cursor_of(shared_.head, before);
  leaving_.reserve(2);
  GetUndo undo(*this);
  shared_.head.pending.store(before.word, std::memory_order_relaxed);
  auto record = next_record(cursor);
  if (!record) return record.error();
  size = record->size;
  codec = record->header.codec;
  if (!take_it || size > room.size()) {
    // It stays: whoever was not woken because of this thread has to know.
    shared_.takers.wake_one(arena().members());
    return false;
  }
  const std::byte* data = record->data;
  Message::Ptr message;
  if (record->header.kind == kRingChunk) {
    auto received = receive(*record);
    if (!received) return received.error();
    message = std::move(*received);
    data = message->data();
  }
  if (size > 0) std::memcpy(room.data(), data, size);
  cursor.bytes += size;
  commit(before, cursor, 1);
  undo.dismiss();
  finish_leaving();
  return true;
}

}  // namespace brood
