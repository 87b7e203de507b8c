// What may lie in shared memory: plain data without pointers to anything of one process.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <type_traits>

namespace brood {

// Standard layout and no destructor: the bytes are the whole story. That it holds no pointer cannot
// be checked by the language; the struct's layout drawing says so.
template <class T>
concept SharedPod = std::is_standard_layout_v<T> && std::is_trivially_destructible_v<T>;

static_assert(std::atomic<uint64_t>::is_always_lock_free &&
                  std::atomic<uint32_t>::is_always_lock_free,
              "shared memory needs atomics that work between processes");

// Data written by different processes is kept on lines of its own; 128 covers adjacent-line
// prefetch.
inline constexpr std::size_t kCacheLine = 64;
inline constexpr std::size_t kFalseSharing = 128;

}  // namespace brood
