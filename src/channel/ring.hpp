// This process's view of a ring of messages (channel/ring_shared) with any number of members at
// both ends: what a queue is, and each direction of a pipe. It grows by segments and gives consumed
// ones back.
//
// An operation works under its end's lock (shm/ring_side) and is committed by one change of the
// side's word; until then nothing of it can be seen, and after it what is left to do can be read
// off the tags (shm/parts). What is read comes from other processes: it is copied and checked
// before it is used.
#pragma once

#include <algorithm>
#include <optional>
#include <span>
#include <vector>

#include "channel/ring_shared.hpp"
#include "sync/owner_wait.hpp"

namespace brood {

// What is to be put: bytes that stay the caller's, or a chunk that is ours and goes with the
// commit.
struct Outgoing {
  const std::byte* data = nullptr;
  uint64_t size = 0;
  uint8_t codec = 0;
  Chunk::Name chunk;
};

// Whether nobody is left at the other end.
struct Ended {
  bool (*test)(const void* context) = nullptr;
  const void* context = nullptr;
  bool is_over() const { return test != nullptr && test(context); }
};

struct RingCounts {
  uint64_t put = 0, taken = 0, finished = 0, lost = 0;
};

// Whether it has been paying to wait for more than the next message: tried now and then, more
// seldom each time that it did not pay, and kept up as long as it does. Any thread; only a hint.
class Lingering {
 public:
  // Asked each time that a message has to be waited for.
  bool wanted() {
    if (paying_.load(std::memory_order_relaxed)) return true;
    const uint32_t waits = waits_.load(std::memory_order_relaxed) + 1;
    const bool again = waits >= pause_.load(std::memory_order_relaxed);
    waits_.store(again ? 0 : waits, std::memory_order_relaxed);
    return again;
  }
  void note(bool paid) {
    const uint32_t pause = pause_.load(std::memory_order_relaxed);
    paying_.store(paid, std::memory_order_relaxed);
    pause_.store(paid ? kFirstPause : std::min(2 * pause, kLongestPause),
                 std::memory_order_relaxed);
  }

 private:
  static constexpr uint32_t kFirstPause = 16;
  static constexpr uint32_t kLongestPause = 4096;
  std::atomic<bool> paying_{false};
  std::atomic<uint32_t> waits_{0};
  std::atomic<uint32_t> pause_{kFirstPause};
};

// An item that is delivered again unless it is acknowledged.
struct LeasedItem {
  Offset ticket = 0;
  Message::Ptr message;
};

class Ring {
 public:
  // `object` is what the ring lies in; it is held for as long. Any thread.
  Ring(RingShared& shared, ObjectHeader& object, Holdings& holdings,
       std::shared_ptr<BellRack> rack);
  ~Ring();
  Ring(const Ring&) = delete;
  Ring& operator=(const Ring&) = delete;

  // Puts as many as there is room for, at least one, in one commit; returns how many. Closed after
  // shut_down(), TooBig for a message that never fits, NoMemory.
  // Closed also when nobody is left to take it.
  Result<size_t> put(std::span<const Outgoing> items, const Deadline& deadline,
                     const CancelToken* cancel, const Ended& ended = {});
  // Puts one of at most kRingInlineBytes if nothing stands in the way: no wait, no new segment.
  // False: nothing was done, ask put().
  bool put_quickly(const std::byte* data, uint64_t size, uint8_t codec) noexcept;
  // Nothing more can be put; what is there can be taken. Wakes everybody, waits for nobody.
  void shut_down();

  // Takes as many as there are, at least one and at most `out.size()`, in one commit. Closed when
  // everything was taken and nothing can come.
  Result<size_t> get(std::span<Message::Ptr> out, const Deadline& deadline,
                     const CancelToken* cancel, const Ended& ended = {});
  // Takes one if nothing stands in the way. Null: nothing was done, ask get().
  Message* get_quickly() noexcept;
  // The size of the next message, which stays; waits for one as get() does.
  Result<uint64_t> peek_size(const Deadline& deadline, const CancelToken* cancel,
                             const Ended& ended = {});
  // Takes the next one into `room` if it fits: true. `size` is the message's either way.
  Result<bool> get_into(std::span<std::byte> room, uint64_t& size, uint8_t& codec,
                        const Deadline& deadline, const CancelToken* cancel,
                        const Ended& ended = {});

