// A worker at its lanes, from its initializer to its finalizer, killed anywhere: the host must find
// out which tasks were begun, and have every answer that was committed.
#include <cstring>

#include "operation.hpp"
#include "pool/worker_link.hpp"

namespace brood::crash {

namespace {

constexpr uint32_t kItems = 3;
constexpr size_t kBigResult = 20000;  // beyond what a lane takes
constexpr size_t kFixed = offsetof(ChannelBlock, lanes);
constexpr size_t kChannelBytes = kFixed + lane_bytes(kTaskLaneBytes) + lane_bytes(kResultLaneBytes);

// scratch[0] the PoolBlock and the channel behind it; [1] the task's frame.
std::byte* channel_at(World& world) {
  return world.arena->at(world.scratch[0], kFalseSharing + kChannelBytes) + kFalseSharing;
}
std::byte* result_lane_at(World& world) {
  return channel_at(world) + kFixed + lane_bytes(kTaskLaneBytes);
}

// One function, and one record with three items of four bytes.
void send_tasks(World& world) {
  world.scratch[0] = *world.heap().allocate(kFalseSharing + kChannelBytes, world.host.slot);
  auto* pool = new (channel_at(world) - kFalseSharing) PoolBlock{};
  pool->ring_after.store(1);
  pool->attendant.store(World::bell(world.host).pack());
  auto* channel = new (channel_at(world)) ChannelBlock{};
  channel->magic = kChannelMagic;
  channel->running.store(kNothingRuns);
  make_lane(result_lane_at(world), kResultLaneBytes);
  LaneWriter writer(make_lane(channel->lanes, kTaskLaneBytes), kTaskLaneBytes);

  const uint32_t index = 0;
  RecordHeader* function = writer.reserve(sizeof index + 1);
  *function = {sizeof index + 1, kFunctionRecord, 0, 0};
  std::memcpy(record_data(function), &index, sizeof index);
  std::memcpy(record_data(function) + sizeof index, "f", 1);

  constexpr size_t kItemBytes = sizeof(Item) + padded(4);
  constexpr size_t kBytes = sizeof(TaskFrame) + kItems * kItemBytes;
  RecordHeader* task = writer.reserve(kBytes);
  *task = {kBytes, kTaskRecord, 0, kTimed};
  auto* frame = reinterpret_cast<TaskFrame*>(record_data(task));
  frame->claim.reset(kItems);
  frame->function = frame->reserved = 0;
  frame->sequence = 0;
  frame->count = kItems;
  for (uint32_t i = 0; i < kItems; ++i) {
    const Item item{4, 0};
    std::memcpy(reinterpret_cast<std::byte*>(frame + 1) + i * kItemBytes, &item, sizeof item);
  }
  world.scratch[1] = world.arena->offset_of(record_data(task));
  writer.publish();
  writer.close();
}

// A small answer, a large one that was written in place, and a failure.
Status answer(WorkerLink& link, WorkerTask& task, uint32_t number) {
  const Message& argument = task.argument();
  if (number == 0) return link.reply(task, {argument.data(), argument.size()}, 0);
  if (number > 1) return link.fail(task, {.code = Code::Remote, .message = "refused"});
  Result<Message::Ptr> room = link.loan(kBigResult, 0);
  if (!room) return room.error();
  (*room)->data()[kBigResult - 1] = std::byte('v');
  return link.reply(task, *room);
}

void work(World& world) {
  StartOrders orders;
  orders.channel = world.scratch[0] + kFalseSharing;
  orders.channel_bytes = kChannelBytes;
  orders.pool_block = world.scratch[0];
  orders.initializer = "begin";
  orders.finalizer = "end";
  Holdings holdings(*world.arena, world.victim.slot);
  auto link =
      WorkerLink::open(holdings, std::make_shared<BellRack>(*world.arena, world.victim), orders);
  WorkerTask task;
  uint32_t number = 0;
  while ((*link)->next(Deadline::after_ms(0), nullptr, task)) {
    const bool bracket = task.function() != "f";
    (void)(bracket ? (*link)->reply(task, {}, 0) : answer(**link, task, number++));
  }
}

// Takes what a record names, as the pool would. Empty if all is well.
std::string take_result(World& world, const LaneReader::Record& record, uint64_t number) {
  ResultFrame frame;
  if (record.header.size < sizeof frame) return "a torn result";
  std::memcpy(&frame, record.data, sizeof frame);
  if (frame.sequence != number) return "a result out of order";
  if ((record.header.flags & kInHeap) == 0) return "";
  HeapBytes name;
  std::memcpy(&name, record.data + sizeof frame, sizeof name);
  const Status taken = world.heap().take(name.offset, world.victim.slot, world.host.slot);
  if (!taken) return "a committed result cannot be taken: " + taken.error().message();
  const bool whole = world.arena->at(name.offset, kBigResult)[kBigResult - 1] == std::byte('v');
  if (!world.heap().free(name.offset, world.host.slot)) return "cannot free a result";
  return whole ? "" : "a committed result's bytes are damaged";
}

std::string settle(World& world, pid_t, bool acked) {
  LaneReader reader(reinterpret_cast<LaneHeader*>(result_lane_at(world)), kResultLaneBytes);
  LaneReader::Record record;
  bool ready = false;
  uint32_t results = 0;
  while (reader.next(record).value()) {
    if (!ready && record.header.kind != kReadyRecord) return "a result before the worker is ready";
    if (std::exchange(ready, true)) {
      const bool refused = results == 2;
      if (record.header.kind != (refused ? kFailureRecord : kResultRecord)) return "a wrong answer";
      if (std::string wrong = take_result(world, record, results++); !wrong.empty()) return wrong;
    }
  }
  auto* frame = reinterpret_cast<TaskFrame*>(world.arena->at(world.scratch[1], sizeof(TaskFrame)));
  const uint32_t started = frame->claim.started();
  if (started < results || started > results + 1) {
    return std::to_string(started) + " started and " + std::to_string(results) + " results";
  }
  if (!ready && started != 0) return "a task before the initializer's end";
  if (acked && results != kItems) return "an acknowledged result is lost";
  // The host takes the rest back.
  if (started < kItems && !frame->claim.revoke_from(started)) return "no revoke";
  return world.heap().free(world.scratch[0], world.host.slot) ? "" : "cannot free the lanes";
}

}  // namespace

std::vector<Operation> worker_operations() {
  return {{"pool: initializer, tasks, answers, finalizer", send_tasks, work, no_survivor, settle}};
}

}  // namespace brood::crash
