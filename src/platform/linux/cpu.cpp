// Which CPU a thread runs on, from the words that the kernel keeps for each thread (rseq).
#include <sched.h>

#include <cstddef>
#include <cstring>

#include "platform/platform.hpp"

// From glibc 2.35 on; absent symbols read as null, and so the library loads anywhere.
extern "C" {
extern const ptrdiff_t __rseq_offset __attribute__((weak));  // NOLINT(bugprone-reserved-identifier)
extern const unsigned int __rseq_size
    __attribute__((weak));  // NOLINT(bugprone-reserved-identifier)
}

namespace brood::platform {

namespace {

const std::byte* thread_pointer() {
#if defined(__x86_64__)
  const std::byte* pointer;
  asm("mov %%fs:0, %0" : "=r"(pointer));
  return pointer;
#elif defined(__aarch64__)
  const std::byte* pointer;
  asm("mrs %0, tpidr_el0" : "=r"(pointer));
  return pointer;
#else
  return nullptr;
#endif
}

constexpr ptrdiff_t kCpuId = 4;  // struct rseq: cpu_id_start, cpu_id, ...

}  // namespace

int current_cpu() {
  if (&__rseq_size != nullptr && __rseq_size >= kCpuId + sizeof(int32_t)) {
    if (const std::byte* pointer = thread_pointer()) {
      int32_t cpu;
      std::memcpy(&cpu, pointer + __rseq_offset + kCpuId, sizeof cpu);
      if (cpu >= 0) return cpu;  // negative: the kernel refused to keep it
    }
  }
  return sched_getcpu();
}

}  // namespace brood::platform
