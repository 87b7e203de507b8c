// Random bytes from the kernel.
#include <sys/random.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>

#include "platform/platform.hpp"

namespace brood::platform {

namespace {

// Where a filter denies the call: the device gives the same.
bool read_device(std::span<std::byte> out) {
  const auto device = open_read("/dev/urandom");
  while (device && !out.empty()) {
    const auto got = read_some(device->get(), out.data(), out.size());
    if (!got || *got == 0) return false;
    out = out.subspan(*got);
  }
  return out.empty();
}

// Without the device too: enough to tell two families apart, and nothing better is to be had.
void mix_clock(std::span<std::byte> out) {
  auto state = static_cast<uint64_t>(Clock::now().time_since_epoch().count()) ^
               (static_cast<uint64_t>(::getpid()) << 40);
  for (std::byte& byte : out) {
    state = state * 0x5851f42d4c957f2d + 0x14057b7ef767814f;
    byte = static_cast<std::byte>(state >> 56);
  }
}

}  // namespace

void random_bytes(std::span<std::byte> out) {
  while (!out.empty()) {
    const ssize_t got = ::getrandom(out.data(), out.size(), 0);
    if (got > 0) {
      out = out.subspan(static_cast<size_t>(got));
    } else if (errno != EINTR) {
      if (!read_device(out)) mix_clock(out);
      return;
    }
  }
}

}  // namespace brood::platform
