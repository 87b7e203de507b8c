// A message: bytes, what they are (codec), and handles that travel with them. The bytes lie behind
// the message itself, in a chunk of the heap that goes with the message, or are borrowed from a
// lane. One owner; no two threads at once.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <memory>
#include <new>
#include <span>
#include <vector>

#include "base/result.hpp"
#include "shm/holdings.hpp"

namespace brood {

inline constexpr size_t kMostHandles = 16;

// For the few bytes that most messages have: a call costs as much as moving them.
inline void copy_bytes(std::byte* to, const std::byte* from, size_t size) {
  constexpr size_t kStep = 16;
  if (size < kStep || size > 8 * kStep) {
    if (size > 0) std::memcpy(to, from, size);
    return;
  }
  for (size_t at = 0; at + kStep < size; at += kStep) std::memcpy(to + at, from + at, kStep);
  std::memcpy(to + size - kStep, from + size - kStep, kStep);
}

class Message {
 public:
  // Frees it, wherever it lies.
  struct Drop {
    void operator()(Message* message) const;
  };
  using Ptr = std::unique_ptr<Message, Drop>;

  // A copy of `size` bytes; zeros with `data` null.
  static Ptr copy(const void* data, size_t size, uint8_t codec);
  // Bytes that stay where they are, for as long as whoever lends them says.
  static Ptr borrow(std::byte* data, size_t size, uint8_t codec);

  // Makes a message that was borrowed, and carries nothing, a view of other bytes. False if it is
  // another kind.
  bool borrow_again(std::byte* data, size_t size, uint8_t codec) {
    if (chunk_ != 0 || handles_ || data_ == behind()) return false;
    data_ = data;
    size_ = size;
    codec_ = codec;
    return true;
  }

  Message(const Message&) = delete;
  Message& operator=(const Message&) = delete;

  std::byte* data() { return data_; }
  const std::byte* data() const { return data_; }
  size_t size() const { return size_; }
  uint8_t codec() const { return codec_; }
  // The chunk that holds the bytes; 0 when they lie elsewhere.
  Offset chunk() const { return chunk_; }
  // The chunk holds the bytes and nothing before them.
  bool whole_chunk() const;

  // TooBig beyond kMostHandles.
  Status attach(Held held);
  size_t handle_count() const { return handles_ ? handles_->size() : 0; }
  // State when it was taken, Invalid when there is no such number.
  Result<Held> peek(size_t index) const;
  // The same; it is gone from the message then.
  Result<Held> take(size_t index);
  // Gives up what was not taken.
  void drop_handles() { handles_.reset(); }
  // What is still attached: taken ones are empty.
  std::span<const Held> handles() const {
    return handles_ ? std::span<const Held>(*handles_) : std::span<const Held>();
  }

 private:
  friend class Chunk;
  friend class MessageBlocks;
  Message(std::byte* data, size_t size, uint8_t codec) : data_(data), size_(size), codec_(codec) {}
  ~Message() {
    if (chunk_ != 0) free_chunk();
  }
  void free_chunk();
  // With `bytes` behind it, in one allocation.
  static Ptr make(std::byte* data, size_t size, uint8_t codec, size_t bytes);
  std::byte* behind() { return reinterpret_cast<std::byte*>(this + 1); }

  std::byte* data_;
  size_t size_;
  Holdings* holdings_ = nullptr;  // whose heap the chunk is of
  Offset chunk_ = 0;
  std::unique_ptr<std::vector<Held>> handles_;
  uint8_t codec_;
  bool in_block_ = false;
};
static_assert(sizeof(Message) % 16 == 0);

// Makes small messages by the hundred: they lie side by side in a block, which is freed with the
// last of them, or used again if they are all gone before it is full. One thread at a time makes
// them; any thread frees them.
class MessageBlocks {
 public:
  MessageBlocks() = default;
  // Messages above `largest` bytes are left to Message::copy().
  explicit MessageBlocks(size_t largest) : largest_(largest) {}
  ~MessageBlocks() { close(); }
  MessageBlocks(const MessageBlocks&) = delete;
  MessageBlocks& operator=(const MessageBlocks&) = delete;

  // As Message::copy(), which large ones are left to.
  Message::Ptr copy(const void* data, size_t size, uint8_t codec);
  // The same without a call of the allocator; null when there is no room at hand.
  Message* copy_at_hand(const std::byte* data, size_t size, uint8_t codec) {
    if (block_ == nullptr || size > largest_) return nullptr;
    rewind_if_empty();
    const size_t need = bytes_for(size);
    return used_ + need <= kBlockBytes ? place(data, size, codec, need) : nullptr;
  }

