// The kill storm: workers take tasks from a lane, answer each with a chunk through their result
// lane, and are killed at random, all the time. The oracle is the host: it knows what it asked, and
// so what must come.
//
//   storm [KILLS] [SEED]
//
// For each worker the host keeps a window of tasks in its lane. An answer must be the next one,
// once, and whole; after a death everything committed is taken first, and the rest is asked again
// of the next worker in that place. In the end nothing may be in use but the lanes.
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <deque>
#include <random>
#include <vector>

#include "channel/lane.hpp"
#include "channel/message.hpp"
#include "shm/arena.hpp"
#include "shm/reaper.hpp"
#include "sync/waiter.hpp"

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
  MemberId id;
  pid_t pid = 0;
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
  prctl(PR_SET_PDEATHSIG, SIGKILL);
  if (!arena.members().join(worker.id, getpid(), 1)) _exit(2);
  auto rack = std::make_shared<BellRack>(arena, worker.id);
  Waiter& waiter = Waiter::current(*rack);
  Holdings holdings(arena, worker.id.slot);
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
  explicit Storm(unsigned seed) : random_(seed) {
    auto made = Arena::create(kArenaBytes);
    if (!made) exit(2);
    arena_ = std::move(*made);
    host_ = *arena_->members().reserve(kNobody);
    (void)arena_->members().join(host_, getpid(), 1);
    rack_ = std::make_shared<BellRack>(*arena_, host_);
    holdings_ = std::make_unique<Holdings>(*arena_, host_.slot);
    waiter_ = &Waiter::current(*rack_);
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
    Heap& heap = arena_->heap();
    worker.id = *arena_->members().reserve(host_.slot);
    worker.tasks = *heap.allocate_zeroed(lane_bytes(kLaneBytes), host_.slot);
    worker.answers = *heap.allocate_zeroed(lane_bytes(kLaneBytes), host_.slot);
    worker.writer = LaneWriter(make_lane(arena_->at(worker.tasks, 1), kLaneBytes));
    worker.reader = LaneReader(make_lane(arena_->at(worker.answers, 1), kLaneBytes));
    arena_->members().set_result_tail(worker.id.slot, lane_tail_at(worker.answers));
    // What the last one in this place left unanswered, first.
    for (const Task& task : worker.asked) put(worker, task);
    worker.writer.publish();
    const BellId bell = waiter_->bell_id();
    worker.pid = fork();
    if (worker.pid == 0) serve(*arena_, worker, bell);
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
    arena_->members().ring({worker.id.slot, 0});
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
    auto message = Chunk::receive(*holdings_, said.chunk, worker.id.slot, 0);
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
    kill(worker.pid, SIGKILL);
    int status = 0;
    waitpid(worker.pid, &status, 0);
    if (WIFEXITED(status)) {
      ++count_.hung;
      printf("a worker ended by itself: %d\n", WEXITSTATUS(status));
    }
    // Before or after the reaper: what was committed is there.
    if (random_() % 2 == 0) drain(worker);
    reap(*arena_, worker.id, host_.slot);
    drain(worker);
    (void)arena_->heap().free(worker.tasks, host_.slot);
    (void)arena_->heap().free(worker.answers, host_.slot);
  }

  void replace(Worker& worker) {
    end(worker);
    ++count_.kills;
    start(worker);
  }

  void finish() {
    for (Worker& worker : workers_) end(worker);
    holdings_.reset();
    const uint64_t left = arena_->heap().live_bytes();
    if (left != 0) {
      printf("%llu bytes are left in use\n", static_cast<unsigned long long>(left));
      ++count_.lost;
    }
  }

  std::mt19937 random_;
  std::unique_ptr<Arena> arena_;
  MemberId host_;
  std::shared_ptr<BellRack> rack_;
  std::unique_ptr<Holdings> holdings_;
  Waiter* waiter_ = nullptr;
  Worker workers_[kWorkers];
  uint64_t number_ = 0;
  Count count_;
};

}  // namespace
}  // namespace brood::crash

int main(int argc, char** argv) {
  const uint64_t kills = argc > 1 ? strtoull(argv[1], nullptr, 10) : 2000;
  const auto seed = static_cast<unsigned>(argc > 2 ? atoi(argv[2]) : getpid());
  printf("seed %u\n", seed);
  brood::crash::Storm storm(seed);
  const brood::crash::Count count = storm.run(kills);
  const auto number = [](uint64_t value) { return static_cast<unsigned long long>(value); };
  printf("%llu kills, %llu messages, %llu lost, %llu duplicate, %llu torn, %llu hung\n",
         number(count.kills), number(count.messages), number(count.lost + count.refused),
         number(count.duplicate), number(count.torn), number(count.hung));
  return count.bad() ? 1 : 0;
}
