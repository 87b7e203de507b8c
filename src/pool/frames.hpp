// What a pool and its workers write into their lanes. Everything here is read from another process:
// readers take a copy, check it, and use only the copy.
//
//   task record:    RecordHeader | TaskFrame | Item bytes | Item bytes | ...
//   result record:  RecordHeader | ResultFrame | bytes
//
// The bytes of an item or result lie behind it, or (kInHeap) in a chunk that a HeapBytes names;
// messages that carry handles always lie in a chunk.
#pragma once

#include <cstdint>
#include <cstring>
#include <span>

#include "base/shared_pod.hpp"
#include "channel/lane.hpp"
#include "channel/message.hpp"

namespace brood {

enum RecordKind : uint16_t {
  kTaskRecord = 1,          // host to worker: items to run
  kFunctionRecord = 2,      // host to worker: uint32 index, then the name it stands for
  kResultRecord = 3,        // worker to host: an item's value
  kFailureRecord = 4,       // worker to host: an item's failure, encoded by pool/failure
  kReadyRecord = 5,         // worker to host: the initializer is through
  kStartFailureRecord = 6,  // worker to host: it is not, encoded by pool/failure
};

enum RecordFlags : uint8_t {
  kInHeap = 1,  // the bytes are a HeapBytes
  kTimed = 2,   // the worker stamps the start of each item: somebody limits its run
};

// A worker starts item i by moving the claim from {limit, i} to {limit, i+1}; the host takes the
// rest back by moving it from {limit, s} to {s, s}. Both by CAS on one word, so no item is run
// twice and the host always knows which ones were started.
class Claim {
 public:
  static constexpr uint32_t kMostItems = 0xffff;

  void reset(uint32_t count) { word_.store(count << 16, std::memory_order_relaxed); }

  // The worker's move: true if item `index` is now this worker's to run.
  bool start(uint32_t index) {
    uint32_t word = word_.load(std::memory_order_relaxed);
    while (index < (word >> 16) && (word & 0xffff) == index) {
      // Acquire and release: what is done for the item comes after this, and after the host's
      // revoke.
      if (word_.compare_exchange_weak(word, word + 1, std::memory_order_acq_rel)) return true;
    }
    return false;
  }
  // The host's move: keeps what was started, returns how many that is.
  uint32_t revoke_rest() {
    uint32_t word = word_.load(std::memory_order_relaxed);
    for (;;) {
      const uint32_t started = word & 0xffff;
      if (word_.compare_exchange_weak(word, started << 16 | started, std::memory_order_acq_rel)) {
        return started;
      }
    }
  }
  // Takes back the items from `keep` on, if none of them was started.
  bool revoke_from(uint32_t keep) {
    uint32_t word = word_.load(std::memory_order_relaxed);
    while ((word & 0xffff) <= keep) {
      const uint32_t started = word & 0xffff;
      if (word_.compare_exchange_weak(word, keep << 16 | started, std::memory_order_acq_rel)) {
        return true;
      }
    }
    return false;
  }
  uint32_t started() const { return word_.load(std::memory_order_acquire) & 0xffff; }

 private:
  std::atomic<uint32_t> word_;
};

struct TaskFrame {
  Claim claim;
  uint32_t function;  // the index that a function record named
  uint64_t sequence;  // of the first item; the others follow
  uint32_t count;     // items
  uint32_t reserved;
};
static_assert(SharedPod<TaskFrame> && sizeof(TaskFrame) == 24);

struct Item {
  uint32_t size;   // bytes behind this, padded to 8
  uint32_t flags;  // RecordFlags
};
static_assert(SharedPod<Item> && sizeof(Item) == 8);

struct ResultFrame {
  uint64_t sequence;
};
static_assert(SharedPod<ResultFrame> && sizeof(ResultFrame) == 8);

// A Chunk::Name on the wire.
struct HeapBytes {
  uint64_t offset;
  uint64_t size;
  uint32_t refs;
  uint32_t codec;  // of an initializer's argument; items and results have theirs elsewhere
};
static_assert(SharedPod<HeapBytes> && sizeof(HeapBytes) == 24);

constexpr size_t padded(size_t size) { return (size + 7) & ~size_t{7}; }

// The message that a record's bytes are, or name: from the heap it becomes ours, so that it is
// freed in any case. Protocol when the record makes no sense.
inline Result<Message::Ptr> receive_record(Holdings& holdings, MessageBlocks& blocks,
                                           MemberSlot from, const RecordHeader& header,
                                           std::span<const std::byte> bytes) {
  if ((header.flags & kInHeap) == 0) return blocks.copy(bytes.data(), bytes.size(), header.codec);
  HeapBytes name;
  if (bytes.size() != sizeof name) return Error(Code::Protocol, "a worker sent a cut result");
  std::memcpy(&name, bytes.data(), sizeof name);
  return Chunk::receive(holdings, {name.offset, name.size, name.refs}, from, header.codec);
}

// ---- words that both sides see ------------------------------------------------------------------

// One a pool: who is to be woken for results.
struct PoolBlock {
  std::atomic<uint32_t> drainer;    // bell of the thread that waits for results; 0: none
  std::atomic<uint32_t> attendant;  // bell of the pool's own thread
  std::atomic<uint32_t>
      ring_after;  // results that may gather before a worker with more to do rings
  uint32_t reserved;
};
static_assert(SharedPod<PoolBlock> && sizeof(PoolBlock) == 16);

inline constexpr uint32_t kTaskLaneBytes = 128 * 1024;
inline constexpr uint32_t kResultLaneBytes = 128 * 1024;
// Bytes above this lie in the heap. Small enough for many records a lane.
inline constexpr size_t kInlineBytes = 8 * 1024;

// One a worker, followed by its two lanes.
//   | magic, worker's words | host's words | task lane | result lane |
struct ChannelBlock {
  uint32_t magic;
  int32_t worker_id;
  std::atomic<uint32_t> listener;       // bell of the worker's thread that takes tasks; 0: none yet
  std::atomic<uint32_t> room_listener;  // bell of the worker's thread that waits for room; 0: none
  std::atomic<int32_t> worker_cpu;      // where the worker last waited or began a task
  std::atomic<int32_t> host_cpu;        // where the host last sent or drained
  std::atomic<uint64_t> running;        // sequence of the timed item that runs; kNothingRuns
  std::atomic<int64_t> running_since_ns;  // on the monotonic clock
  alignas(kFalseSharing) std::byte lanes[1];
};
static_assert(SharedPod<ChannelBlock> && offsetof(ChannelBlock, lanes) == 128);

inline constexpr uint32_t kChannelMagic = 0x6368616e;
inline constexpr uint64_t kNothingRuns = ~uint64_t{0};

}  // namespace brood
