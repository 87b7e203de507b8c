// What the machine allows: the floors below which no library can get.
//
// usage: limits FIGURE PLACEMENT
#include <linux/futex.h>
#include <sys/mman.h>
#include <sys/syscall.h>

#include <atomic>
#include <thread>

#include "bench.hpp"

using namespace bench;

namespace {

struct Shared {
  alignas(128) std::atomic<uint32_t> ball{0};
};

Shared* share() {
  void* memory =
      mmap(nullptr, sizeof(Shared), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  must(memory != MAP_FAILED, "mmap");
  return new (memory) Shared;
}

long futex(std::atomic<uint32_t>& word, int operation, uint32_t value) {
  return syscall(SYS_futex, &word, operation, value, nullptr, nullptr, 0);
}

// Runs `other` in a child on the workers' CPU and times `rounds` of `mine` here.
template <class Mine, class Other>
void time_pair(const Placement& place, const char* figure, int rounds, Mine mine, Other other) {
  const pid_t child = fork();
  must(child >= 0, "fork");
  if (child == 0) {
    place.pin_worker();
    for (int i = 0; i < rounds; ++i) other();
    _exit(0);
  }
  place.pin_host();
  mine();  // the first waits until the child is there
  const auto start = Clock::now();
  for (int i = 1; i < rounds; ++i) mine();
  emit(figure, seconds_since(start) / (rounds - 1) * 1e9, "ns");
  waitpid(child, nullptr, 0);
}

void cache_line(const Placement& place) {
  Shared* shared = share();
  auto& ball = shared->ball;
  const auto mine = [&] {
    ball.store(1, std::memory_order_release);
    while (ball.load(std::memory_order_acquire) != 0) {
    }
  };
  const auto other = [&] {
    while (ball.load(std::memory_order_acquire) != 1) {
    }
    ball.store(0, std::memory_order_release);
  };
  time_pair(place, "cacheline", 1000000, mine, other);
}

void futex_round_trip(const Placement& place) {
  Shared* shared = share();
  auto& ball = shared->ball;
  const auto give = [&](uint32_t value) {
    ball.store(value);
    futex(ball, FUTEX_WAKE, 1);
  };
  const auto take = [&](uint32_t wanted) {
    for (uint32_t now = ball.load(); now != wanted; now = ball.load()) {
      futex(ball, FUTEX_WAIT, now);
    }
  };
  const auto mine = [&] {
    give(1);
    take(0);
  };
  const auto other = [&] {
    take(1);
    give(0);
  };
  time_pair(place, "futex", 30000, mine, other);
}

void pipe_round_trip(const Placement& place) {
  int there[2];
  int back[2];
  must(pipe(there) == 0 && pipe(back) == 0, "pipe");
  char bytes[kMessageBytes] = {};
  const auto mine = [&] {
    must(write(there[1], bytes, sizeof bytes) == sizeof bytes, "write");
    must(read(back[0], bytes, sizeof bytes) == sizeof bytes, "read");
  };
  const auto other = [&] {
    if (read(there[0], bytes, sizeof bytes) != sizeof bytes) _exit(1);
    if (write(back[1], bytes, sizeof bytes) != sizeof bytes) _exit(1);
  };
  time_pair(place, "pipe", 30000, mine, other);
}

template <class Action>
void time_alone(const char* figure, int rounds, Action action) {
  const auto start = Clock::now();
  for (int i = 0; i < rounds; ++i) action();
  emit(figure, seconds_since(start) / rounds * 1e9, "ns");
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 3) return 2;
  const std::string figure = argv[1];
  const Placement place(argv[2]);
  if (figure == "cacheline") {
    cache_line(place);
  } else if (figure == "futex") {
    futex_round_trip(place);
  } else if (figure == "pipe") {
    pipe_round_trip(place);
  } else if (figure == "calls") {
    place.pin_host();
    time_alone("syscall", 1000000, [] { syscall(SYS_getppid); });
    time_alone("clock", 1000000, [] { static_cast<void>(Clock::now()); });
    std::atomic<uint32_t> word{0};
    time_alone("futex_wake_nobody", 1000000, [&] { futex(word, FUTEX_WAKE, 1); });
  } else {
    return 2;
  }
}
