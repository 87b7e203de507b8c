// Random bits from the kernel.
#include <sys/syscall.h>
#include <unistd.h>

#include "platform/platform.hpp"

namespace brood::platform {

uint64_t random_bits() {
  uint64_t bits = 0;
  if (syscall(SYS_getrandom, &bits, sizeof bits, 0) == static_cast<long>(sizeof bits)) return bits;
  // Denied: good enough to tell two families apart, which is all it is for then.
  const auto now = static_cast<uint64_t>(Clock::now().time_since_epoch().count());
  return (now ^ (static_cast<uint64_t>(getpid()) << 40)) * 0x9e3779b97f4a7c15;
}

}  // namespace brood::platform
