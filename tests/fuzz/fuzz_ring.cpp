// A member that wrote anything into a queue's shared bytes: whoever puts or takes next gets
// messages or a refusal, and reads nothing beyond the pieces that the bytes lie in.
#include <cstdlib>
#include <cstring>

#include "channel/queue.hpp"

using namespace brood;

namespace {

class Input {
 public:
  Input(const uint8_t* data, size_t size) : data_(data), left_(size) {}
  uint64_t number(size_t bytes) {
    uint64_t value = 0;
    bytes = std::min(bytes, left_);
    std::memcpy(&value, data_, bytes);
    data_ += bytes;
    left_ -= bytes;
    return value;
  }
  bool empty() const { return left_ == 0; }

 private:
  const uint8_t* data_;
  size_t left_;
};

// One family for all inputs; each has a queue of its own.
struct Family {
  Family() {
    auto made = Arena::create(64 << 20);
    if (!made) abort();
    arena = std::move(*made);
    arena->heap().set_system_root("/nonexistent");
    me = *arena->members().reserve(kNobody);
    if (!arena->members().join(me, 1, 1)) abort();
    holdings = std::make_unique<Holdings>(*arena, me.slot);
    rack = std::make_shared<BellRack>(*arena, me);
  }
  std::unique_ptr<Arena> arena;
  MemberId me;
  std::unique_ptr<Holdings> holdings;
  std::shared_ptr<BellRack> rack;
};

void put(Family& family, Ring& ring, size_t size) {
  const std::vector<std::byte> bytes(size, std::byte('x'));
  auto parcel = Parcel::of_bytes(*family.holdings, bytes.data(), size, 1);
  if (parcel && ring.put({&parcel->item(), 1}, Deadline::after_ms(0), nullptr)) parcel->sent();
}

// Everything that the other side may have written, but for the locks, which say who waits.
void damage(Family& family, RingShared& ring, Input& input) {
  const uint64_t what = input.number(1) % 8;
  RingSide& side = input.number(1) % 2 == 0 ? ring.head : ring.tail;
  SideState& state = side.states[input.number(1) % 2];
  if (what == 0) side.word = input.number(8);
  if (what == 1) side.known = input.number(8);
  if (what == 2) state.segment = input.number(8);
  if (what == 3) state.position = input.number(3);
  if (what == 4) state.bytes = input.number(8);
  if (what == 5) ring.first = input.number(8);
  if (what < 6) return;
  // The segments' own bytes.
  const Offset segment =
      ring.head.states[0].segment != 0 ? ring.head.states[0].segment.load() : ring.first.load();
  const uint64_t at = input.number(2) % kSegmentBytes;
  const size_t bytes = what == 6 ? 1 : std::min<size_t>(8, kSegmentBytes - at);
  std::byte* place = family.arena->at(segment, kSegmentBytes);
  const Tag tag = family.arena->heap().tag_of(segment);
  if (place == nullptr || tag.state() != TagState::Kept) return;
  const uint64_t value = input.number(bytes);
  std::memcpy(place + at, &value, bytes);
}

void use(Family& family, Ring& ring, uint64_t how) {
  Message::Ptr messages[4];
  static std::byte room[6000];
  uint64_t size = 0;
  uint8_t codec = 0;
  if (how == 0) (void)ring.get(messages, Deadline::after_ms(0), nullptr);
  if (how == 1) (void)ring.get_into(room, size, codec, Deadline::after_ms(0), nullptr);
  if (how == 2) (void)ring.peek_size(Deadline::after_ms(0), nullptr);
  if (how == 3) put(family, ring, 100);
  if (how == 4) put(family, ring, 5000);
  if (how == 5) {
    auto leased = ring.lease(Deadline::after_ms(0), nullptr);
    if (leased) (void)ring.acknowledge(leased->ticket, Deadline::after_ms(0), nullptr);
  }
  if (how == 6) (void)ring.put_quickly(room, 100, 0);
  if (how == 7) messages[0].reset(ring.get_quickly());
  for (const Message::Ptr& message : messages) {
    uint8_t sum = 0;
    for (size_t at = 0; message != nullptr && at < message->size(); ++at) {
      sum = static_cast<uint8_t>(sum + static_cast<uint8_t>(message->data()[at]));
    }
    size += sum;
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  static Family family;
  Input input(data, size);
  auto queue = Queue::create(*family.holdings, family.rack, {.remember = Remember::Last});
  if (!queue) return 0;
  Ring& ring = queue->ring();
  for (const size_t bytes : {10, 5000, 4000, 4000, 4000, 4000, 0}) put(family, ring, bytes);
  while (!input.empty()) {
    if (input.number(1) % 2 == 0) {
      damage(family, ring.shared(), input);
    } else {
      use(family, ring, input.number(1) % 8);
    }
  }
  return 0;
}
