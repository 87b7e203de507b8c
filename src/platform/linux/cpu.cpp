// Which CPU a thread runs on, from the words that the kernel keeps for each thread (rseq).
#include <sched.h>

#include "platform/platform.hpp"

// From glibc 2.35 on; absent symbols read as null, and so the library loads anywhere.
extern "C" {
extern const ptrdiff_t __rseq_offset __attribute__((weak));  // NOLINT(bugprone-reserved-identifier)
extern const unsigned int __rseq_size
    __attribute__((weak));  // NOLINT(bugprone-reserved-identifier)
}

namespace brood::platform {

namespace {

constexpr ptrdiff_t kCpuId = 4;  // struct rseq: cpu_id_start, cpu_id, ...

ptrdiff_t find_cpu_word() {
  const bool kept = &__rseq_size != nullptr && __rseq_size >= kCpuId + sizeof(int32_t);
  return kept && thread_pointer() != nullptr ? __rseq_offset + kCpuId : 0;
}

}  // namespace

const ptrdiff_t cpu_word = find_cpu_word();

int ask_for_cpu() { return sched_getcpu(); }

}  // namespace brood::platform
