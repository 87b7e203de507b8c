// Makes a read of freed memory visible where BROOD_POISON is defined: in the crash sweep's build.
#pragma once

#include <cstddef>
#include <cstring>

namespace brood {

#ifdef BROOD_POISON
inline void poison_freed(std::byte* data, size_t size) { std::memset(data, 0xdd, size); }
#else
inline void poison_freed(std::byte*, size_t) {}
#endif

}  // namespace brood
