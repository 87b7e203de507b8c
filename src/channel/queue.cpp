#include "channel/queue.hpp"

namespace brood {

Queue::Queue(Held held, std::shared_ptr<BellRack> rack)
    : SharedObject(std::move(held)),
      ring_(std::make_shared<Ring>(state_as<RingShared>(), *this->held().header(),
                                   this->held().holdings(), std::move(rack))) {}

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

}  // namespace brood
