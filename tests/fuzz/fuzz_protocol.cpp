// The nursery's protocol and the keeper's order: whatever is accepted is what an encoder writes.
#include <cstdlib>
#include <cstring>

#include "process/protocol.hpp"

using namespace brood;

namespace {

template <class Decoded>
void check(const Decoded& decoded, std::span<const std::byte> bytes) {
  if (!decoded) return;
  const auto again = protocol::encode(*decoded);
  if (again.size() != bytes.size() || std::memcmp(again.data(), bytes.data(), again.size()) != 0) {
    std::abort();
  }
}

// Touches every string that the view promises.
void walk(const OrderView& view) {
  size_t total = std::strlen(view.folder);
  const char* at = view.arguments;
  for (uint32_t i = 0; i < view.header.argument_count; ++i) {
    const size_t size = std::strlen(at);
    total += size;
    at += size + 1;
  }
  at = view.environment;
  for (uint32_t i = 0; i < view.header.environment_count; ++i) {
    const size_t size = std::strlen(at);
    total += size;
    at += size + 1;
  }
  for (uint32_t i = 0; i < view.header.limit_count; ++i) total += view.limits[i].resource;
  for (uint32_t i = 0; i < view.header.cpu_count; ++i) total += view.cpus[i];
  // Keeps the walk: nothing that was parsed is this large.
  if (total == SIZE_MAX) std::abort();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const auto bytes = std::as_bytes(std::span(data, size));
  check(protocol::decode_request(bytes), bytes);
  check(protocol::decode_report(bytes), bytes);
  auto* copy = static_cast<char*>(std::malloc(size ? size : 1));
  std::memcpy(copy, data, size);
  OrderView view;
  if (parse_order(copy, size, &view)) walk(view);
  std::free(copy);
  return 0;
}
