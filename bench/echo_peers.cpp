// The least that a pool of two echoing workers can be made of: two pipes, or two Boost.Interprocess
// queues. Neither finds out when a worker dies; they are here as yardsticks.
//
// usage: echo_peers pipe|boost chunk1|rtt PLACEMENT
#include <boost/interprocess/ipc/message_queue.hpp>
#include <memory>

#include "bench.hpp"

using namespace bench;
namespace ipc = boost::interprocess;

namespace {

// As many messages under way as fit into a pipe, so that neither side blocks for ever.
constexpr int kWindow = 512;
constexpr double kSeconds = 0.7;

class Pipes {
 public:
  Pipes() { must(pipe(tasks_) == 0 && pipe(results_) == 0, "pipe"); }
  void send_task(const char* bytes) { put(tasks_[1], bytes); }
  void take_task(char* bytes) { get(tasks_[0], bytes); }
  void send_result(const char* bytes) { put(results_[1], bytes); }
  void take_result(char* bytes) { get(results_[0], bytes); }

 private:
  static void put(int fd, const char* bytes) {
    must(write(fd, bytes, kMessageBytes) == kMessageBytes, "write");
  }
  static void get(int fd, char* bytes) {
    must(read(fd, bytes, kMessageBytes) == kMessageBytes, "read");
  }
  int tasks_[2] = {};
  int results_[2] = {};
};

class BoostQueues {
 public:
  BoostQueues() : name_("brood_bench_" + std::to_string(getpid())), owner_(getpid()) {
    tasks_ = make(name_ + "_t");
    results_ = make(name_ + "_r");
  }
  BoostQueues(const BoostQueues&) = delete;
  BoostQueues& operator=(const BoostQueues&) = delete;
  ~BoostQueues() {
    if (getpid() != owner_) return;
    ipc::message_queue::remove((name_ + "_t").c_str());
    ipc::message_queue::remove((name_ + "_r").c_str());
  }
  void send_task(const char* bytes) { tasks_->send(bytes, kMessageBytes, 0); }
  void take_task(char* bytes) { get(*tasks_, bytes); }
  void send_result(const char* bytes) { results_->send(bytes, kMessageBytes, 0); }
  void take_result(char* bytes) { get(*results_, bytes); }

 private:
  static std::unique_ptr<ipc::message_queue> make(const std::string& name) {
    return std::make_unique<ipc::message_queue>(ipc::create_only, name.c_str(), 2 * kWindow,
                                                kMessageBytes);
  }
  static void get(ipc::message_queue& queue, char* bytes) {
    ipc::message_queue::size_type size = 0;
    unsigned priority = 0;
    queue.receive(bytes, kMessageBytes, size, priority);
  }
  std::string name_;
  pid_t owner_;
  std::unique_ptr<ipc::message_queue> tasks_;
  std::unique_ptr<ipc::message_queue> results_;
};

// A first byte of 1 tells a worker to end.
template <class Channel>
[[noreturn]] void work(Channel& channel) {
  char bytes[kMessageBytes];
  do {
    channel.take_task(bytes);
    channel.send_result(bytes);
  } while (bytes[0] != 1);
  _exit(0);
}

template <class Channel>
void chunk1(Channel& channel) {
  char bytes[kMessageBytes] = {};
  long count = 0;
  const auto start = Clock::now();
  for (int i = 0; i < kWindow; ++i) channel.send_task(bytes);
  while (seconds_since(start) < kSeconds) {
    for (int i = 0; i < kWindow; ++i) {
      channel.take_result(bytes);
      channel.send_task(bytes);
    }
    count += kWindow;
  }
  emit("chunk1", static_cast<double>(count) / seconds_since(start), "tasks/s");
  for (int i = 0; i < kWindow; ++i) channel.take_result(bytes);
}

template <class Channel>
void round_trips(Channel& channel) {
  char bytes[kMessageBytes] = {};
  std::vector<double> microseconds;
  const auto begin = Clock::now();
  while (seconds_since(begin) < kSeconds) {
    const auto start = Clock::now();
    channel.send_task(bytes);
    channel.take_result(bytes);
    microseconds.push_back(seconds_since(start) * 1e6);
  }
  emit_latencies(microseconds);
}

template <class Channel>
void run(const std::string& figure, const Placement& place) {
  Channel channel;
  const int workers = figure == "rtt" ? 1 : 2;
  for (int i = 0; i < workers; ++i) {
    const pid_t child = fork();
    must(child >= 0, "fork");
    if (child == 0) {
      place.pin_worker();
      work(channel);
    }
  }
  place.pin_host();
  if (figure == "rtt") {
    round_trips(channel);
  } else {
    chunk1(channel);
  }
  char last[kMessageBytes] = {1};
  for (int i = 0; i < workers; ++i) channel.send_task(last);
  while (wait(nullptr) > 0) {
  }
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 4) return 2;
  const std::string channel = argv[1];
  const Placement place(argv[3]);
  if (channel == "pipe") {
    run<Pipes>(argv[2], place);
  } else if (channel == "boost") {
    run<BoostQueues>(argv[2], place);
  } else {
    return 2;
  }
}
