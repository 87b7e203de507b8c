// A single-producer single-consumer ring of records in shared memory: one direction between a host
// and one worker. Neither side holds a lock, so a dead or stopped one cannot block the other.
//
//   header: | magic capacity | tail, closed | head |        each group on cache lines of its own
//   ring:   | record | record | padding ........ |          records are 8-aligned and never wrap
//
// Positions count bytes since the beginning and never wrap. A producer writes any number of records
// and publishes them with one store of `tail`: the commit. Before it nothing is there; after it
// everything is. A consumer gives space back with one store of `head`. What is read is from another
// process: every size and kind is checked on a copy before it is used.
#pragma once

#include <cstring>

#include "base/result.hpp"
#include "base/shared_pod.hpp"

namespace brood {

// What stands before the bytes of each record.
struct RecordHeader {
  uint32_t size = 0;  // bytes behind this header
  uint16_t kind = 0;  // kPadding, or what the two sides agreed on
  uint8_t codec = 0;
  uint8_t flags = 0;
};
static_assert(SharedPod<RecordHeader> && sizeof(RecordHeader) == 8);
inline std::byte* record_data(RecordHeader* record) {
  return reinterpret_cast<std::byte*>(record + 1);
}

struct LaneHeader {
  uint32_t magic;
  uint32_t capacity;  // bytes of the ring, a power of two
  alignas(kFalseSharing) std::atomic<uint64_t> tail;
  std::atomic<uint32_t> closed;  // by the producer: nothing comes after what is there
  alignas(kFalseSharing) std::atomic<uint64_t> head;
  alignas(kFalseSharing) std::byte ring[1];
};
static_assert(SharedPod<LaneHeader> && offsetof(LaneHeader, tail) == 128 &&
              offsetof(LaneHeader, head) == 256 && offsetof(LaneHeader, ring) == 384);

inline constexpr uint16_t kPadding = 0;
inline constexpr uint32_t kLaneMagic = 0x6c616e65;
inline constexpr size_t kRecordAlign = 8;

constexpr size_t lane_bytes(uint32_t capacity) { return offsetof(LaneHeader, ring) + capacity; }
constexpr size_t record_bytes(size_t size) {
  return (sizeof(RecordHeader) + size + kRecordAlign - 1) & ~(kRecordAlign - 1);
}

// Where the tail of a lane at offset `lane` is: what Members::set_result_tail() wants to know.
constexpr uint64_t lane_tail_at(uint64_t lane) { return lane + offsetof(LaneHeader, tail); }

// Lays out an empty lane in shared memory of lane_bytes(capacity), zeroed or a lane before;
// `capacity` a power of two. By stores alone: a thread may be looking at a lane that is laid out
// anew for its next worker.
inline LaneHeader* make_lane(std::byte* memory, uint32_t capacity) {
  auto* lane = reinterpret_cast<LaneHeader*>(memory);
  lane->capacity = capacity;
  lane->magic = kLaneMagic;
  lane->tail.store(0, std::memory_order_relaxed);
  lane->closed.store(0, std::memory_order_relaxed);
  lane->head.store(0, std::memory_order_relaxed);
  return lane;
}

// The capacity of the lane in `memory` of `bytes`; 0 when it holds none that fits. Who did not make
// the lane looks once, here, and uses what it got: the header can change at any time.
inline uint32_t lane_capacity(const std::byte* memory, size_t bytes) {
  if (bytes < offsetof(LaneHeader, ring)) return 0;
  const auto* lane = reinterpret_cast<const volatile LaneHeader*>(memory);
  const uint32_t capacity = lane->capacity;
  const bool fits = lane->magic == kLaneMagic && capacity >= 4096 &&
                    (capacity & (capacity - 1)) == 0 && lane_bytes(capacity) <= bytes;
  return fits ? capacity : 0;
}

// The producer's side. One thread at a time; the object is private to its process.
class LaneWriter {
 public:
  LaneWriter() = default;
  // For who made the lane and has not shared it yet.
  explicit LaneWriter(LaneHeader* lane) : LaneWriter(lane, lane->capacity) {}
  LaneWriter(LaneHeader* lane, uint32_t capacity)
      : lane_(lane),
        capacity_(capacity),
        tail_(lane->tail.load(std::memory_order_relaxed)),
        published_(tail_) {}

