// Whether the kernel killed for lack of memory.
#pragma once

#include <cstdint>

namespace brood {

// How many processes it has killed for that: in this process's cgroup where it counts them,
// otherwise in the whole system. 0 when unknown.
uint64_t count_memory_kills();

}  // namespace brood
