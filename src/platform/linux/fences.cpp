// Fences in other processes' threads (membarrier).
#include <linux/membarrier.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "platform/platform.hpp"

namespace brood::platform {

bool join_fences() {
  static const bool joined =
      syscall(SYS_membarrier, MEMBARRIER_CMD_REGISTER_GLOBAL_EXPEDITED, 0, 0) == 0;
  return joined;
}

bool fence_everybody() {
  return syscall(SYS_membarrier, MEMBARRIER_CMD_GLOBAL_EXPEDITED, 0, 0) == 0;
}

}  // namespace brood::platform