  // Room for a record of `size` bytes behind its header, not yet visible; null while there is none,
  // and always for more than largest(). The caller writes the header and the bytes, then calls
  // publish() for it and any later ones.
  RecordHeader* reserve(size_t size) {
    if (size > largest(capacity_)) return nullptr;
    const size_t need = record_bytes(size);
    const size_t at = tail_ & (capacity_ - 1);
    const size_t padding = capacity_ - at < need ? capacity_ - at : 0;
    if (tail_ + padding + need - known_head_ > capacity_) {
      // Pairs with the release store in LaneReader::give_back(): the space was read before we write
      // it.
      known_head_ = lane_->head.load(std::memory_order_acquire);
      if (tail_ + padding + need - known_head_ > capacity_) return nullptr;
    }
    if (padding != 0) {
      *record_at(tail_) = {static_cast<uint32_t>(padding - sizeof(RecordHeader)), kPadding, 0, 0};
      tail_ += padding;
    }
    RecordHeader* record = record_at(tail_);
    last_ = tail_;
    tail_ += need;
    return record;
  }
  // Where the last reserved record begins: its name in record_at() of either side.
  uint64_t last_position() const { return last_; }
  bool has_unpublished() const { return tail_ != published_; }

  // Commits every record reserved so far. Pairs with the acquire load in LaneReader::next().
  void publish() {
    published_ = tail_;
    lane_->tail.store(tail_, std::memory_order_release);
  }
  // Gives up every record reserved since: nobody has seen them.
  void forget() { tail_ = published_; }
  void close() { lane_->closed.store(1, std::memory_order_release); }

  // The record at a position that this writer produced. Its bytes stay there until the ring comes
  // round, which only this writer makes happen.
  RecordHeader* record_at(uint64_t position) {
    return reinterpret_cast<RecordHeader*>(lane_->ring + (position & (capacity_ - 1)));
  }
  // How far the other side had given space back when reserve() last looked.
  uint64_t known_head() const { return known_head_; }
  uint64_t tail() const { return tail_; }
  // A record of this size fits into an empty lane wherever its tail is.
  static constexpr size_t largest(uint64_t capacity) { return capacity / 2 - sizeof(RecordHeader); }

 private:
  LaneHeader* lane_ = nullptr;
  uint64_t capacity_ = 0;
  uint64_t tail_ = 0;
  uint64_t published_ = 0;
  uint64_t known_head_ = 0;
  uint64_t last_ = 0;
};

// The consumer's side. One thread at a time; the object is private to its process.
class LaneReader {
 public:
  struct Record {
    RecordHeader header;        // a checked copy
    std::byte* data = nullptr;  // the bytes in shared memory
    uint64_t position = 0;
  };

  LaneReader() = default;
  // For who made the lane and has not shared it yet.
  explicit LaneReader(LaneHeader* lane) : LaneReader(lane, lane->capacity) {}
  LaneReader(LaneHeader* lane, uint32_t capacity)
      : lane_(lane),
        capacity_(capacity),
        head_(lane->head.load(std::memory_order_relaxed)),
        known_tail_(head_) {}

  bool empty() {
    if (head_ != known_tail_) return false;
    known_tail_ = lane_->tail.load(std::memory_order_acquire);
    return head_ == known_tail_;
  }
  // Closed by the producer and everything read.
  bool ended() { return lane_->closed.load(std::memory_order_acquire) != 0 && empty(); }

  // Moves on to the next record. False when there is none. Protocol when the producer wrote
  // nonsense; the lane is then dead: the position does not move.
  Result<bool> next(Record& record) {
    for (bool padded = false;; padded = true) {
      if (empty()) return false;
      // The tail may jump anywhere if the other side is broken: never beyond one ring.
      const uint64_t there = known_tail_ - head_;
      const size_t at = head_ & (capacity_ - 1);
      const auto* shared = reinterpret_cast<const RecordHeader*>(lane_->ring + at);
      RecordHeader header;
      std::memcpy(&header, shared, sizeof header);
      const size_t whole = record_bytes(header.size);
      if (there > capacity_ || whole > there || whole > capacity_ - at) return broken(header.size);
      if (header.kind == kPadding) {
        // Up to the end of the ring, and a record is published with it: else a broken producer
        // could keep us here for ever.
        if (padded || whole != capacity_ - at || whole == there) return broken(header.size);
        head_ += whole;
        continue;
      }
      head_ += whole;
      record.header = header;
      record.data = lane_->ring + at + sizeof(RecordHeader);
      record.position = head_ - whole;
      return true;
    }
  }
  // Gives back the space of everything next() returned: no pointer into it may be used afterwards.
  void give_back() { lane_->head.store(head_, std::memory_order_release); }
  // The same up to a position that position() gave; positions come in order.
  void give_back_to(uint64_t position) { lane_->head.store(position, std::memory_order_release); }
  uint64_t position() const { return head_; }

 private:
  static Error broken(uint32_t size) {
    return Error(Code::Protocol, "a lane's record claims " + std::to_string(size) +
                                     " bytes, more than there are: the other side is damaged");
  }

  LaneHeader* lane_ = nullptr;
  uint64_t capacity_ = 0;
  uint64_t head_ = 0;
  uint64_t known_tail_ = 0;
};

}  // namespace brood
