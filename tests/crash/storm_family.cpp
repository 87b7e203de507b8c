#include "storm_family.hpp"

#include <malloc.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>

#include "shm/reaper.hpp"

namespace brood::crash {

StormFamily::StormFamily(uint64_t arena_bytes) {
  auto made = Arena::create(arena_bytes);
  if (!made) exit(2);
  arena_ = std::move(*made);
  host_ = *arena_->members().reserve(kNobody);
  (void)arena_->members().join(host_, getpid(), platform::process_start_time(getpid()));
  rack_ = std::make_shared<BellRack>(*arena_, host_);
  holdings_ = std::make_unique<Holdings>(*arena_, host_.slot);
}

void StormFamily::reserve(Process& process) { process.id = *arena_->members().reserve(host_.slot); }

void StormFamily::start(Process& process, const std::function<void()>& body) {
  process.pid = fork();
  if (process.pid != 0) return;
  prctl(PR_SET_PDEATHSIG, SIGKILL);
  if (!arena_->members().join(process.id, getpid(), platform::process_start_time(getpid()))) {
    _exit(2);
  }
  body();
  _exit(1);
}

bool StormFamily::kill(const Process& process) {
  ::kill(process.pid, SIGKILL);
  int status = 0;
  waitpid(process.pid, &status, 0);
  if (WIFSIGNALED(status)) return true;
  printf("a process ended by itself: %d\n", WEXITSTATUS(status));
  return false;
}

void StormFamily::reap(const Process& process) { brood::reap(*arena_, process.id, host_.slot); }

uint64_t StormFamily::close() {
  holdings_.reset();
  const uint64_t left = arena_->heap().live_bytes();
  if (left != 0) printf("%llu bytes are left in use\n", number_of(left));
  return left;
}

void* storm_memory(size_t bytes) {
  void* memory = mmap(nullptr, bytes, PROT_READ | PROT_WRITE,
                      MAP_SHARED | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (memory == MAP_FAILED) exit(2);
  return memory;
}

void trim_memory() { malloc_trim(0); }

int storm_main(int argc, char** argv, const std::function<bool(uint64_t, unsigned)>& run) {
  const uint64_t kills = argc > 1 ? strtoull(argv[1], nullptr, 10) : 2000;
  const auto seed = static_cast<unsigned>(argc > 2 ? atoi(argv[2]) : getpid());
  printf("seed %u\n", seed);
  fflush(stdout);
  return run(kills, seed) ? 0 : 1;
}

}  // namespace brood::crash
