// A host that wrote anything into its worker's lanes: the worker gets tasks whose arguments lie
// inside the lane or a chunk, or an error, and answers without harm.
//
// Input: 2 bytes size of the task lane's contents, 1 byte what to answer with; the rest are those
// contents, behind a function record and a task that are whole if the first bit says so.
#include <cstdlib>
#include <cstring>
#include <vector>

#include "pool/worker_link.hpp"

using namespace brood;

namespace {

constexpr size_t kFixed = offsetof(ChannelBlock, lanes);
constexpr size_t kChannelBytes = kFixed + lane_bytes(kTaskLaneBytes) + lane_bytes(kResultLaneBytes);

void demand(bool holds) {
  if (!holds) abort();
}

struct World {
  World() {
    arena = std::move(*Arena::create(64 << 20));
    arena->heap().set_system_root("/nonexistent");
    host = *arena->members().reserve(kNobody);
    demand(arena->members().join(host, 1, 1).ok());
    worker = *arena->members().reserve(host.slot);
    demand(arena->members().join(worker, 2, 2).ok());
    hosts = std::make_unique<Holdings>(*arena, host.slot);
    workers = std::make_unique<Holdings>(*arena, worker.slot);
    rack = std::make_shared<BellRack>(*arena, worker);
    block = *arena->heap().allocate(kFalseSharing + kChannelBytes, host.slot);
    chunk = *Chunk::make(*hosts, 300, {});
  }
  std::unique_ptr<Arena> arena;
  MemberId host, worker;
  std::unique_ptr<Holdings> hosts, workers;
  std::shared_ptr<BellRack> rack;
  Offset block;
  Chunk::Name chunk;
};

void write_function(LaneWriter& writer) {
  const uint32_t index = 0;
  RecordHeader* record = writer.reserve(sizeof index + 1);
  *record = {sizeof index + 1, kFunctionRecord, 0, 0};
  std::memcpy(record_data(record), &index, sizeof index);
  std::memcpy(record_data(record) + sizeof index, "f", 1);
}

// A record of one item; its argument's bytes, its flags and sizes are the input's.
void write_task(World& world, LaneWriter& writer, const uint8_t* data, size_t size) {
  const size_t bytes = sizeof(TaskFrame) + sizeof(Item) + padded(size);
  RecordHeader* record = writer.reserve(bytes);
  if (record == nullptr) return;
  *record = {static_cast<uint32_t>(bytes), kTaskRecord, 0, 0};
  auto* frame = reinterpret_cast<TaskFrame*>(record_data(record));
  frame->claim.reset(1 + data[0] % 3);
  frame->function = data[0] >> 6;
  frame->sequence = 0;
  frame->count = 1 + data[0] % 3;
  frame->reserved = 0;
  auto* at = reinterpret_cast<std::byte*>(frame + 1);
  std::memset(at, 0, sizeof(Item) + padded(size));
  std::memcpy(at, data, size);
  if ((data[0] & 8) != 0 && size >= sizeof(Item) + sizeof(HeapBytes)) {
    // The name of a chunk that is there, as far as the input leaves it.
    const Item item{sizeof(HeapBytes), kInHeap};
    HeapBytes name;
    std::memcpy(at, &item, sizeof item);
    std::memcpy(&name, at + sizeof item, sizeof name);
    name.offset ^= world.chunk.offset;
    std::memcpy(at + sizeof item, &name, sizeof name);
  }
}

void answer(WorkerLink& link, WorkerTask& task, uint8_t how) {
  const Message& argument = task.argument();
  // Each byte of it can be read.
  unsigned sum = 0;
  for (size_t i = 0; i < argument.size(); ++i) sum += static_cast<unsigned>(argument.data()[i]);
  static volatile unsigned read = 0;
  read = sum;
  if (how == 0) (void)link.reply(task, {argument.data(), std::min<size_t>(argument.size(), 64)}, 0);
  if (how == 1) (void)link.fail(task, {.code = Code::Remote, .message = "no"});
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  static World world;
  if (size < 8) return 0;
  std::byte* memory = world.arena->at(world.block, kFalseSharing + kChannelBytes);
  auto* pool = new (memory) PoolBlock{};
  pool->ring_after.store(1);
  auto* channel = new (memory + kFalseSharing) ChannelBlock{};
  channel->magic = kChannelMagic;
  channel->running.store(kNothingRuns);
  std::byte* lanes = memory + kFalseSharing + kFixed;
  make_lane(lanes + lane_bytes(kTaskLaneBytes), kResultLaneBytes);
  LaneWriter writer(make_lane(lanes, kTaskLaneBytes), kTaskLaneBytes);
  const size_t first = std::min<size_t>(data[0] | data[1] << 8, size - 3);
  if (data[2] & 1) {
    write_function(writer);
    if (first > 0) write_task(world, writer, data + 3, first);
  }
  writer.publish();
  // Behind it, bytes of the input's own.
  auto* lane = reinterpret_cast<LaneHeader*>(lanes);
  const size_t rest = size - 3 - first;
  const uint64_t tail = lane->tail.load();
  std::memcpy(lane->ring + tail, data + 3 + first, rest);
  lane->tail.store(tail + (rest & ~size_t{7}));
  lane->closed.store(1);

  StartOrders orders;
  orders.channel = world.block + kFalseSharing;
  orders.channel_bytes = kChannelBytes;
  orders.pool_block = world.block;
  auto link = WorkerLink::open(*world.workers, world.rack, orders);
  demand(link.ok());
  WorkerTask task;
  for (int tasks = 0; tasks < 100; ++tasks) {
    if (!(*link)->next(Deadline::after_ms(0), nullptr, task)) break;
    answer(**link, task, (data[2] >> 1) % 3);
  }
  return 0;
}
