// Lanes with a parked peer, chunks sent through them, bells, and the claim word of a task record.
#include <cstring>

#include "operation.hpp"

namespace brood::crash {

namespace {

enum Outcome { kGot = 0, kStopped = 1, kTorn = 2 };

constexpr uint16_t kInline = 1;
constexpr uint16_t kChunk = 2;

void write_record(LaneWriter& writer, char letter) {
  RecordHeader* record = writer.reserve(kRecordSize);
  if (record == nullptr) return;
  *record = {kRecordSize, kInline, 0, 0};
  std::memset(record_data(record), letter, kRecordSize);
}

bool is_whole(const LaneReader::Record& record, char letter) {
  if (record.header.size != kRecordSize || record.header.kind != kInline) return false;
  for (size_t index = 0; index < kRecordSize; ++index) {
    if (record.data[index] != std::byte(letter)) return false;
  }
  return true;
}

// Waits on its bell until `ready` or told to stop; the result of `then` is its exit code.
pid_t park_until(World& world, const std::function<bool()>& ready,
                 const std::function<int()>& then) {
  return world.park_survivor([&world, ready, then] {
    auto rack = std::make_shared<BellRack>(*world.arena, world.survivor);
    Waiter& waiter = Waiter::current(*rack);
    (void)waiter.wait(Deadline::forever(), nullptr, [&] {
      // Once: asking may change what is asked for.
      if (ready()) world.control->notes[1] = 1;
      return world.control->notes[1] != 0 || world.control->stop != 0;
    });
    return world.control->notes[1] != 0 ? then() : static_cast<int>(kStopped);
  });
}

// Ends a survivor that has nothing to wait for any more; what it says.
int stop_survivor(World& world, pid_t survivor) {
  world.control->stop = 1;
  world.members().ring(World::bell(world.survivor));
  return World::outcome(survivor);
}

std::string check_receiver(World& world, pid_t survivor, bool committed, bool acked) {
  if (acked && !committed) return "acknowledged, but not committed";
  const int outcome = committed ? World::outcome(survivor) : stop_survivor(world, survivor);
  if (outcome == -1)
    return committed ? "HANG: committed, but the peer sleeps on" : "HANG: deaf peer";
  if (outcome == kTorn) return "a torn record";
  return outcome == (committed ? kGot : kStopped) ? "" : "the peer's outcome is wrong";
}

pid_t park_reader(World& world, int records) {
  auto reader = std::make_shared<LaneReader>(world.reader(world.results));
  return park_until(
      world, [reader] { return !reader->empty(); },
      [reader, records]() -> int {
        for (int count = 0; count < records; ++count) {
          LaneReader::Record record;
          auto got = reader->next(record);
          if (!got || !*got || !is_whole(record, 'v')) return kTorn;
        }
        reader->give_back();
        return kGot;
      });
}

Operation publish(const char* name, int records, int before) {
  return {name,
          [=](World& world) {
            LaneWriter writer = world.writer(world.results);
            LaneReader reader = world.reader(world.results);
            for (int count = 0; count < before; ++count) write_record(writer, 'b');
            writer.publish();
            LaneReader::Record record;
            while (reader.next(record).value()) {
            }
            reader.give_back();
            world.scratch[0] = world.lane(world.results)->tail;
          },
          [=](World& world) {
            LaneWriter writer = world.writer(world.results);
            for (int count = 0; count < records; ++count) write_record(writer, 'v');
            writer.publish();
            world.members().ring(World::bell(world.survivor));
          },
          [=](World& world) { return park_reader(world, records); },
          [](World& world, pid_t survivor, bool acked) {
            const bool committed = world.lane(world.results)->tail != world.scratch[0];
            return check_receiver(world, survivor, committed, acked);
          }};
}

Operation read_with_parked_writer() {
  return {"lane: next and give back, writer parked",
          [](World& world) {
            LaneWriter writer = world.writer(world.tasks);
            while (writer.reserve(kRecordSize) != nullptr) {
              RecordHeader* record = writer.record_at(writer.last_position());
              *record = {kRecordSize, kInline, 0, 0};
              std::memset(record_data(record), 'f', kRecordSize);
            }
            writer.publish();
          },
          [](World& world) {
            LaneReader reader = world.reader(world.tasks);
            LaneReader::Record record;
            if (!reader.next(record).value() || !is_whole(record, 'f')) return;
            reader.give_back();
            world.members().ring(World::bell(world.survivor));
          },
          [](World& world) {
            auto writer = std::make_shared<LaneWriter>(world.writer(world.tasks));
            return park_until(
                world, [writer] { return writer->reserve(kRecordSize) != nullptr; },
                []() -> int { return kGot; });
          },
          [](World& world, pid_t survivor, bool acked) -> std::string {
            const bool room = world.lane(world.tasks)->head != 0;
            std::string wrong = check_receiver(world, survivor, room, acked);
            LaneReader reader = world.reader(world.tasks);
            LaneReader::Record record;
            while (wrong.empty() && reader.next(record).value()) {
              if (!is_whole(record, 'f')) wrong = "a record is damaged";
            }
            return wrong;
          }};
}

struct ChunkRecord {
  Offset offset;
  uint64_t size;
};

// The runner plays the host: takes what came, checks it, frees it.
std::string take_replies(World& world, bool acked) {
  LaneReader reader = world.reader(world.results);
  LaneReader::Record record;
  int replies = 0;
  for (;;) {
    auto got = reader.next(record);
    if (!got) return got.error().message();
    if (!*got) break;
    ++replies;
    ChunkRecord chunk;
    if (record.header.kind != kChunk || record.header.size != sizeof chunk) return "a torn record";
    std::memcpy(&chunk, record.data, sizeof chunk);
    const Status taken = world.heap().take(chunk.offset, world.victim.slot, world.host.slot);
    if (!taken) return "a committed chunk cannot be taken: " + taken.error().message();
    const std::byte* data = world.arena->at(chunk.offset, chunk.size);
    for (const uint64_t at : {uint64_t{0}, uint64_t{100}, chunk.size - 1}) {
      if (data[at] != std::byte('v')) return "a committed chunk's bytes are damaged";
    }
    if (!world.heap().free(chunk.offset, world.host.slot)) return "cannot free a taken chunk";
  }
  return acked && replies == 0 ? "an acknowledged reply is lost" : "";
}

Operation send_chunk(const char* name, uint64_t size) {
  return {name, [](World&) {},
          [size](World& world) {
            const auto piece = world.heap().allocate(size, world.victim.slot);
            if (!piece) return;
            std::byte* data = world.arena->at(*piece, size);
            for (const uint64_t at : {uint64_t{0}, uint64_t{100}, size - 1})
              data[at] = std::byte('v');
            LaneWriter writer = world.writer(world.results);
            RecordHeader* record = writer.reserve(sizeof(ChunkRecord));
            (void)world.heap().begin_send(*piece, world.victim.slot, writer.last_position());
            *record = {sizeof(ChunkRecord), kChunk, 0, 0};
            const ChunkRecord chunk{*piece, size};
            std::memcpy(record_data(record), &chunk, sizeof chunk);
            writer.publish();
            world.members().ring(World::bell(world.host));
          },
          no_survivor, [](World& world, pid_t, bool acked) { return take_replies(world, acked); }};
}

Operation ring() {
  return {"bell: ring, sleeper parked", [](World&) {},
          [](World& world) {
            world.control->notes[0] = 1;
            world.members().ring(World::bell(world.survivor));
          },
          [](World& world) {
            return park_until(
                world, [&world] { return world.control->notes[0] != 0; },
                []() -> int { return kGot; });
          },
          [](World& world, pid_t survivor, bool acked) {
            return check_receiver(world, survivor, world.control->notes[0] != 0, acked);
          }};
}

Operation sleep_on_bell() {
  return {"bell: a sleeper is killed", [](World&) {},
          [](World& world) {
            auto rack = std::make_shared<BellRack>(*world.arena, world.victim);
            Waiter& waiter = Waiter::current(*rack);
            (void)waiter.wait(Deadline::forever(), nullptr,
                              [&] { return world.control->notes[0] != 0; });
          },
          no_survivor,
          [](World& world, pid_t, bool) -> std::string {
            // The next one in this place sleeps and is woken as ever.
            const auto next = world.members().reserve(world.host.slot);
            if (!next || !world.members().join(*next, getpid(), 1)) return "no place to join";
            const pid_t sleeper = world.park_survivor([&world, &next] {
              auto rack = std::make_shared<BellRack>(*world.arena, *next);
              return Waiter::current(*rack)
                             .wait(Deadline::forever(), nullptr,
                                   [&] { return world.control->notes[0] != 0; })
                             .ok()
                         ? 0
                         : 1;
            });
            world.control->notes[0] = 1;
            world.members().ring(World::bell(*next));
            if (World::outcome(sleeper) != 0) return "HANG: the next sleeper is not woken";
            reap(*world.arena, *next, world.host.slot);
            return "";
          }};
}

}  // namespace

std::vector<Operation> lane_operations() {
  return {publish("lane: publish, reader parked", 1, 0),
          publish("lane: publish three, reader parked", 3, 0),
          publish("lane: publish over the ring's end, reader parked", 1, 37),
          read_with_parked_writer(),
          send_chunk("lane: allocate, send and commit a small chunk", 1000),
          send_chunk("lane: allocate, send and commit a large chunk", 150000),
          ring(),
          sleep_on_bell()};
}

}  // namespace brood::crash
