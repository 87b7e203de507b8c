// How a ring of messages (channel/ring) lies in shared memory.
//
//   RingShared:  | settings, first | tail side | head side | waiters |
//   segment:     | next | record | record | ... | end |      a heap piece, part of the object
//   record:      | RecordHeader | bytes, padded to 8 |       or, for what is large or carries
//   handles,
//                | RecordHeader | ChunkRecord |              the name of a chunk, also a part
//   ticket:      | Ticket | bytes |                          of who took an item, see below
#pragma once

#include "channel/lane.hpp"
#include "channel/message.hpp"
#include "shm/parts.hpp"
#include "shm/ring_side.hpp"
#include "shm/waiter_set.hpp"

namespace brood {

// Messages above this lie in chunks, which change hands without a copy.
inline constexpr uint64_t kRingInlineBytes = 4096;
inline constexpr uint64_t kSegmentBytes = 16384;

//   0    next    the segment that follows
//   16   ...     records
struct Segment {
  static constexpr uint64_t kRecordsAt = 16;
  std::atomic<Offset> next;
  uint64_t reserved;
};
static_assert(SharedPod<Segment> && sizeof(Segment) == Segment::kRecordsAt);
static_assert(record_bytes(kRingInlineBytes) + Segment::kRecordsAt <= kSegmentBytes);

// Whether a record can begin there; or the segment's end.
constexpr bool is_position(uint64_t position) {
  return position >= Segment::kRecordsAt && position <= kSegmentBytes &&
         position % kRecordAlign == 0;
}

inline constexpr uint16_t kRingInline = 1;
inline constexpr uint16_t kRingChunk = 2;
inline constexpr uint16_t kRingEnd = 3;  // nothing more in this segment

// The bytes of a record whose message lies in a chunk.
struct ChunkRecord {
  uint64_t offset = 0;
  uint64_t size = 0;
  uint64_t refs = 0;

  // Numbers that make no sense stay without sense: Chunk::data() refuses them.
  Chunk::Name name() const {
    return {offset, size, static_cast<uint32_t>(std::min<uint64_t>(refs, kMostHandles + 1))};
  }
};
static_assert(SharedPod<ChunkRecord> && sizeof(ChunkRecord) == 24);

// What is remembered of items that were taken, for the case that the taker dies.
enum class Remember : uint32_t {
  Nothing = 0,
  Last = 1,  // the number of the last one that each process took: it is counted as lost
  All = 2,   // each one, with a ticket, until it is finished
};

// What a process has of an item that it took: a piece of its own, which goes back to the ring when
// the process dies (shm/parts).
//   0    lease
//   16   kind, codec
//   24   chunk         of the message; with offset 0 the bytes lie behind
struct Ticket {
  enum Kind : uint32_t {
    Hand = 1,    // the last item that the process took
    Taken = 2,   // an item that the process has to finish; it has the message
    Leased = 3,  // the same; the message stays the ring's, and is delivered again
  };
  Lease lease;
  uint32_t kind;
  uint32_t codec;
  ChunkRecord chunk;
  uint64_t reserved;
};
static_assert(SharedPod<Ticket> && sizeof(Ticket) == 56);

struct RingSettings {
  uint64_t capacity_items = 0;  // 0: no limit
  uint64_t capacity_bytes = 0;
  bool one_may_exceed = false;  // a message that is too large goes when nothing else is there
  Remember remember = Remember::Nothing;
};

//   0     settings, first        written once; `first` under the tail's lock, before its first
//   commit 128   tail, head 640   takers, putters        who waits for something to take, for room
//   896   tail_lock, head_lock   who waits for the sides' locks
//   1152  joiners                who waits until all is finished
struct RingShared {
  uint64_t capacity_items;
  uint64_t capacity_bytes;
  uint64_t one_may_exceed;
  uint64_t remember;
  std::atomic<Offset> first;
  RingSide tail;
  RingSide head;
  alignas(kFalseSharing) WaiterSet takers;
  alignas(kFalseSharing) WaiterSet putters;
  alignas(kFalseSharing) WaiterSet tail_lock;
  alignas(kFalseSharing) WaiterSet head_lock;
  alignas(kFalseSharing) WaiterSet joiners;
};
static_assert(SharedPod<RingShared> && offsetof(RingShared, tail) == 128 &&
              offsetof(RingShared, takers) == 640 && sizeof(RingShared) == 1280);

// In zeroed memory of the object at `object`.
inline void lay_out_ring(RingShared& ring, Offset object, const RingSettings& settings) {
  ring.capacity_items = settings.capacity_items;
  ring.capacity_bytes = settings.capacity_bytes;
  ring.one_may_exceed = settings.one_may_exceed;
  ring.remember = static_cast<uint64_t>(settings.remember);
  ring.tail.object.store(object, std::memory_order_relaxed);
  ring.head.object.store(object, std::memory_order_relaxed);
  ring.tail.cpu.store(-1, std::memory_order_relaxed);
  ring.head.cpu.store(-1, std::memory_order_relaxed);
}

}  // namespace brood