 private:
  friend struct Message::Drop;
  // What a block begins with. It is found from a message by its alignment.
  struct Block {
    std::atomic<uint32_t> messages;  // alive, or still to be made
  };
  // What a message that somebody keeps may keep besides.
  static constexpr size_t kBlockBytes = 16 * 1024;
  static constexpr size_t kLargest = 512;
  static constexpr size_t kFirst = 16;         // behind the block's header
  static constexpr uint32_t kOpen = 1u << 30;  // more than fit: the block is not closed yet
  static size_t bytes_for(size_t size) { return (sizeof(Message) + size + 15) & ~size_t{15}; }
  void rewind_if_empty() {
    auto& messages = reinterpret_cast<Block*>(block_)->messages;
    // Pairs with release(): what was done with the messages comes before they are written over.
    if (made_ == 0 || messages.load(std::memory_order_acquire) != kOpen - made_) return;
    messages.store(kOpen, std::memory_order_relaxed);
    used_ = kFirst;
    made_ = 0;
  }
  Message* place(const std::byte* data, size_t size, uint8_t codec, size_t need);
  void close();
  static void release(Block* block, uint32_t messages) {
    // Release: what was done with the messages comes before the end of the block; acquire: in the
    // thread that ends it.
    if (block->messages.fetch_sub(messages, std::memory_order_acq_rel) == messages) end(block);
  }
  static void end(Block* block);

  const size_t largest_ = kLargest;
  std::byte* block_ = nullptr;
  size_t used_ = 0;
  uint32_t made_ = 0;
};

inline void Message::Drop::operator()(Message* message) const {
  const bool in_block = message->in_block_;
  message->~Message();
  if (!in_block) {
    ::operator delete(message);
    return;
  }
  const auto address = reinterpret_cast<uintptr_t>(message) & ~(MessageBlocks::kBlockBytes - 1);
  MessageBlocks::release(reinterpret_cast<MessageBlocks::Block*>(address), 1);
}

inline Message* MessageBlocks::place(const std::byte* data, size_t size, uint8_t codec,
                                     size_t need) {
  auto* message = new (block_ + used_) Message(nullptr, size, codec);
  message->data_ = message->behind();
  message->in_block_ = true;
  copy_bytes(message->data_, data, size);
  used_ += need;
  ++made_;
  return message;
}

// Bytes, and references to what travels with them, in a heap piece of their own.
//
//   refs = 0:   | bytes ... |
//   refs > 0:   | RefList of `refs` words | bytes, 16-aligned ... |
class Chunk {
 public:
  // What a record in a lane says of a chunk.
  struct Name {
    Offset offset = 0;
    uint64_t size = 0;  // of the bytes
    uint32_t refs = 0;
  };

  static constexpr uint64_t data_at(uint32_t refs) {
    return refs == 0 ? 0 : (ref_list_bytes(refs) + 15) & ~uint64_t{15};
  }
  // A chunk of our own, to be filled at data().
  static Result<Name> make(Holdings& holdings, uint64_t size, std::span<const Held> handles);
  // Where its bytes are; null when the name does not fit the piece: names come from others.
  static std::byte* data(Arena& arena, const Name& name);

  // The message in a chunk that is ours, and goes with it. Protocol when the name is wrong; the
  // chunk is freed then.
  static Result<Message::Ptr> own(Holdings& holdings, const Name& name, uint8_t codec);
  // The same of a chunk that `from` has sent.
  static Result<Message::Ptr> receive(Holdings& holdings, const Name& name, MemberSlot from,
                                      uint8_t codec);
  // The message in a chunk that stays somebody else's, who keeps it for as long as the message
  // lives.
  static Result<Message::Ptr> borrow(Holdings& holdings, const Name& name, uint8_t codec);
  // The message's chunk is somebody else's from now on; the message is not to be looked at any
  // more.
  static void let_go(Message& message) { message.chunk_ = 0; }
  // The other way round, for a message that was made of it.
  static void take_up(Message& message, Offset chunk) { message.chunk_ = chunk; }
  // A message that was borrow()ed from a chunk which has become ours goes with it from now on.
  static void give(Message& message, Holdings& holdings, Offset chunk) {
    message.holdings_ = &holdings;
    message.chunk_ = chunk;
  }
  // Frees a chunk of our own, and gives up its references.
  static void free(Holdings& holdings, Offset offset);

 private:
  static Status take_handles(Holdings& holdings, const Name& name, bool keep, Message& message);
};

}  // namespace brood
