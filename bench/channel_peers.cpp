// What else carries messages between processes on one machine. None of these survives a kill at any
// instant, nor notices one.
//
// usage: channel_peers boost|zmq|pipe|socket|uv rate|rtt SIZE PLACEMENT [SIDES]
#include <sys/mman.h>
#include <sys/socket.h>
#include <uv.h>
#include <zmq.h>

#include <atomic>
#include <boost/interprocess/ipc/message_queue.hpp>
#include <csignal>
#include <functional>
#include <memory>

#include "bench.hpp"

using namespace bench;
namespace ipc = boost::interprocess;

namespace {

constexpr double kSeconds = 0.7;

class Boost {
 public:
  explicit Boost(size_t size) : name_("brood_bench_" + std::to_string(getpid())), owner_(getpid()) {
    for (int way = 0; way < 2; ++way) {
      queues_[way] = std::make_unique<ipc::message_queue>(
          ipc::create_only, (name_ + std::to_string(way)).c_str(), size > 16384 ? 16 : 1024, size);
    }
  }
  Boost(const Boost&) = delete;
  Boost& operator=(const Boost&) = delete;
  ~Boost() {
    if (getpid() != owner_) return;
    for (int way = 0; way < 2; ++way) {
      ipc::message_queue::remove((name_ + std::to_string(way)).c_str());
    }
  }
  void begin(bool) {}
  void put(int way, const char* bytes, size_t size) { queues_[way]->send(bytes, size, 0); }
  void get(int way, char* bytes, size_t size) {
    ipc::message_queue::size_type got = 0;
    unsigned priority = 0;
    queues_[way]->receive(bytes, size, got, priority);
  }

 private:
  std::string name_;
  pid_t owner_;
  std::unique_ptr<ipc::message_queue> queues_[2];
};

// PUSH and PULL over ipc://, a pair of them for the round trip.
class Zmq {
 public:
  explicit Zmq(size_t) : name_("ipc:///tmp/brood_bench_" + std::to_string(getpid())) {}
  // After the fork: a context does not survive one.
  void begin(bool host) {
    context_ = zmq_ctx_new();
    for (int way = 0; way < 2; ++way) {
      const bool sends = host == (way == 0);
      sockets_[way] = zmq_socket(context_, sends ? ZMQ_PUSH : ZMQ_PULL);
      const std::string name = name_ + "_" + std::to_string(way);
      if (host) {
        must(zmq_bind(sockets_[way], name.c_str()) == 0, "zmq_bind");
      } else {
        must(zmq_connect(sockets_[way], name.c_str()) == 0, "zmq_connect");
      }
    }
  }
  void put(int way, const char* bytes, size_t size) {
    must(zmq_send(sockets_[way], bytes, size, 0) == static_cast<int>(size), "zmq_send");
  }
  void get(int way, char* bytes, size_t size) {
    must(zmq_recv(sockets_[way], bytes, size, 0) == static_cast<int>(size), "zmq_recv");
  }

 private:
  std::string name_;
  void* context_ = nullptr;
  void* sockets_[2] = {};
};

void write_all(int fd, const char* bytes, size_t size) {
  while (size > 0) {
    const ssize_t done = write(fd, bytes, size);
    must(done > 0, "write");
    bytes += done;
    size -= static_cast<size_t>(done);
  }
}

void read_all(int fd, char* bytes, size_t size) {
  while (size > 0) {
    const ssize_t done = read(fd, bytes, size);
    if (done == 0) _exit(0);
    must(done > 0, "read");
    bytes += done;
    size -= static_cast<size_t>(done);
  }
}

class Pipes {
 public:
  explicit Pipes(size_t) { must(pipe(ends_[0]) == 0 && pipe(ends_[1]) == 0, "pipe"); }
  void begin(bool) {}
  void put(int way, const char* bytes, size_t size) { write_all(ends_[way][1], bytes, size); }
  void get(int way, char* bytes, size_t size) { read_all(ends_[way][0], bytes, size); }

 private:
  int ends_[2][2] = {};
};

class Socket {
 public:
  explicit Socket(size_t) { must(socketpair(AF_UNIX, SOCK_STREAM, 0, ends_) == 0, "socketpair"); }
  void begin(bool) {}
  void put(int way, const char* bytes, size_t size) { write_all(ends_[way], bytes, size); }
  void get(int way, char* bytes, size_t size) { read_all(ends_[1 - way], bytes, size); }

