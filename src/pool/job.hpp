// What a pool owes somebody: one call (Future), or many of one function (Stream). A job's items are
// known to the pool by tickets, which the job gives out; spans of consecutive tickets are what is
// queued, sent, and taken back, so that a million items of a map are one entry.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <utility>

#include "base/result.hpp"
#include "channel/message.hpp"
#include "sync/waitable.hpp"

namespace brood {

class Pool;

// Where an item's argument lies: in private memory that its job keeps, or in a chunk of the heap
// that the host owns until the item is done, so that a worker's death costs no copy.
struct Argument {
  static Argument at(const std::byte* data, size_t bytes) {
    Argument argument;
    argument.where = reinterpret_cast<uintptr_t>(data);
    argument.size = bytes;
    return argument;
  }
  static Argument in_chunk(const Chunk::Name& name) {
    Argument argument;
    argument.where = name.offset;
    argument.size = name.size;
    argument.refs = name.refs;
    argument.in_heap = true;
    return argument;
  }
  explicit operator bool() const { return where != 0; }
  const std::byte* data() const { return reinterpret_cast<const std::byte*>(where); }
  Chunk::Name chunk() const { return {where, size, static_cast<uint32_t>(refs)}; }

  uint64_t where = 0;  // an address, or the offset of a chunk
  uint64_t size : 48 = 0;
  uint64_t refs : 8 = 0;
  uint64_t in_heap : 1 = false;
};
static_assert(sizeof(Argument) == 16);

// The arguments of neighbouring items, where their job keeps them.
class Arguments {
 public:
  // Each one `stride` bytes behind the one before.
  Arguments(const Argument* first, size_t stride)
      : first_(reinterpret_cast<const std::byte*>(first)), stride_(stride) {}
  const Argument& operator[](uint64_t i) const {
    return *reinterpret_cast<const Argument*>(first_ + i * stride_);
  }

 private:
  const std::byte* first_;
  size_t stride_;
};

// What came of an item, in one word: a value or a failure, or nothing after it was moved.
class Outcome {
 public:
  Outcome() = default;
  explicit Outcome(Message::Ptr value) : word_(reinterpret_cast<uintptr_t>(value.release())) {}
  explicit Outcome(Error error)
      : word_(reinterpret_cast<uintptr_t>(new Error(std::move(error))) | kFailure) {}
  Outcome(Outcome&& other) noexcept : word_(other.give_up()) {}
  Outcome& operator=(Outcome&& other) noexcept {
    if (this != &other) {
      drop();
      word_ = other.give_up();
    }
    return *this;
  }
  ~Outcome() { drop(); }

  explicit operator bool() const { return word_ != 0; }
  // Null if it is a value.
  const Error* failure() const {
    return (word_ & kFailure) != 0 ? reinterpret_cast<const Error*>(word_ & ~kFailure) : nullptr;
  }
  // Of an outcome that is one.
  Message::Ptr value() { return Message::Ptr(reinterpret_cast<Message*>(give_up())); }

  // What it is, for the owner of the item.
  Result<Message::Ptr> result() {
    if (failure() != nullptr) return *failure();
    return value();
  }

  // The word that stands for it, and back: for OutcomeSlot.
  uintptr_t give_up() { return std::exchange(word_, 0); }
  static Outcome from(uintptr_t word) {
    Outcome outcome;
    outcome.word_ = word;
    return outcome;
  }

 private:
  friend class OutcomeSlot;
  static constexpr uintptr_t kFailure = 1;
  void drop() {
    if (failure() != nullptr) {
      delete failure();
    } else {
      Message::Ptr(reinterpret_cast<Message*>(word_)).reset();
    }
  }

  uintptr_t word_ = 0;
};

// Where the pool puts an item's outcome once, for its owner to take without the pool's lock.
class OutcomeSlot {
 public:
  OutcomeSlot() = default;
  ~OutcomeSlot() { (void)take(); }
  OutcomeSlot(const OutcomeSlot&) = delete;
  OutcomeSlot& operator=(const OutcomeSlot&) = delete;

  // The item is done; stays true when the outcome was taken.
  bool done() const { return word_.load(std::memory_order_acquire) != kNothing; }
  // Done, not taken, and a failure.
  bool failed() const { return (word_.load(std::memory_order_acquire) & Outcome::kFailure) != 0; }
  // Release: whoever sees that it is done sees what it is.
  void put(Outcome outcome) { word_.store(outcome.give_up(), std::memory_order_release); }
  // Empty when it was taken before, or is not done; one thread at a time.
  Outcome take() {
    const uintptr_t word = word_.load(std::memory_order_acquire);
    if (word == kNothing || word == kTaken) return {};
    word_.store(kTaken, std::memory_order_release);
    return Outcome::from(word);
  }
  // For the next item: whatever was there is dropped.
  void reset() {
    (void)take();
    word_.store(kNothing, std::memory_order_relaxed);
  }

 private:
  static constexpr uintptr_t kNothing = 0;
  static constexpr uintptr_t kTaken = 2;  // no outcome's word: they are aligned pointers, or odd
  std::atomic<uintptr_t> word_{kNothing};
};

// Guarded by the pool's mutex from the moment it is queued, but for what says otherwise.
class Job : public Waitable {
 public:
  static constexpr uint32_t kNoSeat = UINT32_MAX;

  // Those of items that have no outcome yet, from `first` on.
  virtual Arguments arguments(uint64_t first) const = 0;
  // An item's outcome: the job tells whoever waits, and lets go of the argument.
  virtual void settle_locked(Pool& pool, uint64_t ticket, Outcome outcome) = 0;
  // The pool has no more use for so many items; the job may be gone when this returns. After
  // settle_locked() for each, once.
  virtual void drop_locked(uint64_t items) = 0;

  uint32_t function = 0;
  int64_t run_limit_ms = 0;
  int32_t retries = 0;      // of each item
  uint32_t seat = kNoSeat;  // of a job of one item: where it was sent
  uint16_t chunk = 1;       // items that may be sent together
  uint8_t codec = 0;
  bool withdrawn = false;  // cancelled as a whole while it was queued: dropped when its turn comes

 protected:
  ~Job() override = default;
};

struct JobItem {
  Job* job = nullptr;  // null: there is none
  uint64_t ticket = 0;
};

// Items of a job, by their tickets.
struct Span {
  Job* job;
  uint64_t first;
  uint64_t count;
};

}  // namespace brood
