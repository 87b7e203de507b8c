// brood's own figures. Each run measures one of them, in a host of its own.
//
// usage: pool chunk1|batched|rtt|start|memory|pending|idle PLACEMENT [COUNT]
//        pool spawn RESIDENT_MB PROGRAM
#include <brood/brood.h>

#include "bench.hpp"
#include "proc.hpp"

using namespace bench;

namespace {

constexpr double kSeconds = 0.7;
constexpr size_t kMapItems = 200000;

void ok(brood_status status) {
  if (status == BROOD_OK) return;
  std::fprintf(stderr, "bench: %s\n", brood_error_message(brood_last_error()));
  std::exit(1);
}

void echo(brood_task* task, void*) {
  brood_msg* args = brood_task_args(task);
  ok(brood_task_reply(task, brood_msg_data(args), brood_msg_size(args), BROOD_CODEC_RAW, nullptr));
}

// Keeps its worker busy until the host opens the named pipe, so that tasks pile up behind it.
void gate(brood_task* task, void*) {
  brood_msg* args = brood_task_args(task);
  const std::string path(static_cast<const char*>(brood_msg_data(args)), brood_msg_size(args));
  wait_at_gate(path);
}

class Pool {
 public:
  Pool(const Placement& place, uint32_t workers) {
    const uint32_t cpu = place.worker_cpu();
    brood_pool_options options = BROOD_POOL_OPTIONS_INIT;
    options.workers = workers;
    if (place.pinned()) {
      options.limits.cpu_count = 1;
      options.limits.cpus = &cpu;
    }
    ok(brood_pool_create(&options, &pool_, nullptr));
  }
  Pool(const Pool&) = delete;
  Pool& operator=(const Pool&) = delete;
  ~Pool() { brood_pool_free(pool_); }
  operator brood_pool*() const { return pool_; }

  void call() const {
    const char bytes[kMessageBytes] = {};
    brood_msg* result = nullptr;
    ok(brood_pool_call(pool_, "echo", bytes, sizeof bytes, nullptr, BROOD_FOREVER, nullptr, &result,
                       nullptr));
    brood_msg_free(result);
  }
  // Every worker has run a task: none is still starting.
  void warm_up() const {
    brood_pool_stats stats = BROOD_POOL_STATS_INIT;
    do {
      call();
      ok(brood_pool_get_stats(pool_, &stats, nullptr));
    } while (stats.starting > 0);
    map(2000, 1);
  }
  void map(size_t count, uint32_t chunk) const {
    const char bytes[kMessageBytes] = {};
    const std::vector<brood_bytes> items(count, brood_bytes{bytes, sizeof bytes});
    brood_stream_options options = BROOD_STREAM_OPTIONS_INIT;
    options.chunk = chunk;
    brood_stream* stream = nullptr;
    ok(brood_pool_map(pool_, "echo", items.data(), items.size(), &options, &stream, nullptr));
    brood_msg* results[256];
    for (size_t taken = 0, more = 0; taken < count; taken += more) {
      ok(brood_stream_next_many(stream, 256, BROOD_FOREVER, nullptr, nullptr, results, &more,
                                nullptr));
      brood_msg_free_many(results, more);
    }
    brood_stream_free(stream);
  }
  std::vector<int64_t> pids() const {
    brood_worker_info infos[64];
    size_t count = 0;
    ok(brood_pool_workers(pool_, infos, 64, &count, nullptr));
    std::vector<int64_t> pids;
    for (size_t i = 0; i < std::min<size_t>(count, 64); ++i) pids.push_back(infos[i].pid);
    return pids;
  }

