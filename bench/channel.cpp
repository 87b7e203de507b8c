// brood's queues and pipes between processes.
//
// usage: channel queue|queue_batch|queue_loan|pipe rate|rtt SIZE PLACEMENT [SIDES]
//
// rate: messages that go from SIDES producers to SIDES consumers, of which this process is one.
// rtt: one message to an echoing process and back.
#include <brood/brood.h>

#include "bench.hpp"
#include "proc.hpp"

using namespace bench;

namespace {

constexpr double kSeconds = 0.7;
constexpr size_t kBatch = 32;

void ok(brood_status status) {
  if (status == BROOD_OK) return;
  std::fprintf(stderr, "bench: %s\n", brood_error_message(brood_last_error()));
  std::exit(1);
}

struct Order {
  uint64_t size;
  char kind[16];
  bool is(const char* name) const { return std::strcmp(kind, name) == 0; }
};

// Either of both, as one producer or consumer uses it.
struct Channel {
  brood_queue* queue = nullptr;
  brood_pipe* pipe = nullptr;

  brood_status put(const char* bytes, size_t size) const {
    if (pipe) return brood_pipe_send(pipe, bytes, size, 0, BROOD_FOREVER, nullptr, nullptr);
    return brood_queue_put(queue, bytes, size, 0, BROOD_FOREVER, nullptr, nullptr);
  }
  brood_status get(brood_msg** msg) const {
    if (pipe) return brood_pipe_recv(pipe, BROOD_FOREVER, nullptr, msg, nullptr);
    return brood_queue_get(queue, BROOD_FOREVER, nullptr, msg, nullptr);
  }
  brood_status put_batch(const brood_bytes* items) const {
    size_t done = 0, count = 0;
    while (done < kBatch) {
      const brood_status status = brood_queue_put_many(queue, items + done, kBatch - done, 0,
                                                       BROOD_FOREVER, nullptr, &count, nullptr);
      if (status != BROOD_OK) return status;
      done += count;
    }
    return BROOD_OK;
  }
};

Channel taken_from(brood_task* task, size_t index, const Order& order) {
  Channel channel;
  brood_msg* args = brood_task_args(task);
  if (order.is("pipe")) {
    ok(brood_msg_take_pipe(args, index, &channel.pipe, nullptr));
  } else {
    ok(brood_msg_take_queue(args, index, &channel.queue, nullptr));
  }
  return channel;
}

Order order_of(brood_task* task) {
  Order order;
  std::memcpy(&order, brood_msg_data(brood_task_args(task)), sizeof order);
  return order;
}

// Until it is shut down.
void produce(brood_task* task, void*) {
  const Order order = order_of(task);
  const Channel channel = taken_from(task, 0, order);
  const std::vector<char> bytes(order.size, 'x');
  const std::vector<brood_bytes> items(kBatch, brood_bytes{bytes.data(), bytes.size()});
  const bool batches = order.is("queue_batch");
  const bool loans = order.is("queue_loan");
  brood_status status = BROOD_OK;
  while (status == BROOD_OK) {
    if (batches) {
      status = channel.put_batch(items.data());
    } else if (loans) {
      brood_msg* msg = nullptr;
      ok(brood_queue_loan(channel.queue, order.size, 0, &msg, nullptr));
      status = brood_queue_put_msg(channel.queue, msg, BROOD_FOREVER, nullptr, nullptr);
    } else {
      status = channel.put(bytes.data(), bytes.size());
    }
  }
}

void consume(brood_task* task, void*) {
  const Order order = order_of(task);
  const Channel channel = taken_from(task, 0, order);
  brood_msg* msg = nullptr;
  while (channel.get(&msg) == BROOD_OK) brood_msg_free(msg);
}

void echo(brood_task* task, void*) {
  const Order order = order_of(task);
  const Channel in = taken_from(task, 0, order);
  const Channel out = order.is("pipe") ? in : taken_from(task, 1, order);
  brood_msg* msg = nullptr;
  while (in.get(&msg) == BROOD_OK) {
    const bool sent =
        out.put(static_cast<char*>(brood_msg_data(msg)), brood_msg_size(msg)) == BROOD_OK;
    brood_msg_free(msg);
    if (!sent) return;
  }
}

brood_process* start(const char* function, const Order& order, std::vector<brood_handle*> handles,
                     const Placement& place) {
  const uint32_t cpu = place.worker_cpu();
  brood_process_options options = BROOD_PROCESS_OPTIONS_INIT;
  if (place.pinned()) {
    options.limits.cpu_count = 1;
    options.limits.cpus = &cpu;
  }
  brood_msg* args = nullptr;
  ok(brood_msg_create(&order, sizeof order, 0, &args, nullptr));
  for (brood_handle* handle : handles) ok(brood_msg_attach(args, handle, nullptr));
  brood_process* process = nullptr;
  ok(brood_process_start_msg(function, args, &options, &process, nullptr));
  return process;
}

brood_queue* make_queue(uint64_t size) {
  brood_queue_options options = BROOD_QUEUE_OPTIONS_INIT;
  // As many as the peers have room for.
  options.capacity_items = size > 16384 ? 16 : 1024;
  brood_queue* queue = nullptr;
  ok(brood_queue_create(&options, &queue, nullptr));
  return queue;
}

// Messages that this process takes in a while.
uint64_t take_for(const Channel& channel, const Order& order, double seconds) {
  uint64_t count = 0;
  const bool batches = order.is("queue_batch");
  const auto begin = Clock::now();
  brood_msg* msgs[kBatch];
  do {
    for (int turn = 0; turn < 64; ++turn) {
      size_t got = 1;
      if (batches) {
        ok(brood_queue_get_many(channel.queue, kBatch, BROOD_FOREVER, nullptr, msgs, &got,
                                nullptr));
      } else {
        ok(channel.get(msgs));
      }
      for (size_t index = 0; index < got; ++index) brood_msg_free(msgs[index]);
      count += got;
    }
  } while (seconds_since(begin) < seconds);
  return count;
}

void rate(const Order& order, const Placement& place, int sides) {
  Channel channel;
  brood_pipe* other = nullptr;
  if (order.is("pipe")) {
    ok(brood_pipe_create(true, &channel.pipe, &other, nullptr));
  } else {
    channel.queue = make_queue(order.size);
  }
  brood_handle* handle = other ? brood_pipe_handle(other) : brood_queue_handle(channel.queue);
  std::vector<brood_process*> processes;
  std::vector<int64_t> pids = {getpid()};
  for (int side = 0; side < sides; ++side)
    processes.push_back(start("produce", order, {handle}, place));
  for (int side = 1; side < sides; ++side)
    processes.push_back(start("consume", order, {handle}, place));
  for (brood_process* process : processes) pids.push_back(brood_process_pid(process));
  place.pin_host();
  take_for(channel, order, 0.1);
  brood_queue_stats before = BROOD_QUEUE_STATS_INIT;
  brood_queue_stats after = BROOD_QUEUE_STATS_INIT;
  if (channel.queue) ok(brood_queue_get_stats(channel.queue, &before, nullptr));
  const uint64_t cpu_before = cpu_ns(pids);
  const auto begin = Clock::now();
  auto count = static_cast<double>(take_for(channel, order, kSeconds));
  const double seconds = seconds_since(begin);
  const auto cpu = static_cast<double>(cpu_ns(pids) - cpu_before);
  if (channel.queue) {
    ok(brood_queue_get_stats(channel.queue, &after, nullptr));
    if (sides > 1) count = static_cast<double>(after.taken - before.taken);
  }
  emit("rate", count / seconds, "msg/s");
  emit("cpu", cpu / count, "ns");
  if (channel.queue) {
    ok(brood_queue_shutdown(channel.queue, nullptr));
  } else {
    ok(brood_pipe_shutdown(channel.pipe, nullptr));
  }
  for (brood_process* process : processes) {
    ok(brood_process_join(process, BROOD_FOREVER, nullptr, nullptr));
  }
}

void round_trips(const Order& order, const Placement& place) {
  Channel out, in;
  brood_process* process = nullptr;
  if (order.is("pipe")) {
    brood_pipe* theirs = nullptr;
    ok(brood_pipe_create(true, &out.pipe, &theirs, nullptr));
    process = start("echo", order, {brood_pipe_handle(theirs)}, place);
    brood_pipe_free(theirs);
    in = out;
  } else {
    out.queue = make_queue(order.size);
    in.queue = make_queue(order.size);
    process =
        start("echo", order, {brood_queue_handle(out.queue), brood_queue_handle(in.queue)}, place);
  }
  place.pin_host();
  const std::vector<char> bytes(order.size, 'x');
  std::vector<double> microseconds;
  const auto begin = Clock::now();
  while (seconds_since(begin) < kSeconds) {
    const auto start = Clock::now();
    brood_msg* msg = nullptr;
    ok(out.put(bytes.data(), bytes.size()));
    ok(in.get(&msg));
    brood_msg_free(msg);
    microseconds.push_back(seconds_since(start) * 1e6);
  }
  // The first ones wait for the process to start.
  microseconds.erase(microseconds.begin(),
                     microseconds.begin() + static_cast<long>(microseconds.size() / 10));
  emit_latencies(microseconds);
  ok(brood_process_kill(process, nullptr));
}

}  // namespace

int main(int argc, char** argv) {
  ok(brood_register("produce", produce, nullptr, nullptr));
  ok(brood_register("consume", consume, nullptr, nullptr));
  ok(brood_register("echo", echo, nullptr, nullptr));
  ok(brood_init(argc, argv, nullptr, nullptr));
  if (argc < 5) return 2;
  Order order{std::strtoull(argv[3], nullptr, 10), {}};
  std::snprintf(order.kind, sizeof order.kind, "%s", argv[1]);
  const Placement place(argv[4]);
  if (std::strcmp(argv[2], "rtt") == 0) {
    round_trips(order, place);
  } else {
    rate(order, place, argc > 5 ? std::atoi(argv[5]) : 1);
  }
  return 0;
}
