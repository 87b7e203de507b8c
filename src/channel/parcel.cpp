#include "channel/parcel.hpp"

#include <cstring>

namespace brood {

Result<Parcel> Parcel::of_bytes(Holdings& holdings, const std::byte* data, uint64_t size,
                                uint8_t codec) {
  if (size <= kRingInlineBytes) return Parcel(holdings, {data, size, codec, {}}, false);
  auto chunk = Chunk::make(holdings, size, {});
  if (!chunk) return chunk.error();
  std::memcpy(Chunk::data(holdings.arena(), *chunk), data, size);
  return Parcel(holdings, {nullptr, size, codec, *chunk}, true);
}

Result<Parcel> Parcel::of_message(Holdings& holdings, Message& message) {
  const uint64_t size = message.size();
  if (message.handle_count() == 0) {
    if (!message.whole_chunk()) {
      return of_bytes(holdings, message.data(), size, message.codec());
    }
    return Parcel(holdings, {nullptr, size, message.codec(), {message.chunk(), size, 0}}, false);
  }
  auto chunk = Chunk::make(holdings, size, message.handles());
  if (!chunk) return chunk.error();
  if (size > 0) std::memcpy(Chunk::data(holdings.arena(), *chunk), message.data(), size);
  return Parcel(holdings, {nullptr, size, message.codec(), *chunk}, true);
}

Result<Message::Ptr> loan(Holdings& holdings, uint64_t size, uint8_t codec) {
  if (size <= kRingInlineBytes) return Message::copy(nullptr, size, codec);
  auto chunk = Chunk::make(holdings, size, {});
  if (!chunk) return chunk.error();
  return Chunk::own(holdings, *chunk, codec);
}

}  // namespace brood
