// The hand-off: the variable, and the packet that it points to.
#include <cstdlib>
#include <cstring>

#include "process/hand_off.hpp"

using namespace brood;

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const HandOffPlace place = {3, 1, "00000000000000000000000000000000"};
  const auto bytes = std::as_bytes(std::span(data, size));
  auto decoded = decode_hand_off(bytes, place);
  if (decoded && decoded->has_value() && (*decoded)->payload.size() > size) std::abort();
  auto parsed = parse_hand_off_variable(std::string(reinterpret_cast<const char*>(data), size));
  if (parsed && (parsed->fd < 3 || parsed->parent_pid <= 0 || parsed->nonce.size() != 32)) {
    std::abort();
  }
  return 0;
}
