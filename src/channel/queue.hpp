// A queue of messages that any number of members put into and take from. In shared memory it is one
// ring (channel/ring); this is a handle of this process to it.
#pragma once

#include "channel/ring.hpp"
#include "sync/shared_object.hpp"

namespace brood {

class Queue final : public SharedObject {
 public:
  static Result<Queue> create(Holdings& holdings, std::shared_ptr<BellRack> rack,
                              const RingSettings& settings);
  // From a handle of this type. Invalid when it is of another.
  static Result<Queue> from(Held held, std::shared_ptr<BellRack> rack);

  Ring& ring() const { return *ring_; }
  Holdings& holdings() const { return held().holdings(); }

  // There is something to take, or there never will be.
  bool ready() const override { return ring_->has_something() || ring_->is_shut_down(); }
  WaiterSet* waiters() const override { return &ring_->shared().takers; }

 private:
  Queue(Held held, std::shared_ptr<BellRack> rack);
  std::shared_ptr<Ring> ring_;
};

// A message on its way into a ring: the bytes, or a chunk with them that is made here and goes back
// if it was not put.
class Parcel {
 public:
  // The caller's bytes: copied at once if they are many.
  static Result<Parcel> of_bytes(Holdings& holdings, const std::byte* data, uint64_t size,
                                 uint8_t codec);
  // The message's own chunk if it has one and nothing else, else a copy.
  static Result<Parcel> of_message(Holdings& holdings, Message& message);

  Parcel(Parcel&& other) noexcept
      : holdings_(other.holdings_), item_(other.item_), made_(std::exchange(other.made_, false)) {}
  Parcel& operator=(Parcel&&) = delete;
  ~Parcel() {
    if (made_) Chunk::free(*holdings_, item_.chunk.offset);
  }

  const Outgoing& item() const { return item_; }
  // It was put.
  void sent() { made_ = false; }

 private:
  Parcel(Holdings& holdings, const Outgoing& item, bool made)
      : holdings_(&holdings), item_(item), made_(made) {}
  Holdings* holdings_;
  Outgoing item_;
  bool made_;
};

// Room for a message of `size` bytes that is put without a copy if it is large.
Result<Message::Ptr> loan(Holdings& holdings, uint64_t size, uint8_t codec);

}  // namespace brood
