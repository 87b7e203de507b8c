#include "channel/queue.hpp"

namespace brood {

Queue::Queue(Held held, std::shared_ptr<BellRack> rack)
    : SharedObject(std::move(held)),
      ring_(std::make_shared<Ring>(state_as<RingShared>(), this->held().holdings(),
                                   std::move(rack))) {}

Result<Queue> Queue::create(Holdings& holdings, std::shared_ptr<BellRack> rack,
                            const RingSettings& settings) {
  const auto lay_out = [](std::byte* data, Offset object, const void* settings) {
    lay_out_ring(*new (data) RingShared{}, object, *static_cast<const RingSettings*>(settings));
  };
  auto held = holdings.create(ObjectType::Queue, sizeof(RingShared), lay_out, &settings);
  if (!held) return held.error().with_context("making a queue");
  return Queue(std::move(*held), std::move(rack));
}

Result<Queue> Queue::from(Held held, std::shared_ptr<BellRack> rack) {
  BROOD_TRY(expect(held, ObjectType::Queue, sizeof(RingShared), "a queue's"));
  return Queue(std::move(held), std::move(rack));
}

// ---- messages on their way ---------------------------------------------------------------------

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