 private:
  int ends_[2] = {};
};

// uv_pipe_t with a loop that runs once for each message.
class Uv {
 public:
  explicit Uv(size_t) { must(socketpair(AF_UNIX, SOCK_STREAM, 0, ends_) == 0, "socketpair"); }
  void begin(bool host) {
    uv_loop_init(&loop_);
    uv_pipe_init(&loop_, &pipe_, 0);
    uv_pipe_open(&pipe_, ends_[host ? 0 : 1]);
    pipe_.data = this;
  }
  void put(int, const char* bytes, size_t size) {
    uv_write_t request;
    uv_buf_t buffer = uv_buf_init(const_cast<char*>(bytes), static_cast<unsigned>(size));
    request.data = this;
    pending_ = 1;
    uv_write(&request, reinterpret_cast<uv_stream_t*>(&pipe_), &buffer, 1,
             [](uv_write_t* done, int) { static_cast<Uv*>(done->data)->pending_ = 0; });
    while (pending_ > 0) uv_run(&loop_, UV_RUN_ONCE);
  }
  void get(int, char* bytes, size_t size) {
    into_ = bytes;
    left_ = size;
    auto* stream = reinterpret_cast<uv_stream_t*>(&pipe_);
    uv_read_start(
        stream,
        [](uv_handle_t* handle, size_t, uv_buf_t* buffer) {
          auto* self = static_cast<Uv*>(handle->data);
          *buffer = uv_buf_init(self->into_, static_cast<unsigned>(self->left_));
        },
        [](uv_stream_t* handle, ssize_t got, const uv_buf_t*) {
          auto* self = static_cast<Uv*>(handle->data);
          if (got < 0) _exit(0);
          self->into_ += got;
          self->left_ -= static_cast<size_t>(got);
          if (self->left_ == 0) uv_read_stop(handle);
        });
    while (left_ > 0) uv_run(&loop_, UV_RUN_ONCE);
  }

 private:
  int ends_[2] = {};
  uv_loop_t loop_;
  uv_pipe_t pipe_;
  int pending_ = 0;
  char* into_ = nullptr;
  size_t left_ = 0;
};

std::atomic<uint64_t>* shared_counter() {
  void* memory = mmap(nullptr, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  must(memory != MAP_FAILED, "mmap");
  return static_cast<std::atomic<uint64_t>*>(memory);
}

template <class Channel>
pid_t start(Channel& channel, const Placement& place, const std::function<void()>& body) {
  const pid_t child = fork();
  must(child >= 0, "fork");
  if (child == 0) {
    place.pin_worker();
    channel.begin(false);
    body();
    _exit(0);
  }
  return child;
}

template <class Channel>
void rate(size_t size, const Placement& place, int sides) {
  Channel channel(size);
  std::atomic<uint64_t>* others = shared_counter();
  std::vector<pid_t> children;
  for (int side = 0; side < sides; ++side) {
    children.push_back(start(channel, place, [&] {
      const std::vector<char> bytes(size, 'x');
      for (;;) channel.put(1, bytes.data(), size);
    }));
  }
  for (int side = 1; side < sides; ++side) {
    children.push_back(start(channel, place, [&] {
      std::vector<char> bytes(size);
      for (;;) {
        channel.get(1, bytes.data(), size);
        others->fetch_add(1, std::memory_order_relaxed);
      }
    }));
  }
  place.pin_host();
  channel.begin(true);
  std::vector<char> bytes(size);
  const auto take_for = [&](double seconds) {
    uint64_t count = 0;
    const auto begin = Clock::now();
    do {
      for (int turn = 0; turn < 64; ++turn) channel.get(1, bytes.data(), size);
      count += 64;
    } while (seconds_since(begin) < seconds);
    return count;
  };
  take_for(0.1);
  const uint64_t before = others->load();
  const auto begin = Clock::now();
  const uint64_t count = take_for(kSeconds);
  emit("rate", static_cast<double>(count + others->load() - before) / seconds_since(begin),
       "msg/s");
  for (const pid_t child : children) kill(child, SIGKILL);
}

template <class Channel>
void round_trips(size_t size, const Placement& place) {
  Channel channel(size);
  const pid_t child = start(channel, place, [&] {
    std::vector<char> bytes(size);
    for (;;) {
      channel.get(0, bytes.data(), size);
      channel.put(1, bytes.data(), size);
    }
  });
  place.pin_host();
  channel.begin(true);
  std::vector<char> bytes(size, 'x');
  std::vector<double> microseconds;
  const auto begin = Clock::now();
  while (seconds_since(begin) < kSeconds) {
    const auto start = Clock::now();
    channel.put(0, bytes.data(), size);
    channel.get(1, bytes.data(), size);
    microseconds.push_back(seconds_since(start) * 1e6);
  }
  microseconds.erase(microseconds.begin(),
                     microseconds.begin() + static_cast<long>(microseconds.size() / 10));
  emit_latencies(microseconds);
  kill(child, SIGKILL);
}

template <class Channel>
void run(const std::string& figure, size_t size, const Placement& place, int sides) {
  if (figure == "rtt") {
    round_trips<Channel>(size, place);
  } else {
    rate<Channel>(size, place, sides);
  }
}

}  // namespace

int main(int argc, char** argv) {
  if (argc < 5) return 2;
  const std::string kind = argv[1];
  const std::string figure = argv[2];
  const size_t size = std::strtoull(argv[3], nullptr, 10);
  const Placement place(argv[4]);
  const int sides = argc > 5 ? std::atoi(argv[5]) : 1;
  if (kind == "boost") run<Boost>(figure, size, place, sides);
  if (kind == "zmq") run<Zmq>(figure, size, place, sides);
  if (kind == "pipe") run<Pipes>(figure, size, place, sides);
  if (kind == "socket") run<Socket>(figure, size, place, sides);
  if (kind == "uv") run<Uv>(figure, size, place, sides);
  std::fflush(stdout);
  // Sockets and contexts need no farewell.
  _exit(0);
}
