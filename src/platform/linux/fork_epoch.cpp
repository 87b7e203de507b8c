// Noticing fork without a system call: a page that the kernel hands to a child empty.
#include <sys/mman.h>
#include <unistd.h>

#include <atomic>

#include "platform/platform.hpp"

namespace brood::platform {

constinit std::atomic<const std::atomic<uint64_t>*> known_fork_epoch{nullptr};

namespace {

struct Epoch {
  std::atomic<uint64_t>* page = nullptr;  // wiped in a child; null where the kernel cannot
  std::atomic<uint64_t> last{0};          // copied to a child
  std::atomic<int64_t> owner{0};          // without the page: the process that `last` belongs to
};

std::atomic<uint64_t>* make_page() {
  const auto size = static_cast<size_t>(sysconf(_SC_PAGESIZE));
  void* page = ::mmap(nullptr, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (page == MAP_FAILED) return nullptr;
  if (::madvise(page, size, MADV_WIPEONFORK) != 0) {
    ::munmap(page, size);
    return nullptr;
  }
  auto* made = new (page) std::atomic<uint64_t>(0);
  known_fork_epoch.store(made, std::memory_order_release);
  return made;
}

Epoch& epoch() {
  static Epoch the_epoch{make_page()};
  return the_epoch;
}

// Kernels without the wiped page: one getpid() a call.
uint64_t epoch_by_pid(Epoch& epoch) {
  const int64_t self = ::getpid();
  int64_t owner = epoch.owner.load(std::memory_order_acquire);
  if (owner != self && epoch.owner.compare_exchange_strong(owner, self)) {
    return epoch.last.fetch_add(1) + 1;
  }
  return std::max<uint64_t>(epoch.last.load(), 1);
}

}  // namespace

uint64_t fork_epoch() {
  Epoch& the = epoch();
  if (!the.page) return epoch_by_pid(the);
  uint64_t now = the.page->load(std::memory_order_acquire);
  if (now != 0) return now;
  // The first call in this process. Two threads may both count on; one of the numbers is kept.
  const uint64_t next = the.last.fetch_add(1) + 1;
  return the.page->compare_exchange_strong(now, next) ? next : now;
}

}  // namespace brood::platform