  // Takes one that comes back if this process dies, or gives it back.
  Result<LeasedItem> lease(const Deadline& deadline, const CancelToken* cancel);
  Status acknowledge(Offset ticket, const Deadline& deadline, const CancelToken* cancel);
  void give_back(Offset ticket);
  // With Remember::All: the oldest item that this process took is finished. State when it took
  // none.
  Status finish_one(const Deadline& deadline, const CancelToken* cancel);
  // Waits until everything that was put is finished.
  Status join(const Deadline& deadline, const CancelToken* cancel);

  // Counts what members that died had in hand.
  Status settle(const Deadline& deadline, const CancelToken* cancel);

  // Looks without the locks; length() counts what came back too.
  uint64_t length() const;
  bool has_items() const { return head_word().items() < tail_word().items(); }
  bool has_something() const { return has_items() || has_returned(); }
  bool is_shut_down() const { return tail_word().closed(); }
  RingCounts counts() const;
  bool counts_finished() const { return remember_ == Remember::All; }
  RingShared& shared() const { return shared_; }

 private:
  // Where an end stands while an operation is under way.
  struct Cursor {
    uint64_t bytes, segment, position;
  };
  // What has passed an end.
  struct Passed {
    uint64_t items = 0, bytes = 0, finished = 0, lost = 0;
  };
  struct Record {
    RecordHeader header;
    const std::byte* data;
    uint64_t size;  // of the message
    ChunkRecord chunk;
  };
  struct Leaving {
    Offset piece;
    Message* message;  // whose chunk it is; null: nobody's
  };
  struct KnownSegment {
    Offset offset = 0;
    std::byte* data = nullptr;
  };
  class SideLock;
  class PutUndo;
  class GetUndo;

  Arena& arena() const { return holdings_.arena(); }
  SideWord tail_word() const { return {shared_.tail.word.load(std::memory_order_acquire)}; }
  SideWord head_word() const { return {shared_.head.word.load(std::memory_order_acquire)}; }
  bool has_returned() const { return returned_.load(std::memory_order_acquire) != 0; }
  bool all_finished() const { return passed(shared_.head).finished == tail_word().items(); }
  static Error damaged();
  static Cursor cursor_of(const RingSide& side, SideWord word);
  // The state that does not hold yet.
  static void write_state(RingSide& side, SideWord before, const Cursor& cursor,
                          uint64_t finished = 0, uint64_t lost = 0);
  static Passed passed(const RingSide& side);
  // Null for what is no segment.
  std::byte* segment_at(KnownSegment& cache, Offset offset) const {
    if (cache.offset == offset && cache.data != nullptr) return cache.data;
    return find_segment(cache, offset);
  }
  std::byte* find_segment(KnownSegment& cache, Offset offset) const;

  // Writes a small message behind the cursor, in the segment that is known; false: it is not there.
  bool append(Cursor& cursor, const std::byte* data, uint64_t size, uint8_t codec);
  // Reads a small message there, and goes on behind it; null: it is not there, or not small.
  Message* next_small(Cursor& cursor);

  // ring_quick.cpp
  bool write_quickly(const std::byte* data, uint64_t size, uint8_t codec) noexcept;
  Message* take_quickly(bool& wake) noexcept;

  // ring_put.cpp
  Status check_sizes(std::span<const Outgoing> items) const;
  Result<size_t> try_put(std::span<const Outgoing> items, const Deadline& deadline,
                         const CancelToken* cancel);
  size_t fitting(SideWord before, const Cursor& from, std::span<const Outgoing> items);
  Status write(Cursor& cursor, const Outgoing& item);
  Status add_segment(Cursor& cursor, std::byte* last);

  // ring_wait.cpp
  Status wait_for_item(const Deadline& deadline, const CancelToken* cancel, const Ended& ended);
  Status wait_for_room(const Outgoing& item, const Deadline& deadline, const CancelToken* cancel,
                       const Ended& ended);
  bool has_much_room(const Outgoing& item) const;
  bool linger(const Deadline& deadline);
  void nap(const Deadline& deadline);

