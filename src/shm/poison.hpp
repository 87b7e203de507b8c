// Makes a read of freed memory visible where BROOD_POISON is defined: in the crash sweep's build,
// which would take too long over more than the first bytes.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstring>

namespace brood {

#ifdef BROOD_POISON
inline void poison_freed(std::byte* data, size_t size) {
  std::memset(data, 0xdd, std::min<size_t>(size, 256));
}
#else
inline void poison_freed(std::byte*, size_t) {}
#endif

}  // namespace brood
