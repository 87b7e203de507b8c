// Messages on their way into a ring.
#pragma once

#include <utility>

#include "channel/ring.hpp"

namespace brood {

// One of them: the bytes, or a chunk with them that is made here and goes back
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