  // ring_get.cpp
  Result<size_t> try_get(std::span<Message::Ptr> out, const Deadline& deadline,
                         const CancelToken* cancel);
  uint64_t available(SideWord before, uint64_t wanted);
  Status take(SideWord before, std::span<Message::Ptr> out);
  Status next_message(Cursor& cursor, Message::Ptr& out);
  Result<Record> next_record(Cursor& cursor);
  Status next_segment(Cursor& cursor, const std::byte* last);
  Result<Message::Ptr> receive(const Record& record);
  Result<bool> look(std::span<std::byte> room, bool take_it, uint64_t& size, uint8_t& codec,
                    const Deadline& deadline, const CancelToken* cancel, const Ended& ended);
  Result<bool> look_at_next(SideWord before, std::span<std::byte> room, bool take_it,
                            uint64_t& size, uint8_t& codec);
  void commit(SideWord before, const Cursor& cursor, uint64_t count);
  void finish_leaving();

  // ring_tickets.cpp
  Ticket* ticket_at(Offset piece) const;
  Result<Offset> make_ticket(Ticket::Kind kind, uint64_t number, size_t bytes);
  Status open_ticket(uint64_t number);
  Status note_in_hand(uint64_t number);
  void drop_new_tickets();
  Result<LeasedItem> try_lease(const Deadline& deadline, const CancelToken* cancel);
  Result<LeasedItem> lease_next(SideWord before);
  Result<Message::Ptr> leased_message(Offset ticket) const;
  Status finish(Offset ticket, bool returned, uint64_t lost);
  // What came back: items that nobody has any more are counted; one that is to be delivered again.
  Result<Offset> settle_returned();
  Result<Message::Ptr> deliver_again(Offset ticket);
  uint64_t count_returned() const;

  RingShared& shared_;
  Holdings& holdings_;
  const std::shared_ptr<BellRack> rack_;
  const MemberId me_;
  std::atomic<uint64_t>& returned_;
  const uint64_t most_items_;  // UINT64_MAX: no limit
  const uint64_t most_bytes_;
  const bool bounded_;
  const bool one_may_exceed_;
  const Remember remember_;
  Parts tail_parts_;
  Parts head_parts_;
  const bool unfenced_;  // the sides' locks may be released so (OwnerLock::release_unfenced)

  // Guarded by the tail's lock.
  alignas(kFalseSharing) KnownSegment writing_;
  std::vector<Offset> joining_;  // pieces that become parts by the next commit
  Passed known_head_;            // as last seen: there is at least so much room

  Lingering naps_;
  Lingering delays_;

  // Guarded by the head's lock.
  alignas(kFalseSharing) KnownSegment reading_;
  std::vector<Leaving> leaving_;      // pieces that cease to be parts by the next commit
  std::vector<Offset> new_tickets_;   // of items that are taken by it
  std::vector<Offset> open_tickets_;  // of items that this process has to finish, oldest first
  MessageBlocks blocks_{kRingInlineBytes};    // where small messages lie
  std::atomic<uint64_t>* in_hand_ = nullptr;  // the number in `hand_`
  Offset hand_ = 0;
};

// Holds an end's lock for as long as it lives, if it could be had.
class Ring::SideLock {
 public:
  SideLock(Ring& ring, RingSide& side, WaiterSet& waiters, const Deadline& deadline,
           const CancelToken* cancel);
  ~SideLock();
  SideLock(const SideLock&) = delete;
  SideLock& operator=(const SideLock&) = delete;
  // Timeout, Canceled: it is not held.
  const Status& status() const { return status_; }

 private:
  void wait(const Deadline& deadline, const CancelToken* cancel);

  // A call that may not wait still gets the lock of somebody who is about to give it back.
  static constexpr int64_t kPatienceMs = 50;
  BellRack& rack_;
  RingSide& side_;
  WaiterSet& waiters_;
  Status status_;
};

// Takes back what was prepared in vain. Under the side's lock.
class Ring::PutUndo {
 public:
  PutUndo(Ring& ring, std::span<const Outgoing> items) : ring_(ring), items_(items) {}
  ~PutUndo();
  PutUndo(const PutUndo&) = delete;
  PutUndo& operator=(const PutUndo&) = delete;
  void dismiss() { dismissed_ = true; }

