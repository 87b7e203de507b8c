// What a program of another family says: greetings are what an encoder writes, or refused; frames
// never make a message longer than it may be, nor take more memory than bytes came.
//
// Input: greetings as they are; for frames, each begins with 2 bytes for its length.
#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <cstring>

#include "rendezvous/wire.hpp"

namespace {

using namespace brood;

void demand(bool holds) {
  if (!holds) abort();
}

bool same(const std::vector<std::byte>& again, std::span<const std::byte> bytes) {
  return again.size() == bytes.size() && std::memcmp(again.data(), bytes.data(), again.size()) == 0;
}

void read_frames(std::span<const std::byte> bytes) {
  constexpr uint64_t kMost = 3000;
  wire::Assembly assembly(kMost);
  size_t seen = 0;
  while (bytes.size() >= 2) {
    uint16_t length = 0;
    std::memcpy(&length, bytes.data(), sizeof length);
    bytes = bytes.subspan(2);
    const auto packet = bytes.first(std::min<size_t>(length, bytes.size()));
    bytes = bytes.subspan(packet.size());
    const auto frame = wire::decode_frame(packet);
    if (!frame) return;
    std::vector<std::byte> again(wire::kFrameHeader);
    wire::encode_header(*frame, std::span(again).first<wire::kFrameHeader>());
    demand(same(again, packet.first(wire::kFrameHeader)));
    seen += frame->bytes.size();
    if (!assembly.add(*frame)) return;
    demand(assembly.bytes().size() <= kMost && assembly.bytes().size() <= seen);
    if (!assembly.whole()) continue;
    assembly.begin();
    seen = 0;
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const auto bytes = std::as_bytes(std::span(data, size));
  if (const auto hello = wire::decode_hello(bytes); hello && hello->version == wire::kVersion) {
    demand(same(wire::encode(*hello), bytes));
  }
  const auto welcome = wire::decode_welcome(bytes);
  if (welcome && welcome->version == wire::kVersion) {
    demand(same(wire::encode(*welcome), bytes));
  }
  read_frames(bytes);
  return 0;
}
