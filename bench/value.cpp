// A shared value that is incremented under a lock, or atomically: by one process, and by two.
//
// usage: value CONTESTANT FIGURE PLACEMENT
//   CONTESTANT  brood, mutex, robust (process-shared pthread mutexes), cpu (no library)
//   FIGURE      alone, contended (under the lock), add (atomic), add_call (through a function of
//   brood)
#include <pthread.h>
#include <sys/mman.h>

#include <brood/brood.hpp>

#include "bench.hpp"

using namespace bench;

namespace {

constexpr int64_t kAlone = 5'000'000;
constexpr int64_t kContended = 1'000'000;

// Increments under the array's own lock, by the C functions: what a binding would call.
void increment_brood(brood_shared* value, int64_t times) {
  auto* number = static_cast<int64_t*>(brood_shared_data(value));
  for (int64_t i = 0; i < times; ++i) {
    if (brood_shared_lock(value, 0, BROOD_FOREVER, nullptr, nullptr) != BROOD_OK) std::abort();
    ++*number;
    if (brood_shared_unlock(value, 0, nullptr) != BROOD_OK) std::abort();
  }
}

// handles: the value, a barrier; argument: the placement
const auto rival = brood::bytes_function("rival", [](brood::Task& task) {
  const Placement place(
      std::string(reinterpret_cast<const char*>(task.bytes().data()), task.bytes().size()));
  auto value = task.take<brood::Shared<int64_t>>(0);
  auto barrier = task.take<brood::Barrier>(1);
  place.pin_worker();
  barrier.wait();
  increment_brood(value.get(), kContended);
  barrier.wait();
});

void measure_brood(const std::string& figure, const Placement& place) {
  brood::Shared<int64_t> value(2);
  // A child takes over where this process may run: pinned after it.
  if (figure != "contended") place.pin_host();
  const auto alone = [&](const char* name, auto&& action) {
    const auto start = Clock::now();
    action();
    emit(name, seconds_since(start) / kAlone * 1e9, "ns");
  };
  if (figure == "alone") {
    alone("locked", [&] { increment_brood(value.get(), kAlone); });
  } else if (figure == "add") {
    const std::atomic_ref<int64_t> number = value.atomic();
    alone("add", [&] {
      for (int64_t i = 0; i < kAlone; ++i) number.fetch_add(1);
    });
  } else if (figure == "add_call") {
    alone("add_call", [&] {
      for (int64_t i = 0; i < kAlone; ++i) {
        if (brood_shared_add_int(value.get(), 0, 1, nullptr, nullptr) != BROOD_OK) std::abort();
      }
    });
  } else {
    brood::Barrier barrier(2);
    brood::Message message(brood::bytes_of(place.name));
    message.attach(value);
    message.attach(barrier);
    auto process = brood::Process::start_message({}, "rival", std::move(message));
    place.pin_host();
    barrier.wait();
    const auto start = Clock::now();
    increment_brood(value.get(), kContended);
    barrier.wait();
    emit("contended", 2 * kContended / seconds_since(start), "1/s");
    process.join();
    if (value[0] != 2 * kContended) std::abort();
  }
}

struct Shared {
  pthread_mutex_t mutex;
  std::atomic<int64_t> atomic;
  int64_t number;
};

void increment(Shared& shared, int64_t times) {
  for (int64_t i = 0; i < times; ++i) {
    if (pthread_mutex_lock(&shared.mutex) != 0) std::abort();
    ++shared.number;  // a call follows: it is written
    pthread_mutex_unlock(&shared.mutex);
  }
}

Shared& share(bool robust) {
  void* memory =
      mmap(nullptr, sizeof(Shared), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  must(memory != MAP_FAILED, "mmap");
  auto* shared = new (memory) Shared{};
  pthread_mutexattr_t attributes;
  pthread_mutexattr_init(&attributes);
  pthread_mutexattr_setpshared(&attributes, PTHREAD_PROCESS_SHARED);
  if (robust) pthread_mutexattr_setrobust(&attributes, PTHREAD_MUTEX_ROBUST);
  must(pthread_mutex_init(&shared->mutex, &attributes) == 0, "pthread_mutex_init");
  return *shared;
}

void measure_pthread(const std::string& contestant, const std::string& figure,
                     const Placement& place) {
  Shared& shared = share(contestant == "robust");
  place.pin_host();
  if (figure == "contended") {
    int ready[2];
    must(pipe(ready) == 0, "pipe");
    const pid_t child = fork();
    must(child >= 0, "fork");
    if (child == 0) {
      place.pin_worker();
      must(write(ready[1], "r", 1) == 1, "write");
      increment(shared, kContended);
      _exit(0);
    }
    char byte;
    must(read(ready[0], &byte, 1) == 1, "read");
    const auto start = Clock::now();
    increment(shared, kContended);
    waitpid(child, nullptr, 0);
    emit("contended", 2 * kContended / seconds_since(start), "1/s");
    return;
  }
  const auto start = Clock::now();
  if (figure == "add") {
    for (int64_t i = 0; i < kAlone; ++i) shared.atomic.fetch_add(1);
  } else {
    increment(shared, kAlone);
  }
  emit(figure == "add" ? "add" : "locked", seconds_since(start) / kAlone * 1e9, "ns");
}

}  // namespace

int main(int argc, char** argv) {
  brood::init(argc, argv);
  if (argc != 4) return 2;
  const std::string contestant = argv[1];
  const Placement place(argv[3]);
  if (contestant == "brood") {
    measure_brood(argv[2], place);
  } else {
    measure_pthread(contestant, argv[2], place);
  }
  return 0;
}
