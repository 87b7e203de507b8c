// Sleeping on a word. Shared futexes throughout: the private ones, which std::atomic::wait uses, do
// not wake a sleeper in another process.
#include <linux/futex.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include <cerrno>

#include "platform/platform.hpp"

namespace brood::platform {

namespace {

// A signal handler that rings must not change what the interrupted code finds in errno.
long futex(const std::atomic<uint32_t>* word, int operation, uint32_t value, const timespec* time) {
  const int saved = errno;
  const long result = syscall(SYS_futex, word, operation, value, time, nullptr, 0);
  errno = saved;
  return result;
}

}  // namespace

void futex_wait(const std::atomic<uint32_t>* word, uint32_t expected, Deadline deadline) {
  const auto left_ns = deadline.left_ns();
  if (!left_ns) {
    futex(word, FUTEX_WAIT, expected, nullptr);
    return;
  }
  if (*left_ns == 0) return;
  timespec time{};
  time.tv_sec = static_cast<time_t>(*left_ns / 1'000'000'000);
  time.tv_nsec = static_cast<long>(*left_ns % 1'000'000'000);
  futex(word, FUTEX_WAIT, expected, &time);
}

int futex_wake(const std::atomic<uint32_t>* word, int count) {
  const long woken = futex(word, FUTEX_WAKE, static_cast<uint32_t>(count), nullptr);
  return woken > 0 ? static_cast<int>(woken) : 0;
}

}  // namespace brood::platform
