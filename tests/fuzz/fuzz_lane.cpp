// A hostile producer: the bytes of a lane, and in its records the names of chunks and handles, are
// the fuzzer's. The consumer must answer with records inside the ring, messages inside their chunk,
// or an error.
//
// Input: 8 bytes head, 8 bytes tail, 4 bytes capacity, 1 byte closed; the rest is the ring from the
// head on.
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <vector>

#include "channel/lane.hpp"
#include "channel/message.hpp"

namespace {

using namespace brood;

constexpr uint32_t kCapacity = 4096;
constexpr size_t kHeader = 21;

void demand(bool holds) {
  if (!holds) abort();
}

struct World {
  World() {
    arena = std::move(*Arena::create(kSmallestArena));
    host = *arena->members().reserve(kNobody);
    worker = *arena->members().reserve(kNobody);
    demand(arena->members().join(host, 1, 1).ok() && arena->members().join(worker, 2, 2).ok());
    holdings = std::make_unique<Holdings>(*arena, host.slot);
    theirs = std::make_unique<Holdings>(*arena, worker.slot);
    token = *theirs->create(ObjectType::Cancel, 8);
    const Held handles[] = {token};
    chunk = *Chunk::make(*theirs, 300, handles);
  }
  std::unique_ptr<Arena> arena;
  MemberId host, worker;
  std::unique_ptr<Holdings> holdings, theirs;
  Held token;
  Chunk::Name chunk;
};

void check_message(World& world, Result<Message::Ptr>& message) {
  if (!message) return;
  const Offset at = world.arena->offset_of((*message)->data());
  demand(world.arena->at(at, (*message)->size()) != nullptr || (*message)->size() == 0);
  demand((*message)->handle_count() <= kMostHandles);
  for (size_t index = 0; index < (*message)->handle_count(); ++index) {
    (void)(*message)->take(index);
  }
}

void use_as_name(World& world, const LaneReader::Record& record) {
  if (record.header.size < sizeof(Chunk::Name)) return;
  Chunk::Name name;
  std::memcpy(&name, record.data, sizeof name);
  // Names near the true one find more.
  if (record.header.flags & 1) name.offset += world.chunk.offset;
  const size_t room = world.arena->heap().size_of(name.offset);
  const std::byte* data = Chunk::data(*world.arena, name);
  demand(data == nullptr || name.size <= room);
  auto borrowed = Chunk::borrow(*world.holdings, name, 0);
  check_message(world, borrowed);
  // Sent by the worker, as it says; afterwards it has the chunk again.
  (void)world.arena->heap().begin_send(world.chunk.offset, world.worker.slot, 1);
  auto received = Chunk::receive(*world.holdings, name, world.worker.slot, 0);
  check_message(world, received);
  const bool gone =
      received.ok() ||
      !world.arena->heap().take(world.chunk.offset, world.worker.slot, world.worker.slot).ok();
  if (received.ok()) received = Error(Code::Closed);
  if (!gone) return;
  const Held handles[] = {world.token};
  world.chunk = *Chunk::make(*world.theirs, 300, handles);
}

void use_as_handle(World& world, const LaneReader::Record& record) {
  if (record.header.size < sizeof(Handle)) return;
  Handle handle;
  std::memcpy(&handle, record.data, sizeof handle);
  if (record.header.flags & 1) handle.place ^= world.token.handle().place;
  if (record.header.flags & 2) handle.generation ^= world.token.handle().generation;
  auto held = world.holdings->hold(handle);
  if (held) demand(held->header() == world.token.header());
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  static World world;
  if (size < kHeader) return 0;
  // Exactly as large as the lane, so that a step beyond is seen.
  const size_t bytes = lane_bytes(kCapacity);
  std::unique_ptr<std::byte, void (*)(void*)> memory(
      static_cast<std::byte*>(aligned_alloc(kFalseSharing, bytes)), std::free);
  std::memset(memory.get(), 0, bytes);
  LaneHeader* lane = make_lane(memory.get(), kCapacity);
  uint64_t head = 0;
  uint64_t tail = 0;
  std::memcpy(&head, data, 8);
  std::memcpy(&tail, data + 8, 8);
  std::memcpy(&lane->capacity, data + 16, 4);
  const uint32_t capacity = lane_capacity(memory.get(), bytes);
  demand(capacity <= kCapacity);
  // The reader's own position is its own.
  head &= ~uint64_t{7};
  if (data[20] & 2) tail = head + tail % kCapacity;
  lane->head.store(head);
  lane->tail.store(tail);
  lane->closed.store(data[20] & 1);
  for (size_t index = kHeader; index < size; ++index) {
    lane->ring[(head + index - kHeader) % kCapacity] = std::byte(data[index]);
  }
  LaneReader reader(lane, kCapacity);
  LaneReader::Record record;
  for (;;) {
    auto got = reader.next(record);
    if (!got || !*got) break;
    demand(record.data >= lane->ring && record.data + record.header.size <= lane->ring + kCapacity);
    if (record.header.kind == 2) use_as_name(world, record);
    if (record.header.kind == 3) use_as_handle(world, record);
  }
  reader.give_back();
  (void)reader.ended();
  return 0;
}