 private:
  brood_pool* pool_ = nullptr;
};

void maps(const Placement& place, const char* figure, uint32_t chunk, uint32_t workers) {
  place.pin_host();
  const Pool pool(place, workers);
  pool.warm_up();
  std::vector<int64_t> members = pool.pids();
  members.push_back(getpid());
  const uint64_t cpu_before = cpu_ns(members);
  size_t count = 0;
  const auto start = Clock::now();
  do {
    pool.map(kMapItems, chunk);
    count += kMapItems;
  } while (seconds_since(start) < kSeconds);
  emit(figure, static_cast<double>(count) / seconds_since(start), "tasks/s");
  const auto used = static_cast<double>(cpu_ns(members) - cpu_before);
  emit((std::string(figure) + "_cpu").c_str(), used / static_cast<double>(count), "ns");
}

void round_trips(const Placement& place) {
  place.pin_host();
  const Pool pool(place, 1);
  pool.warm_up();
  std::vector<double> microseconds;
  const auto begin = Clock::now();
  while (seconds_since(begin) < kSeconds) {
    const auto start = Clock::now();
    pool.call();
    microseconds.push_back(seconds_since(start) * 1e6);
  }
  emit_latencies(microseconds);
}

// Cold: the nursery has to be started too. Warm: it runs already.
void start(const Placement& place) {
  place.pin_host();
  for (const char* figure : {"cold", "warm"}) {
    const auto begin = Clock::now();
    const Pool pool(place, 2);
    pool.call();
    emit(figure, seconds_since(begin) * 1e3, "ms");
    ok(brood_pool_shutdown(pool, nullptr));
    ok(brood_pool_join(pool, BROOD_FOREVER, nullptr, nullptr));
  }
}

void memory(const Placement& place) {
  const Pool pool(place, 2);
  pool.warm_up();
  uint64_t bytes = 0;
  for (const int64_t pid : pool.pids()) bytes = std::max(bytes, private_bytes(pid));
  emit("worker_private", static_cast<double>(bytes) / 1048576, "MiB");
}

// Futures for `count` tasks behind two busy workers, then all of them taken.
void pending(const Placement& place, size_t count) {
  const Pool pool(place, 2);
  pool.warm_up();
  const Gate gate_file;
  const char bytes[kMessageBytes] = {};
  brood_future* busy[2];
  for (brood_future*& future : busy) {
    ok(brood_pool_submit(pool, "gate", gate_file.path().data(), gate_file.path().size(), nullptr,
                         &future, nullptr));
  }
  std::vector<brood_future*> futures(count);
  const uint64_t memory_before = resident_bytes(getpid());
  auto begin = Clock::now();
  for (brood_future*& future : futures) {
    ok(brood_pool_submit(pool, "echo", bytes, sizeof bytes, nullptr, &future, nullptr));
  }
  double elapsed = seconds_since(begin);
  emit("submit", static_cast<double>(count) / elapsed, "tasks/s");
  const uint64_t memory_after = resident_bytes(getpid());
  gate_file.open_for(2);
  begin = Clock::now();
  for (brood_future* future : futures) {
    brood_msg* result = nullptr;
    ok(brood_future_result(future, BROOD_FOREVER, nullptr, &result, nullptr));
    brood_msg_free(result);
    brood_future_free(future);
  }
  elapsed += seconds_since(begin);
  emit("total", static_cast<double>(count) / elapsed, "tasks/s");
  if (count >= 100000) {
    emit("memory", static_cast<double>(memory_after - memory_before) / static_cast<double>(count),
         "bytes/task");
  }
  for (brood_future* future : busy) {
    ok(brood_future_wait(future, BROOD_FOREVER, nullptr, nullptr));
    brood_future_free(future);
  }
}

// Host, nursery, keepers and workers of a pool that has nothing to do.
void idle(const Placement& place, size_t seconds) {
  const Pool pool(place, 2);
  pool.warm_up();
  settle();
  std::vector<int64_t> members = pool.pids();
  for (size_t i = 0, workers = members.size(); i < workers; ++i) {
    members.push_back(parent_of(members[i]));
  }
  members.push_back(parent_of(members.back()));
  members.push_back(getpid());
  measure_idle(members, seconds);
}

void spawn(size_t resident_mb, const char* program) {
  become_large(resident_mb);
  const char* const command[] = {program, nullptr};
  brood_process_options options = BROOD_PROCESS_OPTIONS_INIT;
  options.command = command;
  const auto once = [&] {
    brood_process* process = nullptr;
    ok(brood_process_spawn(&options, &process, nullptr));
    ok(brood_process_join(process, BROOD_FOREVER, nullptr, nullptr));
    brood_process_free(process);
  };
  once();
  long count = 0;
  const auto start = Clock::now();
  while (seconds_since(start) < kSeconds) {
    once();
    ++count;
  }
  emit("rate", static_cast<double>(count) / seconds_since(start), "1/s");
}

}  // namespace

int main(int argc, char** argv) {
  ok(brood_register("echo", echo, nullptr, nullptr));
  ok(brood_register("gate", gate, nullptr, nullptr));
  ok(brood_init(argc, argv, nullptr, nullptr));
  if (argc < 3) return 2;
  const std::string figure = argv[1];
  if (figure == "spawn") {
    spawn(std::strtoul(argv[2], nullptr, 10), argc > 3 ? argv[3] : "");
    return 0;
  }
  const Placement place(argv[2]);
  const size_t count = argc > 3 ? std::strtoul(argv[3], nullptr, 10) : 0;
  if (figure == "chunk1") {
    maps(place, "chunk1", 1, count == 0 ? 2 : static_cast<uint32_t>(count));
  } else if (figure == "batched") {
    maps(place, "batched", 0, 2);
  } else if (figure == "rtt") {
    round_trips(place);
  } else if (figure == "start") {
    start(place);
  } else if (figure == "memory") {
    memory(place);
  } else if (figure == "pending") {
    pending(place, count);
  } else if (figure == "idle") {
    idle(place, count);
  } else {
    return 2;
  }
}
