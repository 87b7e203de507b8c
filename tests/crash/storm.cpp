// The kill storm: workers take tasks from a lane, answer each with a chunk through their result
// lane, and are killed at random, all the time. The oracle is the host: it knows what it asked, and
// so what must come.
//
//   storm [KILLS] [SEED]
//
// For each worker the host keeps a window of tasks in its lane. An answer must be the next one,
// once, and whole; after a death everything committed is taken first, and the rest is asked again
// of the next worker in that place. In the end nothing may be in use but the lanes.
#include <unistd.h>

#include <cstdio>
#include <cstring>
#include <deque>
#include <vector>

#include "channel/lane.hpp"
#include "channel/message.hpp"
#include "storm_family.hpp"

namespace brood::crash {
namespace {

constexpr int kWorkers = 4;
constexpr size_t kWindow = 8;
constexpr uint32_t kLaneBytes = 8192;
constexpr uint64_t kArenaBytes = 64 << 20;
constexpr auto kHangAfter = std::chrono::seconds(2);

struct Task {
  uint64_t number;
  uint64_t bytes;
};
struct Answer {
  uint64_t number;
  Chunk::Name chunk;
};

struct Count {
  uint64_t kills = 0, messages = 0, lost = 0, duplicate = 0, torn = 0, hung = 0, refused = 0;
  bool bad() const { return lost + duplicate + torn + hung + refused > 0; }
};

struct Worker {
  Process process;
  Offset tasks = 0, answers = 0;
  LaneWriter writer;
  LaneReader reader;
  std::deque<Task> asked;  // in the order of the answers
};

std::byte byte_of(const Task& task, uint64_t at) {
  return static_cast<std::byte>(task.number * 31 + at / 64);
}

LaneHeader* lane_at(Arena& arena, Offset at) {
  return reinterpret_cast<LaneHeader*>(arena.at(at, lane_bytes(kLaneBytes)));
}

// ---- in the worker ----

void answer(Holdings& holdings, LaneWriter& writer, const Task& task, const Held& token) {
  Arena& arena = holdings.arena();
  const Held handles[] = {token};
  // Every fourth answer carries a handle.
  const bool carries = task.number % 4 == 0;
  auto chunk = Chunk::make(holdings, task.bytes, {handles, carries ? 1u : 0u});
  if (!chunk) _exit(3);
  std::byte* data = Chunk::data(arena, *chunk);
  for (uint64_t at = 0; at < task.bytes; at += 64) data[at] = byte_of(task, at);
  RecordHeader* record = writer.reserve(sizeof(Answer));
  while (record == nullptr) {
    usleep(10);
    record = writer.reserve(sizeof(Answer));
  }
  (void)arena.heap().begin_send(chunk->offset, holdings.me(), writer.last_position());
  *record = {sizeof(Answer), 1, 0, 0};
  const Answer said{task.number, *chunk};
  std::memcpy(record_data(record), &said, sizeof said);
  writer.publish();
}

[[noreturn]] void serve(Arena& arena, const Worker& worker, BellId host_bell) {
  auto rack = std::make_shared<BellRack>(arena, worker.process.id);
  Waiter& waiter = Waiter::current(*rack);
  Holdings holdings(arena, worker.process.id.slot);
  auto token = holdings.create(ObjectType::Cancel, 64);
  if (!token) _exit(4);
  LaneReader reader(lane_at(arena, worker.tasks), kLaneBytes);
  LaneWriter writer(lane_at(arena, worker.answers), kLaneBytes);
  for (;;) {
    (void)waiter.wait(
        Deadline::forever(), nullptr, [&] { return !reader.empty(); },
        Waiter::cpu_of(arena.members(), host_bell));
    LaneReader::Record record;
    auto got = reader.next(record);
    if (!got) _exit(5);
    if (!*got) continue;
    Task task;
    std::memcpy(&task, record.data, sizeof task);
    answer(holdings, writer, task, *token);
    reader.give_back();
    arena.members().ring(host_bell);
  }
}

// ---- in the host ----

class Storm {
 public:
  explicit Storm(unsigned seed) : random_(seed), family_(kArenaBytes) {
    waiter_ = &Waiter::current(*family_.rack());
    for (Worker& worker : workers_) start(worker);
  }

  Count run(uint64_t kills) {
    auto next_kill = Clock::now();
    auto last_news = Clock::now();
    while (count_.kills < kills) {
      for (Worker& worker : workers_) ask(worker);
      const auto wait_until = std::min(next_kill, last_news + kHangAfter);
      (void)waiter_->wait(Deadline::at(wait_until), nullptr, [&] { return any_answer(); });
      bool news = false;
      for (Worker& worker : workers_) news |= drain(worker);
      const auto now = Clock::now();
      if (news) last_news = now;
      if (now - last_news >= kHangAfter) {
        ++count_.hung;
        last_news = now;
      }
      if (now < next_kill) continue;
      replace(workers_[random_() % kWorkers]);
      next_kill = Clock::now() + std::chrono::microseconds(random_() % 1200);
    }
    finish();
    return count_;
  }