 private:
  Ring& ring_;
  std::span<const Outgoing> items_;
  bool dismissed_ = false;
};

class Ring::GetUndo {
 public:
  explicit GetUndo(Ring& ring, std::span<Message::Ptr> out = {}) : ring_(ring), out_(out) {}
  ~GetUndo();
  GetUndo(const GetUndo&) = delete;
  GetUndo& operator=(const GetUndo&) = delete;
  void dismiss() { dismissed_ = true; }

 private:
  Ring& ring_;
  std::span<Message::Ptr> out_;
  bool dismissed_ = false;
};

// ---- on the way of every message ---------------------------------------------------------------

inline Ring::SideLock::SideLock(Ring& ring, RingSide& side, WaiterSet& waiters,
                                const Deadline& deadline, const CancelToken* cancel)
    : rack_(*ring.rack_), side_(side), waiters_(waiters) {
  const int cpu = platform::current_cpu();
  if (!side.lock.try_take(rack_.me(), cpu)) wait(deadline, cancel);
  // A hint for who waits at the other end.
  if (side.cpu.load(std::memory_order_relaxed) != cpu) {
    side.cpu.store(cpu, std::memory_order_relaxed);
  }
}

inline Ring::SideLock::~SideLock() {
  if (status_) release(rack_, side_.lock, waiters_);
}

inline Ring::Cursor Ring::cursor_of(const RingSide& side, SideWord word) {
  const SideState& state = side.states[word.state()];
  return {state.bytes.load(std::memory_order_relaxed),
          state.segment.load(std::memory_order_relaxed),
          state.position.load(std::memory_order_relaxed)};
}

inline bool Ring::append(Cursor& cursor, const std::byte* data, uint64_t size, uint8_t codec) {
  const uint64_t need = record_bytes(size);
  if (writing_.offset != cursor.segment || writing_.data == nullptr ||
      !is_position(cursor.position) || need > kSegmentBytes - cursor.position) {
    return false;
  }
  auto* record = reinterpret_cast<RecordHeader*>(writing_.data + cursor.position);
  *record = {static_cast<uint32_t>(size), kRingInline, codec, 0};
  copy_bytes(record_data(record), data, size);
  cursor.position += need;
  cursor.bytes += size;
  // The next record's lines were in the reader's cache last: they come while this thread goes on.
  __builtin_prefetch(writing_.data + cursor.position, 1);
  __builtin_prefetch(writing_.data + cursor.position + kCacheLine, 1);
  return true;
}

inline Message* Ring::next_small(Cursor& cursor) {
  if (reading_.offset != cursor.segment || reading_.data == nullptr ||
      !is_position(cursor.position)) {
    return nullptr;
  }
  RecordHeader header;
  const uint64_t room = kSegmentBytes - cursor.position;
  if (room < sizeof header) return nullptr;
  const std::byte* record = reading_.data + cursor.position;
  std::memcpy(&header, record, sizeof header);
  const uint64_t whole = record_bytes(header.size);
  if (header.kind != kRingInline || whole > room) return nullptr;
  Message* message = blocks_.copy_at_hand(record + sizeof header, header.size, header.codec);
  if (message == nullptr) return nullptr;
  cursor.position += whole;
  cursor.bytes += header.size;
  return message;
}

inline void Ring::write_state(RingSide& side, SideWord before, const Cursor& cursor,
                              uint64_t finished, uint64_t lost) {
  const SideState& old = side.states[before.state()];
  SideState& state = side.states[before.state() ^ 1];
  state.bytes.store(cursor.bytes, std::memory_order_relaxed);
  state.segment.store(cursor.segment, std::memory_order_relaxed);
  state.position.store(cursor.position, std::memory_order_relaxed);
  state.finished.store(old.finished.load(std::memory_order_relaxed) + finished,
                       std::memory_order_relaxed);
  state.lost.store(old.lost.load(std::memory_order_relaxed) + lost, std::memory_order_relaxed);
}

}  // namespace brood