 private:
  void start(Worker& worker) {
    Arena& arena = family_.arena();
    const MemberSlot host = family_.host().slot;
    family_.reserve(worker.process);
    worker.tasks = *arena.heap().allocate_zeroed(lane_bytes(kLaneBytes), host);
    worker.answers = *arena.heap().allocate_zeroed(lane_bytes(kLaneBytes), host);
    worker.writer = LaneWriter(make_lane(arena.at(worker.tasks, 1), kLaneBytes));
    worker.reader = LaneReader(make_lane(arena.at(worker.answers, 1), kLaneBytes));
    arena.members().set_result_tail(worker.process.id.slot, lane_tail_at(worker.answers));
    // What the last one in this place left unanswered, first.
    for (const Task& task : worker.asked) put(worker, task);
    worker.writer.publish();
    const BellId bell = waiter_->bell_id();
    family_.start(worker.process, [&] { serve(arena, worker, bell); });
  }

  void put(Worker& worker, const Task& task) {
    RecordHeader* record = worker.writer.reserve(sizeof task);
    *record = {sizeof task, 1, 0, 0};
    std::memcpy(record_data(record), &task, sizeof task);
  }

  void ask(Worker& worker) {
    if (worker.asked.size() >= kWindow) return;
    while (worker.asked.size() < kWindow) {
      const bool large = random_() % 16 == 0;
      const Task task{++number_, 1 + random_() % (large ? 200000 : 2000)};
      put(worker, task);
      worker.asked.push_back(task);
    }
    worker.writer.publish();
    family_.arena().members().ring({worker.process.id.slot, 0});
  }

  bool any_answer() {
    for (Worker& worker : workers_) {
      if (!worker.reader.empty()) return true;
    }
    return false;
  }

  bool drain(Worker& worker) {
    bool news = false;
    LaneReader::Record record;
    for (;;) {
      auto got = worker.reader.next(record);
      if (!got) ++count_.torn;
      if (!got || !*got) break;
      Answer said;
      std::memcpy(&said, record.data, sizeof said);
      judge(worker, said);
      news = true;
    }
    worker.reader.give_back();
    return news;
  }

  void judge(Worker& worker, const Answer& said) {
    ++count_.messages;
    if (worker.asked.empty() || said.number < worker.asked.front().number) {
      ++count_.duplicate;
      return;
    }
    while (worker.asked.front().number != said.number) {
      ++count_.lost;
      worker.asked.pop_front();
      if (worker.asked.empty()) return;
    }
    const Task task = worker.asked.front();
    worker.asked.pop_front();
    auto message = Chunk::receive(family_.holdings(), said.chunk, worker.process.id.slot, 0);
    if (!message) {
      if (++count_.refused < 4) printf("refused: %s\n", message.error().message().c_str());
      return;
    }
    bool whole = (*message)->size() == task.bytes &&
                 (*message)->handle_count() == (task.number % 4 == 0 ? 1u : 0u);
    for (uint64_t at = 0; whole && at < task.bytes; at += 64) {
      whole = (*message)->data()[at] == byte_of(task, at);
    }
    if (!whole) ++count_.torn;
  }

  void end(Worker& worker) {
    if (!family_.kill(worker.process)) ++count_.hung;
    // Before or after the reaper: what was committed is there.
    if (random_() % 2 == 0) drain(worker);
    family_.reap(worker.process);
    drain(worker);
    Heap& heap = family_.arena().heap();
    (void)heap.free(worker.tasks, family_.host().slot);
    (void)heap.free(worker.answers, family_.host().slot);
  }

  void replace(Worker& worker) {
    end(worker);
    ++count_.kills;
    start(worker);
  }

  void finish() {
    for (Worker& worker : workers_) end(worker);
    if (family_.close() != 0) ++count_.lost;
  }

  std::mt19937 random_;
  StormFamily family_;
  Waiter* waiter_ = nullptr;
  Worker workers_[kWorkers];
  uint64_t number_ = 0;
  Count count_;
};

bool run(uint64_t kills, unsigned seed) {
  const Count count = Storm(seed).run(kills);
  printf("%llu kills, %llu messages, %llu lost, %llu duplicate, %llu torn, %llu hung\n",
         number_of(count.kills), number_of(count.messages), number_of(count.lost + count.refused),
         number_of(count.duplicate), number_of(count.torn), number_of(count.hung));
  return !count.bad();
}

}  // namespace
}  // namespace brood::crash

int main(int argc, char** argv) { return brood::crash::storm_main(argc, argv, brood::crash::run); }
